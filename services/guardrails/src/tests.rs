//! The service as its callers see it: gRPC, NeMo's REST, and a scripted judge behind both.

mod chat;
mod contract;
mod model;
mod order;
mod rest;
mod served;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use maily_proto::guardrails::{self as proto, guardrails_server::Guardrails};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tonic::Code;

use crate::{
    config::{self, File, Judges, LoadError},
    failure::Failure,
    grpc::Api,
    guard::{Guard, GuardError},
    judge::Judge,
    store::{self, Store},
    turns::NoTurn,
};
use model::scripted;

maily_template::worker_of_tests!();

/// Nobody listens on port 1.
const NOBODY: &str = "http://127.0.0.1:1/v1";

fn self_checks(base: &str) -> Vec<File> {
    let yaml = format!(
        "models:\n  - type: main\n    engine: openai\n    model: judge-1\n    parameters:\n      base_url: {base}\n      temperature: 0.9\n\
         instructions:\n  - type: general\n    content: Be kind.\n\
         rails:\n  input:\n    flows:\n      - self check input\n      - regex check input\n\
         \x20 output:\n    flows:\n      - self check output\n\
         \x20 config:\n    regex_detection:\n      input:\n        patterns: ['forbidden']\n\
         prompts:\n  - task: self_check_input\n    content: 'Block {{{{ user_input }}}}?'\n\
         \x20 - task: self_check_output\n    content: 'Block {{{{ bot_response }}}}?'\n    max_length: 2000\n"
    );
    vec![File { path: "config.yml".into(), content: yaml.into_bytes() }]
}

fn plain(marker: &str) -> Vec<File> {
    let yaml = format!("# {marker}\nrails:\n  output:\n    flows:\n      - email check facts\n");
    vec![File { path: "config.yml".into(), content: yaml.into_bytes() }]
}

/// Input rails that need no model.
fn words(marker: &str) -> Vec<File> {
    let yaml = format!(
        "# {marker}\nrails:\n  input:\n    flows: [regex check input]\n\
         \x20 config:\n    regex_detection:\n      input:\n        patterns: ['forbidden']\n"
    );
    vec![File { path: "config.yml".into(), content: yaml.into_bytes() }]
}

/// `base` is the judge that configurations loaded by gRPC may ask, beside one that is not there.
fn guard_with(files: &[(&str, Vec<File>)], base: &str, timeout: Duration) -> Guard {
    let named: BTreeMap<_, _> = files
        .iter()
        .map(|(name, files)| ((*name).to_owned(), Arc::new(config::load(files).expect("loads"))))
        .collect();
    let judges = Judges::at(&[base, NOBODY]);
    Guard::new(Store::new(named, 2), Judge::new(None, timeout).expect("has roots"), judges)
}

fn guard(base: &str) -> Guard {
    guard_with(&[("checked", self_checks(base)), ("plain", plain("x"))], base, Duration::from_secs(20))
}

async fn load(api: &Api, files: Vec<File>) -> Result<String, tonic::Status> {
    let files = files.into_iter().map(|f| proto::ConfigFile { path: f.path, content: f.content }).collect();
    let reply = api.load_config(tonic::Request::new(proto::LoadConfigRequest { files })).await?;
    Ok(reply.into_inner().config_id)
}

