//! Which ports a stack uses: a block of fixed ones for `up`, free ones for tests.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    sync::{Mutex, PoisonError},
};

use crate::{cache, error::Error};

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

/// Blocks that this process was given, each with a lock that ends with the process: their ports may not be bound yet, and
/// tests run side by side.
static GIVEN: Mutex<BTreeMap<u16, File>> = Mutex::new(BTreeMap::new());

/// A base for `count` (at most 40) adjacent free ports, which no other process of this user is given.
///
/// # Errors
/// No such block was found.
pub fn free_block(count: u16) -> Result<u16, Error> {
    // Where nobody is likely to have looked before.
    let begin = 20_000 + (std::process::id() % 300) as u16 * 40;
    let bases = (0..300u16).map(|step| 20_000 + (begin - 20_000 + step * 40) % 12_000);
    let mut last = Error::Port(begin);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for base in bases {
        if given.contains_key(&base) {
            continue;
        }
        let Some(lock) = lock(base)? else { continue };
        match check(base..base + count) {
            Ok(()) => {
                given.insert(base, lock);
                return Ok(base);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The block's lock, unless another process has it.
fn lock(base: u16) -> Result<Option<File>, Error> {
    let folder = cache::dir().join("ports");
    let path = folder.join(base.to_string());
    let file = fs::create_dir_all(&folder).and_then(|()| File::create(&path));
    let file = file.map_err(|source| Error::File { path, source })?;
    // A file system without locks is no reason to fail: the ports are checked all the same.
    Ok((!matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))).then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_to_somebody_is_not_given_again() {
        let base = free_block(2).unwrap();
        let locked = lock(base);
        assert!(matches!(locked, Ok(None)), "the block can be given to another process");
        assert_ne!(free_block(2).unwrap(), base);
    }
}
