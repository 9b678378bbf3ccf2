//! `maily-orchestrator campaign run`: sends a campaign folder, waits, and fetches the report and the mail.
//!
//! Every call of the API may be repeated, so the client holds and tries again while services restart, until its
//! deadline. What it writes appears at `--out` whole or not at all.

mod cli;
mod output;
mod progress;
mod summary;
mod table;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use maily_client::{Access, Call, Client, DATA, Failure, UNAVAILABLE, USAGE};
use serde_json::Value;

use crate::{
    api::{NewCampaign, State},
    campaign::{CampaignId, Folder},
};
pub(crate) use cli::CampaignCommand;
use output::Output;
use progress::Progress;
use summary::Summary;

const POLL: Duration = Duration::from_millis(400);

/// Reads the command line and runs the command.
#[must_use]
pub fn run() -> ExitCode {
    maily_client::run(campaign(CampaignCommand::parse()), "interrupted; the campaign itself goes on")
}

pub(crate) async fn campaign(command: CampaignCommand) -> Result<(), Failure> {
    let run = command.run();
    let folder = Folder::read(&run.dir).map_err(|fault| Failure::new(USAGE, fault))?;
    let client = Client::new(&Access {
        url: &run.url,
        ca: &run.ca,
        key_file: &run.key_file,
        patience: Duration::from_secs(run.timeout),
    })?;
    let output = Output::begin(&run.out)?;
    create(&client, &folder).await?;
    upload(&client, &folder).await?;
    client.json(Call::post(path(&folder.id, "/start"), None)).await?;
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
    client.json(Call::post("/v1/campaigns".to_owned(), Some(body))).await.map(drop)
}

async fn upload(client: &Client, folder: &Folder) -> Result<(), Failure> {
    let upload = Call::upload(path(&folder.id, "/subscribers"), folder.subscribers.clone());
    let reply = client.json(upload.refused(&[(422, DATA)])).await?;
    eprintln!("imported {} rows", reply["rows"]);
    Ok(())
}

async fn wait(client: &Client, id: &CampaignId) -> Result<(), Failure> {
    let mut progress = Progress::default();
    loop {
        let status: Value = client.json(Call::get(path(id, ""))).await?;
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
            State::Imported => drop(client.json(Call::post(path(id, "/start"), None)).await?),
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
        use maily_client::{INTERRUPTED, IO, NOPERM, UNAVAILABLE};
        for code in [0, 1, USAGE, DATA, UNAVAILABLE, IO, NOPERM, INTERRUPTED] {
            assert!(told.contains(&format!("\n| {code} |")), "docs/lists.md says nothing of {code}");
        }
    }
}
