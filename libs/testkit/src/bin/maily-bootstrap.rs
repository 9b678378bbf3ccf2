//! Makes what a platform in containers needs before its first start: an authority, certificates, keys.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Writes certificates and secrets for development, a folder for each service. Again, it changes nothing.
#[derive(Parser)]
#[command(name = "maily-bootstrap", version, max_term_width = 100)]
struct Arguments {
    /// Where the folders are made.
    #[arg(long, value_name = "DIR", default_value = "/bootstrap")]
    out: PathBuf,
    /// Number of the group that may read them; by default only the owner may.
    #[arg(long, value_name = "GID")]
    group: Option<u32>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match maily_testkit::write_identities(&arguments.out, arguments.group) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("maily-bootstrap: {error}");
            ExitCode::FAILURE
        }
    }
}
