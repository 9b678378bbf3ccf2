//! The orchestrator: a service, or with `campaign` as its first argument the client that runs one campaign.

use std::process::ExitCode;

use maily_chassis::{About, Boot};

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "campaign") {
        return maily_orchestrator::campaign();
    }
    let about = About {
        name: "orchestrator",
        version: env!("CARGO_PKG_VERSION"),
        about: "Campaigns as durable workflows (`campaign run` runs one)",
        root_keys: false,
    };
    maily_chassis::main(about, |boot: Boot<maily_orchestrator::Config>| maily_orchestrator::run(boot))
}
