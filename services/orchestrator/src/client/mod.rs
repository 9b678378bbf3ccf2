//! `maily-orchestrator campaign run` sends a campaign folder, waits, and fetches the report and the mail; `campaign cancel`
//! ends a campaign.
//!
//! Every call of the API may be repeated, so the client holds and tries again while services restart, until its
//! deadline. What it writes appears at `--out` whole or not at all.

mod cli;
mod output;
mod progress;
mod summary;
mod table;

use std::{process::ExitCode, sync::OnceLock, time::Duration};

use clap::Parser as _;
use maily_client::{Access, Call, Client, DATA, Failure, NOPERM, Refusals, UNAVAILABLE, USAGE};
use serde_json::Value;

use crate::{
    api::{NewCampaign, State, Status},
    campaign::{CampaignId, Folder},
};
pub(crate) use cli::CampaignCommand;
use cli::{Action, Cancel, Run, Service};
use output::Output;
use progress::Progress;
use summary::Summary;

const POLL: Duration = Duration::from_millis(400);
/// What speaks for itself: a campaign that has ended, or no such campaign.
const REFUSED: Refusals = &[(404, 1), (409, 1), (422, USAGE)];

/// Reads the command line and runs the command.
#[must_use]
pub fn run() -> ExitCode {
    maily_chassis::bound_the_process();
    let named = OnceLock::new();
    maily_client::run(carry_out(CampaignCommand::parse(), &named), || interrupted(named.get()))
}

/// What Ctrl-C leaves behind, and how it is ended.
fn interrupted(named: Option<&CampaignId>) -> String {
    match named {
        Some(id) => format!(
            "interrupted; the campaign itself goes on (`maily-orchestrator campaign cancel {id}` ends it)"
        ),
        None => "interrupted".to_owned(),
    }
}

#[cfg(test)]
pub(crate) async fn campaign(command: CampaignCommand) -> Result<(), Failure> {
    carry_out(command, &OnceLock::new()).await
}

/// `named` is told the campaign as soon as the service has answered for it: before that nothing of it was sent but its
/// settings, which do nothing by themselves.
async fn carry_out(command: CampaignCommand, named: &OnceLock<CampaignId>) -> Result<(), Failure> {
    match command.action() {
        Action::Run(order) => run_one(order, named).await,
        Action::Cancel(order) => cancel(order).await,
    }
}

fn client(service: &Service) -> Result<Client, Failure> {
    Client::new(&Access {
        url: &service.url,
        ca: &service.ca,
        key_file: &service.key_file,
        patience: Duration::from_secs(service.timeout),
    })
}

async fn run_one(run: &Run, named: &OnceLock<CampaignId>) -> Result<(), Failure> {
    let folder = Folder::read(&run.dir).map_err(|fault| Failure::new(USAGE, fault))?;
    let client = client(&run.service)?;
    let output = Output::begin(&run.out)?;
    create(&client, &folder).await?;
    let _ = named.set(folder.id.clone());
    upload(&client, &folder).await?;
    start(&client, &folder.id).await?;
    wait(&client, &folder.id).await?;
    let summary =
        fetch(&client, &folder.id, &output).await.map_err(|failure| unfetched(&folder.id, failure))?;
    output.finish()?;
    table::print(&folder.campaign.settings.name, &summary, &run.out);
    match summary.report.is_balanced() {
        true => Ok(()),
        false => Err(Failure::new(1, "the report does not account for every row")),
    }
}

/// A key without `mail` is refused only here, when nothing that it asked for can be undone any more.
fn unfetched(id: &CampaignId, failure: Failure) -> Failure {
    match failure.code {
        NOPERM => Failure::new(
            NOPERM,
            format_args!(
                "campaign {id} is done, its messages are handed off, and nothing was fetched: {failure}; \
                 the same command with a key that has `mail` fetches the report and the messages"
            ),
        ),
        _ => failure,
    }
}

async fn cancel(order: &Cancel) -> Result<(), Failure> {
    let client = client(&order.service)?;
    client.json(Call::post(path(&order.id, "/cancel"), None).refused(REFUSED)).await?;
    // What was on its way at the cancellation may still be added to it.
    let handed_off = handed_off(&status(&client, &order.id).await?);
    println!("the campaign is cancelled; {handed_off} messages were handed off, and stay so");
    Ok(())
}

/// The messages of a campaign that has no report.
fn handed_off(status: &Status) -> u64 {
    status.cohorts.iter().filter_map(|cohort| cohort.handed_off).sum()
}

fn path(id: &CampaignId, rest: &str) -> String {
    format!("/v1/campaigns/{id}{rest}")
}

