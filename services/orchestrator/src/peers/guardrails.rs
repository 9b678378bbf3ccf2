//! Guardrails: whether a model may be shown a text; whether a piece of copy, a whole e-mail may be used. No verdict means
//! no.

use std::future::Future;

use maily_chassis::TraceContext;
use maily_proto::{
    CAMPAIGN,
    guardrails::{
        CheckEmailRequest, CheckInputRequest, CheckPieceRequest, ConfigFile, LoadConfigRequest,
        Piece as WirePiece, Sources, Verdict, Violation, guardrails_client::GuardrailsClient as Grpc,
    },
};
use tonic::{Code, Request, Response, Status, service::interceptor::InterceptedService, transport::Channel};

use super::{PeerError, persist};
use crate::{
    campaign::{Campaign, CampaignId, GuardrailsFile},
    copy::{Draft, Piece},
    mail::{ONE_CLICK, Template},
};

pub(super) const PEER: &str = "guardrails";
/// A verdict may wait for a judge, which is a language model.
const VERDICT: std::time::Duration = std::time::Duration::from_secs(120);

type Client = Grpc<InterceptedService<Channel, TraceContext>>;

/// The guardrails service.
#[derive(Clone)]
pub(crate) struct Guardrails(Client);

/// What the rails found: empty means passed; else sentences without personal data.
pub(crate) type Findings = Vec<String>;

impl Guardrails {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(Grpc::with_interceptor(channel, TraceContext))
    }

    /// Loads a campaign's configuration; its id.
    ///
    /// # Errors
    /// [`PeerError::refusal`] has the sentence about a configuration that can't be used.
    pub(crate) async fn load(&self, id: &CampaignId, files: &[GuardrailsFile]) -> Result<String, PeerError> {
        let file = |file: &GuardrailsFile| ConfigFile {
            path: file.path.clone(),
            content: file.content.clone().into_bytes(),
        };
        let request = LoadConfigRequest { files: files.iter().map(file).collect() };
        let reply =
            self.call(id, request, |mut client, request| async move { client.load_config(request).await });
        Ok(reply.await?.config_id)
    }

    /// The rails of one campaign.
    pub(crate) async fn guard<'a>(
        &'a self,
        id: &'a CampaignId,
        campaign: &'a Campaign,
    ) -> Result<Guard<'a>, PeerError> {
        let config = self.load(id, &campaign.guardrails).await?;
        Ok(Guard { guardrails: self, id, campaign, config })
    }

    /// Asks for a campaign, whose turn it takes there.
    async fn call<Q, R, F, Fut>(&self, id: &CampaignId, request: Q, send: F) -> Result<R, PeerError>
    where
        Q: Clone,
        F: Fn(Client, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<R>, Status>>,
    {
        let once = || async {
            let mut request = Request::new(request.clone());
            request.set_timeout(VERDICT);
            // An id is ASCII.
            if let Ok(id) = id.as_str().parse() {
                request.metadata_mut().insert(CAMPAIGN, id);
            }
            let answer = tokio::time::timeout(VERDICT, send(self.0.clone(), request)).await;
            // By its deadline guardrails tells of its judge.
            let answer = answer.map_err(|_| PeerError::Away { peer: PEER })?;
            answer.map(Response::into_inner).map_err(|status| PeerError::status(PEER, &status))
        };
        persist(once).await
    }
}

/// The rails of one campaign.
pub(crate) struct Guard<'a> {
    guardrails: &'a Guardrails,
    id: &'a CampaignId,
    campaign: &'a Campaign,
    config: String,
}

