//! What goes between a service and its worker: pieces of bytes with their length before them, in big endian.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// Bytes of a piece: the longest text that is rendered ([`crate::MAX_CHAT`]), each character written as six, and a template.
pub(crate) const MAX_PIECE: usize = 32 << 20;
/// What the worker says first.
pub(crate) const HELLO: &[u8] = b"maily render worker 1";

/// Writes one piece.
pub(crate) fn write(mut to: impl Write, piece: &[u8]) -> io::Result<()> {
    let length = u32::try_from(piece.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(piece)
}

/// Reads one piece; the end, where there is none.
pub(crate) fn read(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_PIECE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut piece = vec![0; length];
    from.read_exact(&mut piece)?;
    Ok(piece)
}

/// A socket that is given up at a moment.
pub(crate) struct Until<'a>(pub(crate) &'a UnixStream, pub(crate) Instant);

impl Until<'_> {
    /// What is left; a timeout of nothing would mean none.
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.1.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.set_read_timeout(self.left()?)?;
        self.0.read(bytes)
    }
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set_write_timeout(self.left()?)?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether it is the time that has run out: the system calls that by two names.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