async fn input(api: &Api, config_id: &str, text: &str) -> Result<proto::Verdict, tonic::Status> {
    let request = proto::CheckInputRequest { config_id: config_id.to_owned(), text: text.to_owned() };
    api.check_input(tonic::Request::new(request)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn the_judge_decides_and_only_a_no_allows() {
    let (base, mut seen) = scripted().await;
    let api = Api(guard(&base));
    let id = load(&api, self_checks(&base)).await.expect("loads");
    assert!(input(&api, &id, "a plain brief").await.expect("answers").passed);
    let sent = seen.recv().await.expect("was asked");
    assert_eq!(sent["messages"], json!([{ "role": "user", "content": "Block a plain brief?" }]));
    assert_eq!((&sent["model"], &sent["temperature"]), (&json!("judge-1"), &json!(0.001)));
    for (text, reason) in
        [("say-yes", "the judge blocked it"), ("say-garbage", "the judge's answer was neither yes nor no")]
    {
        let verdict = input(&api, &id, text).await.expect("answers");
        assert!(!verdict.passed);
        assert_eq!(
            (verdict.violations[0].rail.as_str(), verdict.violations[0].reason.as_str()),
            ("self check input", reason)
        );
    }
    // What is judged is never read as a template.
    assert!(input(&api, &id, "{{ 7 * 7 }}").await.expect("answers").passed);
    let mut last = Value::Null;
    while let Ok(sent) = seen.try_recv() {
        last = sent;
    }
    assert_eq!(last["messages"][0]["content"], "Block {{ 7 * 7 }}?");
}

#[tokio::test]
async fn a_judge_that_fails_allows_nothing() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let id = load(&api, self_checks(&base)).await.expect("loads");
    for (text, code) in [
        // What comes again however often it is asked, and the text's own fault.
        ("say-500", Code::Internal),
        ("say-404", Code::Internal),
        ("say-html", Code::Internal),
        ("say-long", Code::Internal),
        ("say-no-temperature", Code::Internal),
        ("say-400", Code::InvalidArgument),
        ("say-422", Code::InvalidArgument),
        // What passes.
        ("say-403", Code::Unavailable),
        ("say-429", Code::Unavailable),
        ("say-503", Code::Unavailable),
    ] {
        let status = input(&api, &id, text).await.expect_err("gives no verdict");
        assert_eq!(status.code(), code, "{text}: {}", status.message());
    }
    let id = load(&api, self_checks(NOBODY)).await.expect("loads");
    assert_eq!(input(&api, &id, "a brief").await.expect_err("gives no verdict").code(), Code::Unavailable);
}

#[tokio::test]
async fn a_judge_that_hangs_allows_nothing() {
    let (base, _seen) = scripted().await;
    let api = Api(guard_with(&[], &base, Duration::from_millis(200)));
    let id = load(&api, self_checks(&base)).await.expect("loads");
    assert_eq!(
        input(&api, &id, "say-nothing").await.expect_err("gives no verdict").code(),
        Code::DeadlineExceeded
    );
}

/// It was there: whoever asks has to tell it from one that is away.
#[tokio::test]
async fn a_judge_that_dies_of_a_question_is_told_from_one_that_is_away() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let base = format!("http://{}/v1", listener.local_addr().expect("is bound"));
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("accepts");
            let mut asked = vec![0; 1 << 16];
            assert!(connection.read(&mut asked).await.expect("reads") > 0);
        }
    });
    let api = Api(guard(&base));
    let id = load(&api, self_checks(&base)).await.expect("loads");
    assert_eq!(input(&api, &id, "a brief").await.expect_err("gives no verdict").code(), Code::Aborted);
}

#[tokio::test]
async fn our_own_panic_is_a_failure_and_no_outage() {
    let cut = maily_chassis::blocking(|| -> u32 { panic!("person@example.org") }).await.unwrap_err();
    let refused = GuardError::from(NoTurn::from(cut));
    assert_eq!((refused.failure(), refused.to_string()), (Failure::Fault, "the service failed".to_owned()));
    let refused = LoadError::cut(cut);
    assert!(refused.is_fault() && !refused.is_permanent(), "{refused}");
}

/// A campaign whose text makes a template take all memory is refused for good, and the service goes on.
#[tokio::test]
async fn a_template_that_takes_too_much_takes_no_service() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let hostile = "{% if user_input | length > 99 %}{{ user_input | indent(100000000000000) }}{% endif %}Block {{ user_input }}?";
    let mut files = self_checks(&base);
    let yaml = String::from_utf8(files[0].content.clone()).expect("is text");
    files[0].content = yaml.replace("Block {{ user_input }}?", hostile).into_bytes();
    let id = load(&api, files).await.expect("loads");
    for _ in 0..2 {
        assert!(input(&api, &id, "a plain brief").await.expect("answers").passed);
        let refused = input(&api, &id, &"x\n".repeat(50)).await.expect_err("gives no verdict");
        assert_eq!(refused.code(), Code::InvalidArgument, "{}", refused.message());
    }
}

#[tokio::test]
async fn configurations_are_held_by_id_and_the_oldest_goes() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let mut ids = Vec::new();
    for marker in ["one", "two", "three"] {
        ids.push(load(&api, words(marker)).await.expect("loads"));
    }
    assert_eq!(ids[2], load(&api, words("three")).await.expect("loads"));
    assert_eq!(input(&api, &ids[0], "a brief").await.expect_err("is gone").code(), Code::FailedPrecondition);
    assert!(input(&api, &ids[1], "a brief").await.expect("is held").passed);
    load(&api, words("four")).await.expect("loads");
    assert_eq!(input(&api, &ids[2], "a brief").await.expect_err("is gone").code(), Code::FailedPrecondition);
    assert!(input(&api, &ids[1], "a brief").await.expect("was used later").passed);
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let config_id = load(&api, plain("x")).await.expect("loads");
    let bad =
        load(&api, vec![File { path: "config.yml".into(), content: b"rails:\n  inputs: {}\n".to_vec() }])
            .await;
    let bad = bad.expect_err("is refused");
    assert_eq!(bad.code(), Code::InvalidArgument);
    assert_eq!(bad.message(), "config.yml:2: unknown key rails.inputs (did you mean rails.input?)");
    // The last: a text that no rail of the configuration judges is not one that passed.
    for (id, text) in [
        ("", "x"),
        ("zz", "x"),
        (config_id.as_str(), " "),
        (config_id.as_str(), &"x".repeat(70_000)),
        (config_id.as_str(), "x"),
    ] {
        assert_eq!(input(&api, id, text).await.expect_err("is refused").code(), Code::InvalidArgument);
    }
    let piece =
        proto::CheckPieceRequest { config_id: config_id.clone(), piece: 1, text: "x".into(), sources: None };
    let unspecified =
        proto::CheckPieceRequest { piece: 0, sources: Some(proto::Sources::default()), ..piece.clone() };
    for request in [piece, unspecified] {
        let status = api.check_piece(tonic::Request::new(request)).await.expect_err("is refused");
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    let maily = b"models:\n  - type: main\n    engine: maily\n    model: m\n".to_vec();
    let status =
        load(&api, vec![File { path: "config.yml".into(), content: maily }]).await.expect_err("has no peer");
    assert_eq!(
        status.message(),
        "config.yml:2: engine maily needs the service's peer `inference`, which is not configured"
    );
}

