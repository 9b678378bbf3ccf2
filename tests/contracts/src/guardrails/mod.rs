//! `maily.guardrails.v1`: loading a configuration, and verdicts by it.

pub mod load;
pub mod verdicts;

use maily_proto::guardrails::{
    CheckEmailRequest, CheckInputRequest, CheckPieceRequest, ConfigFile, LoadConfigRequest, Piece, Sources,
    Verdict, guardrails_client::GuardrailsClient,
};
use tonic::{Code, Response, Status, transport::Channel};

/// What keeps the contract, with no configuration loaded.
pub trait Guardrails: Sync {
    /// A client of it.
    fn client(&self) -> GuardrailsClient<Channel>;

    /// Has it forget every configuration that was loaded until now, as a replica does that starts again.
    fn forget(&self) -> impl Future<Output = ()> + Send;
}

/// A configuration of rails that need neither a model nor the sources: [`FORBIDDEN`] may stand nowhere, and a mail has
/// to have its ways out.
pub const CONFIG: &str = "\
rails:
  input:
    flows: [regex check input]
  output:
    flows: [regex check output, email check unsubscribe]
  config:
    regex_detection:
      input:
        patterns: [forbidden]
      output:
        patterns: [forbidden]
";
/// What [`CONFIG`] forbids.
pub const FORBIDDEN: &str = "forbidden";
/// An id that no files have.
const UNKNOWN: &str = "00000000000000000000000000000000000000000000000000000000000000ff";
const PLACEHOLDER: &str = "{{unsubscribe_url}}";

fn file(path: &str, content: &str) -> ConfigFile {
    ConfigFile { path: path.into(), content: content.into() }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.expect_err("is refused").code()
}

/// The violations of a verdict, as rail and field; a verdict that contradicts itself is none.
fn found(verdict: &Verdict) -> Vec<(&str, &str)> {
    assert_eq!(verdict.passed, verdict.violations.is_empty());
    for violation in &verdict.violations {
        assert!(!violation.reason.is_empty() && !violation.reason.contains("Secret"), "{violation:?}");
    }
    let of = verdict.violations.iter();
    of.map(|violation| (violation.rail.as_str(), violation.field.as_str())).collect()
}

fn piece(config_id: &str, piece: Piece, text: &str) -> CheckPieceRequest {
    CheckPieceRequest {
        config_id: config_id.into(),
        piece: piece.into(),
        text: text.into(),
        sources: Some(Sources::default()),
    }
}

/// A mail that passes [`CONFIG`].
fn email(config_id: &str) -> CheckEmailRequest {
    let body = "Hello {{first_name}}, our new pots and seeds have arrived.";
    CheckEmailRequest {
        config_id: config_id.into(),
        sources: Some(Sources { sender_name: "Fernhill".into(), ..Sources::default() }),
        subject: "The spring sale has started".into(),
        preheader: "New pots and seeds for your garden".into(),
        body: body.into(),
        text_part: format!("{body}\n\nUnsubscribe: {PLACEHOLDER}\n"),
        html_part: format!(
            "<html><body><p>{body}</p><a href=\"{PLACEHOLDER}\">Unsubscribe</a></body></html>"
        ),
        from_name: "Fernhill".into(),
        from_email: "hello@fernhill.example".into(),
        postal_address: "12 Orchard Lane, Bath".into(),
        list_unsubscribe: format!("<{PLACEHOLDER}>"),
        list_unsubscribe_post: "List-Unsubscribe=One-Click".into(),
    }
}

/// The calls that most checks make.
trait Calls: Guardrails {
    async fn load_files(&self, files: Vec<ConfigFile>) -> Result<String, Status> {
        Ok(self.client().load_config(LoadConfigRequest { files }).await?.into_inner().config_id)
    }

    async fn load(&self, yaml: &str) -> Result<String, Status> {
        self.load_files(vec![file("config.yml", yaml)]).await
    }

    async fn input(&self, config_id: &str, text: &str) -> Result<Verdict, Status> {
        let request = CheckInputRequest { config_id: config_id.into(), text: text.into() };
        self.client().check_input(request).await.map(Response::into_inner)
    }

    async fn piece(&self, request: CheckPieceRequest) -> Result<Verdict, Status> {
        self.client().check_piece(request).await.map(Response::into_inner)
    }

    async fn email(&self, request: CheckEmailRequest) -> Result<Verdict, Status> {
        self.client().check_email(request).await.map(Response::into_inner)
    }
}

impl<G: Guardrails> Calls for G {}
