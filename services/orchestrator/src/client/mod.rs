//! `maily-orchestrator campaign run`: sends a campaign folder, waits, and fetches the report and the mail.
//!
//! Every call of the API may be repeated, so the client holds and tries again while services restart, until its
//! deadline. What it writes appears at `--out` whole or not at all.

mod cli;
mod http;
mod output;
mod progress;
mod summary;
mod table;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use serde_json::Value;

use crate::{
    api::{NewCampaign, State},
    campaign::{CampaignId, Folder},
};
pub(crate) use cli::CampaignCommand;
use http::{Call, Client};
use output::Output;
use progress::Progress;
use summary::Summary;

/// Exit codes, from `sysexits.h`.
const USAGE: u8 = 64;
const DATA: u8 = 65;
const UNAVAILABLE: u8 = 69;
const IO: u8 = 74;
const NO_PERMISSION: u8 = 77;
const INTERRUPTED: u8 = 130;

const POLL: Duration = Duration::from_millis(400);

/// Why the campaign was not run to its end: one sentence and an exit code.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Failure {
    pub(crate) code: u8,
    sentence: String,
}

impl Failure {
    fn new(code: u8, sentence: impl std::fmt::Display) -> Self {
        Self { code, sentence: sentence.to_string() }
    }
}

/// Reads the command line and runs the command.
#[must_use]
pub fn run() -> ExitCode {
    let command = CampaignCommand::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::new(IO, error)),
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = campaign(command) => result,
            () = told_to_end() => Err(Failure::new(INTERRUPTED, "interrupted; the campaign itself goes on")),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("maily: {}", printable(&failure.sentence));
    ExitCode::from(failure.code)
}

/// One line as a terminal may be given it: what it would act on or hide is spelt out.
fn printable(line: &str) -> String {
    let hidden = |c: char| c.is_control() || maily_law::is_invisible(c);
    line.chars().fold(String::with_capacity(line.len()), |mut out, c| {
        match hidden(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
        out
    })
}

pub(crate) async fn campaign(command: CampaignCommand) -> Result<(), Failure> {
    let run = command.run();
    let folder = Folder::read(&run.dir).map_err(|fault| Failure::new(USAGE, fault))?;
    let client = Client::new(run)?;
    let output = Output::begin(&run.out)?;
    create(&client, &folder).await?;
    upload(&client, &folder).await?;
    client.json(Call::post(path(&folder.id, "/start"), None), USAGE).await?;
    wait(&client, &folder.id).await?;
    let summary = fetch(&client, &folder.id, &output).await?;
    output.finish()?;
    table::print(&folder.campaign.settings.name, &summary, &run.out);
    match summary.report.is_balanced() {
        true => Ok(()),
        false => Err(Failure::new(1, "the report does not account for every row")),
    }
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
    client.json(Call::post("/v1/campaigns".to_owned(), Some(body)), USAGE).await.map(drop)
}

async fn upload(client: &Client, folder: &Folder) -> Result<(), Failure> {
    let reply =
        client.json(Call::upload(path(&folder.id, "/subscribers"), folder.subscribers.clone()), DATA).await?;
    eprintln!("imported {} rows", reply["rows"]);
    Ok(())
}

async fn wait(client: &Client, id: &CampaignId) -> Result<(), Failure> {
    let mut progress = Progress::default();
    loop {
        let status: Value = client.json(Call::get(path(id, "")), USAGE).await?;
        let status: crate::api::Status = serde_json::from_value(status)
            .map_err(|_| Failure::new(UNAVAILABLE, "the service answers nonsense"))?;
        progress.show(&status);
        match status.state {
            State::Done => return Ok(()),
            State::Failed => {
                let why = status.detail.unwrap_or_default();
                return Err(Failure::new(1, format_args!("the campaign failed: {why}")));
            }
            // Started, but the engine lost it before it was durable: ask again.
            State::Imported => drop(client.json(Call::post(path(id, "/start"), None), USAGE).await?),
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
    fn every_exit_code_is_told() {
        let told = include_str!("../../../../docs/lists.md");
        for code in [0, 1, USAGE, DATA, UNAVAILABLE, IO, NO_PERMISSION, INTERRUPTED] {
            assert!(told.contains(&format!("\n| {code} |")), "docs/lists.md says nothing of {code}");
        }
    }
}