impl Guard<'_> {
    /// Runs every output rail on a cohort's mail.
    pub(crate) async fn check_email(
        &self,
        draft: &Draft,
        template: &Template,
    ) -> Result<Findings, PeerError> {
        let sender = &self.campaign.settings.sender;
        let request = CheckEmailRequest {
            config_id: self.config.clone(),
            sources: Some(self.sources()),
            subject: draft.subject.clone(),
            preheader: draft.preheader.clone(),
            body: draft.body.clone(),
            text_part: template.text_part().to_owned(),
            html_part: template.html_part().to_owned(),
            from_name: sender.name.clone(),
            from_email: sender.email.clone(),
            postal_address: sender.postal_address.clone(),
            list_unsubscribe: Template::list_unsubscribe(),
            list_unsubscribe_post: ONE_CLICK.to_owned(),
        };
        self.judge(request, |mut client, request| async move { client.check_email(request).await }).await
    }

    fn sources(&self) -> Sources {
        let settings = &self.campaign.settings;
        Sources {
            brief: settings.brief.clone(),
            offer: settings.offer.clone(),
            brand: format!("{}\n\n{}", settings.brand, self.campaign.brand),
            sender_name: settings.sender.name.clone(),
        }
    }

    /// Asks; where the replica does not hold the configuration, loads it and asks again.
    async fn judge<Q, F, Fut>(&self, request: Q, send: F) -> Result<Findings, PeerError>
    where
        Q: Clone,
        F: Fn(Client, Request<Q>) -> Fut + Copy,
        Fut: Future<Output = Result<Response<Verdict>, Status>>,
    {
        let mut tries = 0;
        loop {
            match self.guardrails.call(self.id, request.clone(), send).await {
                // Replicas behind one name: each load may land on another, so a few rounds are fair.
                Err(error) if error.code() == Some(Code::FailedPrecondition) && tries < 5 => {
                    tries += 1;
                    self.guardrails.load(self.id, &self.campaign.guardrails).await?;
                }
                verdict => return sentences(verdict?),
            }
        }
    }
}

fn sentences(verdict: Verdict) -> Result<Findings, PeerError> {
    let sentences: Findings =
        verdict.violations.into_iter().map(|v| format!("{} ({}): {}", v.rail, v.field, v.reason)).collect();
    match verdict.passed == sentences.is_empty() {
        true => Ok(sentences),
        false => Err(PeerError::Contract { peer: PEER, what: "a verdict that contradicts itself" }),
    }
}

/// A text that no rail can judge, as it is too long for the prompt of one or makes it fail, is refused: the report says why.
fn unjudged(status: Status) -> Result<Response<Verdict>, Status> {
    match status.code() {
        Code::InvalidArgument => {
            let (rail, field, reason) = ("input rails".into(), "input".into(), status.message().into());
            let violations = vec![Violation { rail, field, reason }];
            Ok(Response::new(Verdict { passed: false, violations }))
        }
        _ => Err(status),
    }
}

impl Guard<'_> {
    /// Runs every input rail on a text that the model would read.
    pub(crate) async fn check_input(&self, text: &str) -> Result<Findings, PeerError> {
        let request = CheckInputRequest { config_id: self.config.clone(), text: text.to_owned() };
        let verdict = self.judge(request, |mut client, request| async move {
            client.check_input(request).await.or_else(unjudged)
        });
        verdict.await
    }

    /// Runs the output rails on a piece of copy.
    pub(crate) async fn check_piece(&self, piece: Piece, text: &str) -> Result<Findings, PeerError> {
        let piece = match piece {
            Piece::Subject => WirePiece::Subject,
            Piece::Preheader => WirePiece::Preheader,
            Piece::Body => WirePiece::Body,
        };
        let request = CheckPieceRequest {
            config_id: self.config.clone(),
            piece: piece.into(),
            text: text.to_owned(),
            sources: Some(self.sources()),
        };
        let verdict =
            self.judge(request, |mut client, request| async move { client.check_piece(request).await });
        verdict.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use maily_contracts::guardrails::CONFIG;
    use maily_proto::guardrails::guardrails_server::GuardrailsServer;
    use tonic::transport::Endpoint;

    use super::*;
    use crate::{
        campaign::EXAMPLE,
        testing::{Judge, serve},
    };

    #[tokio::test]
    async fn every_request_says_which_campaign_it_is_for() {
        let judge = Arc::new(Judge::default());
        let address = serve(GuardrailsServer::from_arc(Arc::clone(&judge))).await;
        let guardrails = Guardrails::new(Endpoint::from_shared(address).unwrap().connect_lazy());
        let files = vec![GuardrailsFile { path: "config.yml".into(), content: CONFIG.into() }];
        let campaign = Campaign::new(EXAMPLE, "We garden.".into(), files).unwrap();
        let id = CampaignId::try_from("spring-sale".to_owned()).unwrap();
        let guard = guardrails.guard(&id, &campaign).await.unwrap();
        // As by a replica that was started again: the text is refused, the rails loaded, and the text judged.
        judge.forget();
        assert_eq!(guard.check_input("a brief").await.unwrap(), Findings::new());
        assert_eq!(guard.check_piece(Piece::Body, "a body").await.unwrap(), Findings::new());
        assert_eq!(judge.campaigns(), ["spring-sale"; 5]);
    }
}
