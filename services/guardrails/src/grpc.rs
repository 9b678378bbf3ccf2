//! `maily.guardrails.v1`: what other services call.

use std::sync::Arc;

use maily_proto::guardrails::{
    self as proto, CheckEmailRequest, CheckInputRequest, CheckPieceRequest, LoadConfigReply,
    LoadConfigRequest, Verdict, guardrails_server::Guardrails,
};
use tonic::{Request, Response, Status};

use crate::{
    config::{Config, File},
    failure::Failure,
    guard::{Guard, GuardError},
    rails::{Email, Piece, Sources, Violation},
    turns::Who,
};

/// Bytes of a brief or a piece.
const MAX_TEXT: usize = 64 << 10;
/// Bytes of one header or name.
const MAX_HEADER: usize = 4 << 10;
/// Bytes of a part as it will be sent.
const MAX_PART: usize = 512 << 10;

/// The gRPC side of the service.
pub(crate) struct Api(pub(crate) Guard);

#[tonic::async_trait]
impl Guardrails for Api {
    async fn load_config(
        &self,
        request: Request<LoadConfigRequest>,
    ) -> Result<Response<LoadConfigReply>, Status> {
        let guard = self.guard(&request);
        let files = request
            .into_inner()
            .files
            .into_iter()
            .map(|f| File { path: f.path, content: f.content })
            .collect();
        let config_id = guard.load(files).await.map_err(|error| match error.to_string() {
            why if error.is_permanent() => Status::invalid_argument(why),
            why if error.is_fault() => Status::internal(why),
            why => Status::unavailable(why),
        })?;
        Ok(Response::new(LoadConfigReply { config_id }))
    }

    async fn check_input(&self, request: Request<CheckInputRequest>) -> Result<Response<Verdict>, Status> {
        let (guard, request) = (self.guard(&request), request.into_inner());
        let config = self.config(&request.config_id)?;
        filled("text", &request.text)?;
        verdict(guard.input(config, vec![text("text", request.text, MAX_TEXT)?]).await)
    }

    async fn check_piece(&self, request: Request<CheckPieceRequest>) -> Result<Response<Verdict>, Status> {
        let (guard, request) = (self.guard(&request), request.into_inner());
        let piece = match request.piece() {
            proto::Piece::Subject => Piece::Subject,
            proto::Piece::Preheader => Piece::Preheader,
            proto::Piece::Body => Piece::Body,
            proto::Piece::Unspecified => return Err(Status::invalid_argument("piece is missing or unknown")),
        };
        let config = self.config(&request.config_id)?;
        let sources = sources(request.sources)?;
        verdict(guard.piece(config, piece, text("text", request.text, MAX_TEXT)?, sources).await)
    }

    async fn check_email(&self, request: Request<CheckEmailRequest>) -> Result<Response<Verdict>, Status> {
        let (guard, mut request) = (self.guard(&request), request.into_inner());
        let config = self.config(&request.config_id)?;
        let sources = sources(request.sources.take())?;
        verdict(guard.email(config, email(request)?, sources).await)
    }
}

impl Api {
    fn guard<T>(&self, request: &Request<T>) -> Guard {
        self.0.called_by(Who::of(request))
    }

    fn config(&self, id: &str) -> Result<Arc<Config>, Status> {
        if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(Status::invalid_argument("config_id is not an id that LoadConfig answered"));
        }
        self.0
            .store
            .get(id)
            .ok_or_else(|| Status::failed_precondition("the configuration is not loaded here; load it again"))
    }
}

fn email(request: CheckEmailRequest) -> Result<Email, Status> {
    Ok(Email {
        subject: text("subject", request.subject, MAX_HEADER)?,
        preheader: text("preheader", request.preheader, MAX_HEADER)?,
        body: text("body", request.body, MAX_TEXT)?,
        text_part: text("text_part", request.text_part, MAX_PART)?,
        html_part: text("html_part", request.html_part, MAX_PART)?,
        from_name: text("from_name", request.from_name, MAX_HEADER)?,
        from_email: text("from_email", request.from_email, MAX_HEADER)?,
        postal_address: text("postal_address", request.postal_address, MAX_HEADER)?,
        list_unsubscribe: text("list_unsubscribe", request.list_unsubscribe, MAX_HEADER)?,
        list_unsubscribe_post: text("list_unsubscribe_post", request.list_unsubscribe_post, MAX_HEADER)?,
    })
}

/// Without sources nothing could be told from an invention, so they must be given.
fn sources(sources: Option<proto::Sources>) -> Result<Sources, Status> {
    let given = sources.ok_or_else(|| Status::invalid_argument("sources are missing"))?;
    Ok(Sources {
        brief: text("sources.brief", given.brief, MAX_TEXT)?,
        offer: text("sources.offer", given.offer, MAX_TEXT)?,
        brand: text("sources.brand", given.brand, MAX_TEXT)?,
        sender_name: text("sources.sender_name", given.sender_name, MAX_HEADER)?,
    })
}

fn text(field: &str, value: String, most: usize) -> Result<String, Status> {
    if value.len() > most {
        Err(Status::invalid_argument(format!("{field} has more than {most} bytes")))
    } else {
        Ok(value)
    }
}

fn filled(field: &str, value: &str) -> Result<(), Status> {
    if value.trim().is_empty() { Err(Status::invalid_argument(format!("{field} is empty"))) } else { Ok(()) }
}

fn verdict(result: Result<Vec<Violation>, GuardError>) -> Result<Response<Verdict>, Status> {
    // FAILED_PRECONDITION is none of them: it says that the configuration is to be loaded again.
    let violations = result.map_err(|error| match (error.failure(), error.to_string()) {
        (Failure::Caller, why) => Status::invalid_argument(why),
        (Failure::Fault, why) => Status::internal(why),
        (Failure::Late, why) => Status::deadline_exceeded(why),
        (Failure::Broken, why) => Status::aborted(why),
        (Failure::Outage, why) => Status::unavailable(why),
    })?;
    let violations: Vec<proto::Violation> = violations
        .into_iter()
        .map(|v| proto::Violation { rail: v.rail.to_owned(), field: v.field.to_owned(), reason: v.reason })
        .collect();
    Ok(Response::new(Verdict { passed: violations.is_empty(), violations }))
}
