//! What is to be done, with everything that people were asked for, and the calls that do it.

use std::path::{Path, PathBuf};

use futures::{StreamExt as _, stream};
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
    EraseReply, FindRequest, ImportsRequest, LiftReply, LiftRequest, ReasonedRequest, SuppressReply,
    TurnReply, TurnRequest, UndoReply, UndoRequest, VerifyReply, VerifyRequest,
};

/// `sysexits.h`: nobody, or no campaign, of that name.
const NO_USER: u8 = 67;
/// Calls that wait for the service's disk side by side.
const AT_ONCE: usize = 16;
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
    /// One call each, as the next.
    Suppress(Vec<ReasonedRequest>),
    Lift(Vec<LiftRequest>),
    Imports {
        json: bool,
    },
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
                let reason = stated(suppress.reason)?;
                let (addresses, _) = named(suppress.address, suppress.file, asked)?;
                let request = |address| ReasonedRequest { address, reason: reason.clone() };
                (Self::Suppress(addresses.into_iter().map(request).collect()), suppress.access)
            }
            Top::Subject(Subject::Lift(lift)) => {
                let reason = stated(lift.reason)?;
                let (addresses, file) = named(lift.address, lift.file, asked)?;
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
            Top::Import(Import::List(list)) => (Self::Imports { json: list.json }, list.access),
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
            Self::Suppress(requests) => suppress(client, requests).await,
            Self::Imports { json } => {
                let answer = post(client, "/v1/imports/list", &ImportsRequest {}).await?;
                if json { Ok(output::json(&answer)) } else { Ok(account::imports(&understood(answer)?)) }
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

async fn suppress(client: &Client, requests: Vec<ReasonedRequest>) -> Result<String, Failure> {
    let (all, mut new, mut done) = (requests.len(), 0, 0);
    let calls = requests.iter().map(|request| call(client, "/v1/subjects/suppress", request));
    let mut replies = stream::iter(calls).buffered(AT_ONCE);
    while let Some(reply) = replies.next().await {
        let reply: SuppressReply = reply.inspect_err(|_| dealt_with(done, all))?;
        done += 1;
        new += usize::from(reply.new);
    }
    Ok(match (all, new) {
        (1, 1) => "is on the suppression list\n".to_owned(),
        (1, _) => "is on the suppression list, and was before\n".to_owned(),
        _ => format!("put on the suppression list: {new}\nwere on it before: {}\n", all - new),
    })
}

async fn lift(client: &Client, requests: Vec<LiftRequest>) -> Result<String, Failure> {
    let (mut sum, mut sent) = (LiftReply::default(), 0);
    let all: usize = requests.iter().map(|request| request.addresses.len()).sum();
    for request in requests {
        let reply: Result<LiftReply, _> = call(client, "/v1/subjects/lift", &request).await;
        let reply = reply.inspect_err(|_| dealt_with(sent, all))?;
        sent += request.addresses.len();
        sum.lifted += reply.lifted;
        sum.not_suppressed += reply.not_suppressed;
        sum.unknown_sender |= reply.unknown_sender;
    }
    let mistyped = match sum.unknown_sender {
        true => "no list is known to have been imported for this sender: is its address right?\n",
        false => "",
    };
    Ok(format!(
        "lifted: {}\nnot on the suppression list for this sender: {}\n{mistyped}",
        sum.lifted, sum.not_suppressed
    ))
}

/// What is done stays so; doing it again only adds to the record.
fn dealt_with(sent: usize, all: usize) {
    if sent > 0 {
        eprintln!("{sent} of {all} addresses were dealt with; the same command goes on with the rest");
    }
}

/// The people that a command names, and the file that they stand in.
fn named(
    address: Option<String>,
    file: Option<PathBuf>,
    asked: &mut Asked<'_>,
) -> Result<(Vec<String>, Option<String>), Failure> {
    match (file, address) {
        (Some(file), _) => Ok((input::addresses(&file)?, Some(name(&file)))),
        (None, Some(address)) => Ok((vec![asked.address(&address)?], None)),
        // Here and not by the command line's parser, which would name the address only.
        (None, None) => Err(Failure::new(USAGE, "whose? Give an ADDRESS, or --file with one on each line")),
    }
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
