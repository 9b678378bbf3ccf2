//! Guardrails' contract in memory: a text with the word `forbidden` does not pass; a configuration with it is refused.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use maily_proto::guardrails::{
    CheckEmailRequest, CheckInputRequest, CheckPieceRequest, LoadConfigReply, LoadConfigRequest, Verdict,
    Violation, guardrails_server::Guardrails,
};
use tonic::{Code, Request, Response, Status};

/// What the rails saw.
#[derive(Default)]
pub(crate) struct Judge {
    loaded: Mutex<bool>,
    pub(crate) loads: AtomicU32,
    /// Pieces that are still to be answered with this status.
    refusals: Mutex<(u32, Option<Code>)>,
}

impl Judge {
    /// As a replica that was restarted does.
    pub(crate) fn forget(&self) {
        *self.loaded.lock().unwrap() = false;
    }

    pub(crate) fn refuse(&self, pieces: u32, code: Code) {
        *self.refusals.lock().unwrap() = (pieces, Some(code));
    }

    pub(crate) fn refusals(&self) -> u32 {
        self.refusals.lock().unwrap().0
    }

    fn verdict(&self, field: &str, text: &str) -> Result<Response<Verdict>, Status> {
        if !*self.loaded.lock().unwrap() {
            return Err(Status::failed_precondition("load it"));
        }
        let passed = !text.contains("forbidden");
        let violation = || Violation { rail: "words".into(), field: field.into(), reason: "says it".into() };
        Ok(Response::new(Verdict { passed, violations: (!passed).then(violation).into_iter().collect() }))
    }
}

#[tonic::async_trait]
impl Guardrails for Judge {
    async fn load_config(
        &self,
        request: Request<LoadConfigRequest>,
    ) -> Result<Response<LoadConfigReply>, Status> {
        if request.into_inner().files.iter().any(|file| file.content.starts_with(b"forbidden")) {
            return Err(Status::invalid_argument("config.yml line 1: unknown key `forbidden`"));
        }
        *self.loaded.lock().unwrap() = true;
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(LoadConfigReply { config_id: "config".into() }))
    }

    async fn check_input(&self, request: Request<CheckInputRequest>) -> Result<Response<Verdict>, Status> {
        self.verdict("input", &request.into_inner().text)
    }

    async fn check_piece(&self, request: Request<CheckPieceRequest>) -> Result<Response<Verdict>, Status> {
        if let (left @ 1.., Some(code)) = &mut *self.refusals.lock().unwrap() {
            *left -= 1;
            return Err(Status::new(*code, ""));
        }
        self.verdict("body", &request.into_inner().text)
    }

    async fn check_email(&self, request: Request<CheckEmailRequest>) -> Result<Response<Verdict>, Status> {
        let mail = request.into_inner();
        let links =
            mail.text_part.contains("{{unsubscribe_url}}") && mail.html_part.contains("{{unsubscribe_url}}");
        let text = if links { mail.body } else { "forbidden".to_owned() };
        self.verdict("email", &text)
    }
}
