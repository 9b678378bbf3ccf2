//! What a child notes before each run, in a file that outlives it: how far it is, and the input.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const HEAD: usize = 24;

/// The files that a child and its parent share.
#[derive(Clone, Debug)]
pub struct Shared(PathBuf);

/// What a child noted last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Runs that were begun.
    pub runs: u64,
    /// Inputs that are mutated.
    pub corpus: u64,
    /// The input of the run that was begun last.
    pub input: Vec<u8>,
}

impl Shared {
    /// In this folder, with nothing noted yet.
    ///
    /// # Errors
    /// The folder can't be made or written to.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let shared = Self(folder.to_owned());
        File::create(shared.state())?;
        fs::write(shared.reason(), "")?;
        Ok(shared)
    }

    /// In a folder where [`Self::new`] was called.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn reason(&self) -> PathBuf {
        self.0.join("reason")
    }

    /// Notes why the run that was begun last is a finding.
    pub fn tell(&self, reason: &str) {
        // Where that fails, too, it is a finding without a place.
        let _ = fs::write(self.reason(), reason);
    }

    /// What [`Self::tell`] noted.
    #[must_use]
    pub fn told(&self) -> String {
        fs::read_to_string(self.reason()).unwrap_or_default()
    }

    /// For the child.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn writer(&self) -> io::Result<Writer> {
        let file = File::options().write(true).open(self.state())?;
        Ok(Writer { file, buffer: Vec::new() })
    }

    /// What was noted last.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn read(&self) -> io::Result<Noted> {
        let bytes = fs::read(self.state())?;
        let number = |at: usize| {
            let mut number = [0; 8];
            if let Some(bytes) = bytes.get(at..at + 8) {
                number.copy_from_slice(bytes);
            }
            u64::from_le_bytes(number)
        };
        let length = usize::try_from(number(16)).unwrap_or_default();
        let input = bytes.get(HEAD..HEAD + length).unwrap_or_default().to_vec();
        Ok(Noted { runs: number(0), corpus: number(8), input })
    }
}

/// Writes without asking the disk: what the system has taken stays when the process dies.
pub struct Writer {
    file: File,
    buffer: Vec<u8>,
}

impl Writer {
    /// Notes that a run begins.
    ///
    /// # Errors
    /// It can't be written.
    pub fn note(&mut self, runs: u64, corpus: usize, input: &[u8]) -> io::Result<()> {
        self.buffer.clear();
        for number in [runs, corpus as u64, input.len() as u64] {
            self.buffer.extend(number.to_le_bytes());
        }
        self.buffer.extend_from_slice(input);
        self.file.write_all_at(&self.buffer, 0)
    }
}

/// A short name of some bytes, the same everywhere (FNV-1a).
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Shared::new(folder.path()).unwrap();
        assert_eq!(shared.read().unwrap(), Noted::default());
        let mut writer = shared.writer().unwrap();
        writer.note(1, 5, b"a long input").unwrap();
        writer.note(2, 6, b"short").unwrap();
        assert_eq!(shared.read().unwrap(), Noted { runs: 2, corpus: 6, input: b"short".to_vec() });
        shared.tell("a place");
        assert_eq!(shared.told(), "a place");
    }
}
