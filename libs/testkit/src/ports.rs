//! Which ports a stack uses: a block of fixed ones for `up`, free ones for tests.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    sync::{Mutex, PoisonError},
};

use crate::error::Error;

/// Where `cargo xtask up` puts the first service.
pub const BASE: u16 = 7400;

/// Ports that one service gets: internal, edge, health.
pub const EACH: u16 = 3;

/// Checks that each of these ports can be bound now.
///
/// # Errors
/// The first that can't.
pub fn check(ports: impl IntoIterator<Item = u16>) -> Result<(), Error> {
    for port in ports {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|_| Error::Port(port))?;
    }
    Ok(())
}

/// Blocks that this process was given: their ports may not be bound yet.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A base for `count` (at most 40) adjacent free ports. Each process looks in a place of its own (by its process id), so
/// that test programs that start together don't choose the same.
///
/// # Errors
/// No such block was found.
pub fn free_block(count: u16) -> Result<u16, Error> {
    let begin = 20_000 + (std::process::id() % 300) as u16 * 40;
    let bases = (0..300u16).map(|step| 20_000 + (begin - 20_000 + step * 40) % 12_000);
    let mut last = Error::Port(begin);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for base in bases {
        if given.contains(&base) {
            continue;
        }
        match check(base..base + count) {
            Ok(()) => {
                given.insert(base);
                return Ok(base);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