#[tokio::test]
async fn a_callers_configuration_reaches_only_the_operators_judges() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let model = |more: &str| {
        let yaml = format!("models:\n  - type: main\n    engine: openai\n    model: m\n{more}");
        vec![File { path: "config.yml".into(), content: yaml.into_bytes() }]
    };
    let other = "none of the service's judges (service.judges)";
    for (more, expected) in [
        // Whatever its scheme or host is: a key would go there, or a request into the cluster.
        ("    parameters:\n      base_url: https://elsewhere.example/v1\n".into(), other),
        ("    parameters:\n      base_url: http://storage:8080/v1\n".into(), other),
        (String::new(), other),
        (
            format!("    api_key_env_var: STRIPE_API_KEY\n    parameters:\n      base_url: {base}\n"),
            "models[0].api_key_env_var is not the one that service.judges has for this judge",
        ),
    ] {
        let refused = load(&api, model(&more)).await.expect_err("is refused");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().ends_with(expected), "{more}: {}", refused.message());
    }
    load(&api, model(&format!("    parameters:\n      base_url: {base}/\n"))).await.expect("loads");
}

#[tokio::test]
async fn a_whole_email_is_checked_over_grpc() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let folder = std::path::Path::new("../orchestrator/samples/spring-sale/guardrails");
    let config_id = load(&api, config::read_folder(folder).expect("is a folder")).await.expect("loads");
    let email = crate::config::tests::email::good_email();
    let good = proto::CheckEmailRequest {
        config_id,
        sources: Some(proto::Sources {
            brief: "Our spring sale has started. New garden furniture, pots and seeds have arrived.".into(),
            offer: "Save 20% until 5 April 2026.".into(),
            brand: String::new(),
            sender_name: email.from_name.clone(),
        }),
        subject: email.subject,
        preheader: email.preheader,
        body: email.body,
        text_part: email.text_part,
        html_part: email.html_part,
        from_name: email.from_name,
        from_email: email.from_email,
        postal_address: email.postal_address,
        list_unsubscribe: email.list_unsubscribe,
        list_unsubscribe_post: email.list_unsubscribe_post,
    };
    let verdict = api.check_email(tonic::Request::new(good.clone())).await.expect("answers").into_inner();
    assert_eq!(verdict.violations, []);
    // Without the campaign's name nothing tells the sender from another.
    let nameless = proto::CheckEmailRequest {
        sources: good.sources.clone().map(|sources| proto::Sources { sender_name: String::new(), ..sources }),
        ..good.clone()
    };
    let verdict = api.check_email(tonic::Request::new(nameless)).await.expect("answers").into_inner();
    assert_eq!((verdict.passed, verdict.violations[0].rail.as_str()), (false, "email check sender"));
    let bad = proto::CheckEmailRequest { list_unsubscribe: String::new(), ..good };
    let verdict = api.check_email(tonic::Request::new(bad)).await.expect("answers").into_inner();
    assert_eq!((verdict.passed, verdict.violations[0].rail.as_str()), (false, "email check unsubscribe"));
}

#[test]
fn a_folder_is_served_only_if_all_of_it_loads() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("writes");
        std::fs::write(path, text).expect("writes");
    };
    write("good/config.yml", "rails:\n  output:\n    flows: [email check facts]\n");
    write("_draft/config.yml", "nonsense: 1\n");
    write("no-config/other.txt", "x");
    let names: Vec<String> = store::folder(folder.path()).expect("loads").into_keys().collect();
    assert_eq!(names, ["good"]);
    write("bad/config.yaml", "rails:\n  inputs: {}\n");
    let problem = store::folder(folder.path()).err().expect("is refused");
    assert_eq!(
        problem,
        "service.configs: bad/config.yaml:2: unknown key rails.inputs (did you mean rails.input?)"
    );
}
