//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::campaign::CampaignId;

/// Runs campaigns on a Maily platform.
#[derive(Debug, Parser)]
#[command(name = "maily-orchestrator", bin_name = "maily-orchestrator", version)]
pub(crate) struct CampaignCommand {
    #[command(subcommand)]
    command: Top,
}

#[derive(Debug, Subcommand)]
enum Top {
    /// Campaigns.
    #[command(subcommand)]
    Campaign(Action),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Send a campaign folder, wait until it is done, fetch its report and mail.
    Run(Run),
    /// End a campaign wherever it is: nothing more is written or handed off. What was handed off stays so.
    Cancel(Cancel),
}

/// Arguments of `campaign run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Campaign folder: campaign.yaml, subscribers.csv, brand.md, guardrails/.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Folder for report.json and mail/REGION.mbox (plain text, readable by you only); replaced as a whole.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) service: Service,
}

/// Arguments of `campaign cancel`.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The campaign's id, which `campaign run` says.
    #[arg(value_name = "ID", value_parser = campaign_id)]
    pub(crate) id: CampaignId,
    #[command(flatten)]
    pub(crate) service: Service,
}

/// Where the service is, and who calls.
#[derive(Debug, Args)]
pub(crate) struct Service {
    /// The orchestrator's edge listener.
    #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:8443")]
    pub(crate) url: String,
    /// PEM file of the authority that signed the listener's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: PathBuf,
    /// File with the bearer key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: PathBuf,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) timeout: u64,
}

fn campaign_id(text: &str) -> Result<CampaignId, String> {
    CampaignId::try_from(text.to_owned()).map_err(|fault| fault.to_string())
}

impl CampaignCommand {
    pub(crate) fn action(&self) -> &Action {
        match &self.command {
            Top::Campaign(action) => action,
        }
    }
}
