//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Answers people about their data: what is kept about them, that it goes, that they are left alone.
///
/// Each command is a call of the compliance service's officer listener, may be repeated, and is put on record with the name of
/// the key (docs/subjects.md).
#[derive(Parser)]
#[command(name = "maily-compliance", bin_name = "maily-compliance", version)]
pub(crate) struct OfficerCommand {
    #[command(subcommand)]
    pub(crate) act: Top,
}

#[derive(Subcommand)]
pub(crate) enum Top {
    /// A person.
    #[command(subcommand)]
    Subject(Subject),
    /// The record of what was done.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Imported lists.
    #[command(subcommand)]
    Import(Import),
    /// The epochs under which people's keys are kept.
    #[command(subcommand)]
    Epoch(Epoch),
}

#[derive(Subcommand)]
pub(crate) enum Subject {
    /// Show what is kept about a person.
    Find(Find),
    /// Write what is kept about a person to a file, as JSON.
    Export(Export),
    /// Make what is kept about a person unreadable for good, and leave them alone from now on.
    Erase(Erase),
    /// Leave a person alone from now on: they objected by telephone or letter, say.
    Suppress(Suppress),
    /// Let a sender write again to people who have come back, and no other sender.
    Lift(Lift),
}

#[derive(Subcommand)]
pub(crate) enum Ledger {
    /// Check that nothing was changed or taken out of any region's ledger.
    Verify(Verify),
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// Show which lists were imported, by their campaigns' ids.
    List(Imports),
    /// Take an import back, with the objections that it brought: it was the wrong list.
    Undo(Undo),
}

#[derive(Subcommand)]
pub(crate) enum Epoch {
    /// Make what was erased unreadable in every copy and backup now, rather than within the day.
    Turn(Turn),
}

/// Where the service is, and who asks.
#[derive(Args)]
pub(crate) struct Access {
    /// The compliance service's officer listener.
    #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:8444")]
    pub(crate) url: String,
    /// PEM file of the authority that signed the listener's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: PathBuf,
    /// File with the officer's bearer key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: PathBuf,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) timeout: u64,
}

/// Whose data it is.
#[derive(Args)]
pub(crate) struct Person {
    /// The person's address, in any spelling; `-` reads it from standard input, so that it stands in no process list and
    /// no shell history.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
}

/// Why something is done.
#[derive(Args)]
pub(crate) struct Reason {
    /// Why; it stays on record for good, so let it name nobody.
    #[arg(long = "reason", value_name = "TEXT")]
    pub(crate) text: String,
}

#[derive(Args)]
pub(crate) struct Find {
    #[command(flatten)]
    pub(crate) person: Person,
    /// Print the service's answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) person: Person,
    /// The file (readable by you only), which must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    pub(crate) person: Person,
    #[command(flatten)]
    pub(crate) reason: Reason,
    /// Don't ask for the address again; needed where nobody can be asked.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Suppress {
    /// The person's address, in any spelling; `-` reads it from standard input.
    #[arg(value_name = "ADDRESS", conflicts_with = "file")]
    pub(crate) address: Option<String>,
    /// A file with an address on each line, for many at once.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reason: Reason,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Lift {
    /// The person's address, in any spelling; `-` reads it from standard input.
    #[arg(value_name = "ADDRESS", conflicts_with = "file")]
    pub(crate) address: Option<String>,
    /// A file with an address on each line, for many at once; its name goes on record.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The address that writes to them.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) sender: String,
    #[command(flatten)]
    pub(crate) reason: Reason,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Turn {
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Imports {
    /// Print the service's answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args)]
pub(crate) struct Undo {
    /// The id of the campaign that the list was imported for, as `import list` shows it.
    #[arg(value_name = "CAMPAIGN")]
    pub(crate) campaign: String,
    #[command(flatten)]
    pub(crate) reason: Reason,
    #[command(flatten)]
    pub(crate) access: Access,
}
