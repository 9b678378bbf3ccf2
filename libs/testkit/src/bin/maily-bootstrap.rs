//! Makes what a platform in containers needs before its first start: an authority, certificates, keys.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};
use maily_testkit::{Error, Renewal, admit_to_vault, forget_identities, write_identities};

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
    /// Make these anew: whoever holds an old one has to be started again, or given the new one.
    #[arg(long, value_enum, value_name = "WHAT")]
    renew: Option<Renew>,
    /// A fresh volume of root's that is given to the user with the group's number; several times for several.
    #[arg(long, value_name = "DIR", requires = "group")]
    give: Vec<PathBuf>,
    /// Make nothing; with `vault`, tell a Vault for development of the services, by what was made.
    #[arg(long, value_enum, value_name = "WHERE")]
    root_keys: Option<RootKeys>,
    /// Where that Vault listens, without TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "vault:8200")]
    vault: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum RootKeys {
    /// In a file of each service: nothing is to be told.
    Local,
    /// In Vault.
    Vault,
}

#[derive(Clone, Copy, ValueEnum)]
enum Renew {
    /// The certificates of services and of the edge; their authority stays.
    Certificates,
    /// The keys of clients, storage, Redis and Restate.
    Keys,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("maily-bootstrap: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    match arguments.root_keys {
        Some(RootKeys::Local) => return Ok(()),
        Some(RootKeys::Vault) => return admit_to_vault(&arguments.out.join("vault"), &arguments.vault),
        None => {}
    }
    if let Some(what) = arguments.renew {
        let renewal = match what {
            Renew::Certificates => Renewal::Certificates,
            Renew::Keys => Renewal::Keys,
        };
        forget_identities(&arguments.out, renewal)?;
    }
    write_identities(&arguments.out, arguments.group)?;
    arguments.group.map_or(Ok(()), |user| arguments.give.iter().try_for_each(|folder| give(folder, user)))
}

/// Gives a folder away, unless it is somebody's already.
fn give(folder: &Path, user: u32) -> Result<(), Error> {
    let given = || match fs::metadata(folder)?.uid() {
        0 => chown(folder, Some(user), Some(user)),
        _ => Ok(()),
    };
    given().map_err(|source| Error::File { path: folder.to_owned(), source })
}
