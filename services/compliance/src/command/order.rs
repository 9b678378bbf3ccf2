//! What is to be done, with everything that people were asked for, and the calls that do it.

use std::path::{Path, PathBuf};

use maily_client::{Call, Client, DATA, Failure, IO, UNAVAILABLE, USAGE};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    account,
    cli::{Access, Epoch, Import, Ledger, OfficerCommand, Reason, Subject, Top},
    input::{self, Asked},
    output,
};
use crate::officer_types::{
    EraseReply, FindRequest, LiftReply, LiftRequest, ReasonedRequest, SuppressReply, TurnReply, TurnRequest,
    UndoReply, UndoRequest, VerifyReply, VerifyRequest,
};

/// `sysexits.h`: nobody, or no campaign, of that name.
const NO_USER: u8 = 67;
/// A person may be in many lists.
const LONGEST: usize = 256 << 20;

/// One thing to do.
pub(crate) enum Order {
    Find {
        request: FindRequest,
        json: bool,
    },
    Export {
        request: FindRequest,
        out: PathBuf,
    },
    Erase(ReasonedRequest),
    Suppress(ReasonedRequest),
    /// One call each.
    Lift(Vec<LiftRequest>),
    Verify,
    Undo(UndoRequest),
    Turn,
}

impl Order {
    /// What a command line orders; whatever people have to be asked for is asked here.
    pub(crate) fn of(command: OfficerCommand, asked: &mut Asked<'_>) -> Result<(Self, Access), Failure> {
        Ok(match command.act {
            Top::Subject(Subject::Find(find)) => {
                let request = FindRequest { address: asked.address(&find.person.address)? };
                (Self::Find { request, json: find.json }, find.access)
            }
            Top::Subject(Subject::Export(export)) => {
                output::check_new(&export.out)?;
                let request = FindRequest { address: asked.address(&export.person.address)? };
                (Self::Export { request, out: export.out }, export.access)
            }
            Top::Subject(Subject::Erase(erase)) => {
                let request = reasoned(&erase.person.address, erase.reason, asked)?;
                asked.confirm(&request.address, erase.yes)?;
                (Self::Erase(request), erase.access)
            }
            Top::Subject(Subject::Suppress(suppress)) => {
                let request = reasoned(&suppress.person.address, suppress.reason, asked)?;
                (Self::Suppress(request), suppress.access)
            }
            Top::Subject(Subject::Lift(lift)) => {
                let reason = stated(lift.reason)?;
                let (addresses, file) = match (&lift.address, &lift.file) {
                    (_, Some(file)) => (input::addresses(file)?, Some(name(file))),
                    (address, None) => (vec![asked.address(address.as_deref().unwrap_or("-"))?], None),
                };
                let request = |addresses| LiftRequest {
                    addresses,
                    sender: lift.sender.clone(),
                    reason: reason.clone(),
                    file: file.clone(),
                };
                (Self::Lift(input::parts(addresses).into_iter().map(request).collect()), lift.access)
            }
            Top::Ledger(Ledger::Verify(verify)) => (Self::Verify, verify.access),
            Top::Epoch(Epoch::Turn(turn)) => (Self::Turn, turn.access),
            Top::Import(Import::Undo(undo)) => {
                let request = UndoRequest { campaign: undo.campaign, reason: stated(undo.reason)? };
                (Self::Undo(request), undo.access)
            }
        })
    }

    /// Does it; what there is to say about it.
    pub(crate) async fn carry_out(self, client: &Client) -> Result<String, Failure> {
        match self {
            Self::Find { request, json } => {
                let answer = post(client, "/v1/subjects/find", &request).await?;
                if json { Ok(output::json(&answer)) } else { Ok(account::text(&understood(answer)?)) }
            }
            Self::Export { request, out } => {
                let answer = post(client, "/v1/subjects/export", &request).await?;
                let mut text = serde_json::to_vec_pretty(&answer).map_err(|error| Failure::new(IO, error))?;
                text.push(b'\n');
                output::write_new(&out, &text)?;
                Ok(account::lines([&format!("written (plain text, mode 0600): {}", out.display())]))
            }
            Self::Erase(request) => {
                let reply: EraseReply = call(client, "/v1/subjects/erase", &request).await?;
                Ok(account::erased(&reply))
            }
            Self::Suppress(request) => {
                let reply: SuppressReply = call(client, "/v1/subjects/suppress", &request).await?;
                let before = if reply.new { "" } else { ", and was before" };
                Ok(format!("is on the suppression list{before}\n"))
            }
            Self::Lift(requests) => lift(client, requests).await,
            Self::Verify => {
                let reply: VerifyReply = call(client, "/v1/ledger/verify", &VerifyRequest {}).await?;
                Ok(account::verified(&reply))
            }
            Self::Turn => {
                let reply: TurnReply = call(client, "/v1/epochs/turn", &TurnRequest {}).await?;
                Ok(account::turned(&reply))
            }
            Self::Undo(request) => {
                let reply: UndoReply = call(client, "/v1/imports/undo", &request).await?;
                let UndoReply { rows, lifted } = reply;
                Ok(format!(
                    "taken back: nobody is written to by it any more\nrows removed (none where messages of it were handed off): {rows}\n\
                     people who objected by it alone, and are free again: {lifted}\n"
                ))
            }
        }
    }
}

async fn lift(client: &Client, requests: Vec<LiftRequest>) -> Result<String, Failure> {
    let (mut sum, mut sent) = (LiftReply::default(), 0);
    let all: usize = requests.iter().map(|request| request.addresses.len()).sum();
    for request in requests {
        let reply: Result<LiftReply, _> = call(client, "/v1/subjects/lift", &request).await;
        // What is lifted stays so, and lifting it again changes nothing.
        let reply = reply.inspect_err(|_| {
            if sent > 0 {
                eprintln!(
                    "{sent} of {all} addresses were dealt with; the same command goes on with the rest"
                );
            }
        })?;
        sent += request.addresses.len();
        sum.lifted += reply.lifted;
        sum.not_suppressed += reply.not_suppressed;
    }
    Ok(format!(
        "lifted: {}\nnot on the suppression list for this sender: {}\n",
        sum.lifted, sum.not_suppressed
    ))
}

fn reasoned(address: &str, reason: Reason, asked: &mut Asked<'_>) -> Result<ReasonedRequest, Failure> {
    let reason = stated(reason)?;
    Ok(ReasonedRequest { address: asked.address(address)?, reason })
}

fn stated(reason: Reason) -> Result<String, Failure> {
    match reason.text.trim() {
        "" => Err(Failure::new(USAGE, "--reason is empty: it is what the record says of why this was done")),
        text => Ok(text.to_owned()),
    }
}

/// A file's name without its folders, which may say more than the record should have.
fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

async fn call<T: DeserializeOwned>(client: &Client, path: &str, body: &impl Serialize) -> Result<T, Failure> {
    understood(post(client, path, body).await?)
}

async fn post(client: &Client, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
    let body = serde_json::to_vec(body).map_err(|error| Failure::new(DATA, error))?;
    let call = Call::post(path.to_owned(), Some(body)).answer(LONGEST);
    client.json(call.refused(&[(400, DATA), (404, NO_USER), (422, DATA)])).await
}

fn understood<T: DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|_| Failure::new(UNAVAILABLE, "the service answers nonsense"))
}
