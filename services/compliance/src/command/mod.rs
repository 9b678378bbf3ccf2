//! `maily-compliance subject|ledger|import …`: what a privacy officer does, over the officer listener.
//!
//! What is asked of a person at the terminal is asked first; then the calls are made, each until it is answered, for all
//! of them may be repeated. An address never stands in a URL, and goes to the terminal only as one that can be shown there.

mod account;
mod cli;
mod input;
mod order;
mod output;
#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use clap::Parser as _;
use maily_client::{Client, Failure};

use cli::{Access, OfficerCommand};
use input::Asked;
use order::Order;

const INTERRUPTED: &str = "interrupted; it may have been done, and may be repeated";

/// Reads the command line and runs the command.
#[must_use]
pub fn run() -> ExitCode {
    maily_chassis::bound_the_process();
    let command = OfficerCommand::parse();
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut asked = Asked { is_person: stdin.is_terminal(), input: &mut stdin.lock() };
    // Before the runtime, in which Ctrl-C would not end the wait for a person.
    match Order::of(command, &mut asked) {
        Ok((order, access)) => maily_client::run(carry_out(order, &access, &mut stdout), || INTERRUPTED),
        Err(failure) => failure.tell(),
    }
}

async fn carry_out(order: Order, access: &Access, out: &mut dyn io::Write) -> Result<(), Failure> {
    let client = Client::new(&maily_client::Access {
        url: &access.url,
        ca: &access.ca,
        key_file: &access.key_file,
        patience: Duration::from_secs(access.timeout),
    })?;
    let said = order.carry_out(&client).await?;
    match out.write_all(said.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(maily_client::IO, error)),
        _ => Ok(()),
    }
}
