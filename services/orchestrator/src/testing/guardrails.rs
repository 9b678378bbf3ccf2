//! Guardrails' contract in memory: configurations by id, and rails that look for words and for ways out.

mod config;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use maily_proto::{
    CAMPAIGN,
    guardrails::{
        CheckEmailRequest, CheckInputRequest, CheckPieceRequest, LoadConfigReply, LoadConfigRequest, Piece,
        Sources, Verdict, Violation, guardrails_server::Guardrails,
    },
};
use tonic::{Code, Request, Response, Status};

use config::Config;

/// Bytes of a brief or a piece.
const MAX_TEXT: usize = 64 << 10;

/// What the rails hold.
#[derive(Default)]
pub(crate) struct Judge {
    loaded: Mutex<HashMap<String, Arc<Config>>>,
    /// Pieces that are still to be answered with this status.
    refusals: Mutex<(u32, Option<Code>)>,
    /// Which campaign each request was for; without a name where it did not say so.
    campaigns: Mutex<Vec<String>>,
}

impl Judge {
    /// As a replica that was restarted does.
    pub(crate) fn forget(&self) {
        self.loaded.lock().unwrap().clear();
    }

    pub(crate) fn refuse(&self, pieces: u32, code: Code) {
        *self.refusals.lock().unwrap() = (pieces, Some(code));
    }

    pub(crate) fn refusals(&self) -> u32 {
        self.refusals.lock().unwrap().0
    }

    pub(crate) fn campaigns(&self) -> Vec<String> {
        self.campaigns.lock().unwrap().clone()
    }

    fn note<T>(&self, request: &Request<T>) {
        let named = request.metadata().get(CAMPAIGN).map(|named| named.to_str().unwrap().to_owned());
        self.campaigns.lock().unwrap().push(named.unwrap_or_default());
    }

    fn config(&self, id: &str) -> Result<Arc<Config>, Status> {
        if id.len() != 64 || !id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Err(Status::invalid_argument("config_id is not an id that LoadConfig answered"));
        }
        let held = self.loaded.lock().unwrap().get(id).cloned();
        held.ok_or_else(|| Status::failed_precondition("the configuration is not loaded here; load it again"))
    }
}

fn text<'a>(field: &str, text: &'a str) -> Result<&'a str, Status> {
    let long = || Status::invalid_argument(format!("{field} has more than {MAX_TEXT} bytes"));
    (text.len() <= MAX_TEXT).then_some(text).ok_or_else(long)
}

fn sources(sources: Option<&Sources>) -> Result<(), Status> {
    sources.map(drop).ok_or_else(|| Status::invalid_argument("sources are missing"))
}

fn verdict(violations: Vec<Violation>) -> Response<Verdict> {
    Response::new(Verdict { passed: violations.is_empty(), violations })
}

#[tonic::async_trait]
impl Guardrails for Judge {
    async fn load_config(
        &self,
        request: Request<LoadConfigRequest>,
    ) -> Result<Response<LoadConfigReply>, Status> {
        self.note(&request);
        let (config_id, config) = config::load(request.into_inner().files)?;
        self.loaded.lock().unwrap().insert(config_id.clone(), Arc::new(config));
        Ok(Response::new(LoadConfigReply { config_id }))
    }

    async fn check_input(&self, request: Request<CheckInputRequest>) -> Result<Response<Verdict>, Status> {
        self.note(&request);
        let request = request.into_inner();
        let config = self.config(&request.config_id)?;
        if request.text.trim().is_empty() {
            return Err(Status::invalid_argument("text is empty"));
        }
        let judged = config.input(text("text", &request.text)?);
        judged.map(verdict).ok_or_else(|| Status::invalid_argument("the configuration has no input rails"))
    }

    async fn check_piece(&self, request: Request<CheckPieceRequest>) -> Result<Response<Verdict>, Status> {
        self.note(&request);
        if let (left @ 1.., Some(code)) = &mut *self.refusals.lock().unwrap() {
            *left -= 1;
            return Err(Status::new(*code, ""));
        }
        let request = request.into_inner();
        let field = match request.piece() {
            Piece::Subject => "subject",
            Piece::Preheader => "preheader",
            Piece::Body => "body",
            Piece::Unspecified => return Err(Status::invalid_argument("piece is missing or unknown")),
        };
        let config = self.config(&request.config_id)?;
        sources(request.sources.as_ref())?;
        Ok(verdict(config.output(field, text("text", &request.text)?)))
    }

    async fn check_email(&self, request: Request<CheckEmailRequest>) -> Result<Response<Verdict>, Status> {
        self.note(&request);
        let mail = request.into_inner();
        let config = self.config(&mail.config_id)?;
        sources(mail.sources.as_ref())?;
        text("body", &mail.body)?;
        Ok(verdict(config.email(&mail)))
    }
}
