//! The rows of a list between reading and judging: a nameless file, sealed under a key that is never stored.
//!
//! Whatever ends the process, the file is gone with it, and what the disk may still hold can't be opened.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use maily_crypto::{Cipher, DataKey};
use prost::Message;

use crate::Error;
use crate::records::{Staged, StagedBlock};

/// Plaintext bytes at which a block is closed; it is also the batch in which rows are judged.
const BLOCK: usize = 1 << 20;

/// The stage while it is filled.
pub(crate) struct StageWriter {
    file: BufWriter<File>,
    cipher: Cipher,
    block: Vec<u8>,
    blocks: u64,
}

/// The stage while it is read back.
pub(crate) struct StageReader {
    file: BufReader<File>,
    cipher: Cipher,
    next: u64,
    blocks: u64,
}

impl StageWriter {
    pub(crate) fn create(folder: &Path) -> Result<Self, Error> {
        let file = tempfile::tempfile_in(folder).map_err(Error::Stage)?;
        let cipher = Cipher::new(&DataKey::generate()?)?;
        Ok(Self { file: BufWriter::new(file), cipher, block: Vec::with_capacity(BLOCK), blocks: 0 })
    }

    pub(crate) fn push(&mut self, row: Staged) -> Result<(), Error> {
        self.block.extend(StagedBlock { rows: vec![row] }.encode_to_vec());
        if self.block.len() < BLOCK { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let sealed = self.cipher.seal(&self.blocks.to_be_bytes(), &self.block)?;
        self.file.write_all(&(sealed.len() as u64).to_be_bytes()).map_err(Error::Stage)?;
        self.file.write_all(&sealed).map_err(Error::Stage)?;
        self.block.clear();
        self.blocks += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<StageReader, Error> {
        self.flush()?;
        let mut file = self.file.into_inner().map_err(|error| Error::Stage(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Error::Stage)?;
        Ok(StageReader { file: BufReader::new(file), cipher: self.cipher, next: 0, blocks: self.blocks })
    }
}

impl StageReader {
    /// The next block of rows, in the order they were pushed; `None` behind the last.
    pub(crate) fn next_block(&mut self) -> Result<Option<Vec<Staged>>, Error> {
        if self.next == self.blocks {
            return Ok(None);
        }
        let mut len = [0; 8];
        self.file.read_exact(&mut len).map_err(Error::Stage)?;
        let mut sealed = Vec::new();
        (&mut self.file).take(u64::from_be_bytes(len)).read_to_end(&mut sealed).map_err(Error::Stage)?;
        let block = self.cipher.open(&self.next.to_be_bytes(), &sealed)?;
        self.next += 1;
        let block = StagedBlock::decode(block.as_slice()).map_err(|_| Error::Damaged("a staged block"))?;
        Ok(Some(block.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_order_and_nothing_is_left_or_readable() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = StageWriter::create(folder.path()).unwrap();
        let row =
            |line: u64| Staged { line, fields: vec!["ada@example.com".repeat(2000)], ..Staged::default() };
        (0..100).for_each(|line| writer.push(row(line)).unwrap());
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "the file has no name");
        let mut reader = writer.finish().unwrap();
        let mut raw = Vec::new();
        reader.file.get_mut().read_to_end(&mut raw).unwrap();
        assert!(raw.len() > 3_000_000 && !raw.windows(11).any(|window| window == b"ada@example"));
        reader.file.get_mut().seek(SeekFrom::Start(0)).unwrap();
        let mut lines = Vec::new();
        while let Some(rows) = reader.next_block().unwrap() {
            lines.extend(rows.iter().map(|row| row.line));
        }
        assert_eq!(lines, (0..100).collect::<Vec<_>>());
    }
}