async fn create(client: &Client, folder: &Folder) -> Result<(), Failure> {
    let new = NewCampaign {
        id: Some(folder.id.clone()),
        campaign: folder.yaml.clone(),
        brand: folder.campaign.brand.clone(),
        guardrails: folder.campaign.guardrails.clone(),
    };
    let body = serde_json::to_vec(&new).map_err(|error| Failure::new(USAGE, error))?;
    client.json(Call::post("/v1/campaigns".to_owned(), Some(body))).await.map(drop)
}

async fn upload(client: &Client, folder: &Folder) -> Result<(), Failure> {
    let upload = Call::upload(path(&folder.id, "/subscribers"), folder.subscribers.clone());
    let reply = client.json(upload.refused(&[(409, 1), (422, DATA)])).await?;
    let rows = reply.get("rows").unwrap_or(&serde_json::Value::Null);
    eprintln!("imported {rows} rows into campaign {}", folder.id);
    Ok(())
}

async fn start(client: &Client, id: &CampaignId) -> Result<(), Failure> {
    client.json(Call::post(path(id, "/start"), None).refused(REFUSED)).await.map(drop)
}

async fn status(client: &Client, id: &CampaignId) -> Result<Status, Failure> {
    let status: Value = client.json(Call::get(path(id, ""))).await?;
    serde_json::from_value(status).map_err(|_| Failure::new(UNAVAILABLE, "the service answers nonsense"))
}

async fn wait(client: &Client, id: &CampaignId) -> Result<(), Failure> {
    let mut progress = Progress::default();
    loop {
        let status = status(client, id).await?;
        progress.show(&status);
        match status.state {
            State::Done => return Ok(()),
            State::Failed => {
                let why = status.detail.unwrap_or_default();
                return Err(Failure::new(1, format_args!("the campaign failed: {why}")));
            }
            State::Cancelled => {
                let messages = handed_off(&status);
                let sentence = format!("the campaign was cancelled; {messages} messages were handed off");
                return Err(Failure::new(1, sentence));
            }
            // Started, but the engine lost it before it was durable: ask again.
            State::Imported => start(client, id).await?,
            State::Created => return Err(Failure::new(1, "the service lost the list of subscribers")),
            State::Running => {}
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn fetch(client: &Client, id: &CampaignId, output: &Output) -> Result<Summary, Failure> {
    let report = output.file("report.json");
    client.download(&path(id, "/report"), &report).await?;
    let mut missing = 0;
    let mut message = Vec::new();
    for (region, expected) in Summary::read(&report)?.report.by_region {
        let file = output.file(&format!("mail/{region}.mbox"));
        client.download(&path(id, &format!("/mail/{region}")), &file).await?;
        let found = summary::read_mail(&file, &mut message)?;
        missing += expected.checked_sub(found).ok_or_else(|| {
            Failure::new(1, format!("{region}.mbox has {found} messages where the report says {expected}"))
        })?;
    }
    // Again: whoever objected since the hand-off has no message in the files, and is counted by now.
    client.download(&path(id, "/report"), &report).await?;
    let summary = Summary { message, ..Summary::read(&report)? };
    if missing > summary.report.left_out_after_hand_off {
        let sentence = format!("{missing} messages that were handed off are not in the mail");
        return Err(Failure::new(1, sentence));
    }
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_interrupts_is_told_how_to_cancel() {
        let id = CampaignId::try_from("spring".to_owned()).unwrap();
        let sentence = interrupted(Some(&id));
        assert!(sentence.starts_with("interrupted; the campaign itself goes on"), "{sentence}");
        let words = "maily-orchestrator campaign cancel spring --ca ca.pem --key-file key".split(' ');
        assert!(sentence.contains("`maily-orchestrator campaign cancel spring`"), "{sentence}");
        let command = CampaignCommand::try_parse_from(words).unwrap();
        let Action::Cancel(order) = command.action() else { unreachable!() };
        assert_eq!(order.id, id);
    }

    #[test]
    fn a_key_that_may_not_fetch_is_told_what_is_done() {
        let id = CampaignId::try_from("spring".to_owned()).unwrap();
        let why = "the key may not do this: it lacks the scope mail";
        let told = unfetched(&id, Failure::new(NOPERM, why));
        assert_eq!(told.code, NOPERM);
        assert_eq!(
            told.to_string(),
            "campaign spring is done, its messages are handed off, and nothing was fetched: the key may \
             not do this: it lacks the scope mail; the same command with a key that has `mail` fetches \
             the report and the messages"
        );
        let other = unfetched(&id, Failure::new(UNAVAILABLE, "no answer"));
        assert_eq!((other.code, other.to_string().as_str()), (UNAVAILABLE, "no answer"));
    }

    #[test]
    fn every_exit_code_is_told() {
        let told = include_str!("../../../../docs/lists.md");
        use maily_client::{INTERRUPTED, IO};
        for code in [0, 1, USAGE, DATA, UNAVAILABLE, IO, NOPERM, INTERRUPTED] {
            assert!(told.contains(&format!("\n| {code} |")), "docs/lists.md says nothing of {code}");
        }
    }
}
