//! Reads a segment as it arrives.

use bytes::{Buf as _, Bytes, BytesMut};
use maily_crypto::DataKey;

use super::{HEADER, LONGEST_RECORD, MAGIC, Place, RECORD, SegmentError, VERSION};

/// Takes an object's bytes in pieces and gives its records.
#[derive(Default)]
pub(crate) struct Reader {
    buffer: BytesMut,
    /// Records still to come; unknown before the header.
    left: Option<u32>,
}

/// One sealed message.
pub(crate) struct Record {
    pub(crate) line: u64,
    sealed: Bytes,
}

impl Record {
    /// The message.
    ///
    /// # Errors
    /// Another key or place, or changed bytes.
    pub(crate) fn open(&self, key: &DataKey, place: &Place) -> Result<Vec<u8>, SegmentError> {
        maily_crypto::open(key, &place.aad(self.line), &self.sealed)
            .map_err(|_| SegmentError::Corrupt("a record does not open under its key"))
    }
}

impl Reader {
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.buffer.extend_from_slice(&bytes);
    }

    /// The next record, or none until more bytes are pushed.
    ///
    /// # Errors
    /// [`SegmentError::Corrupt`].
    pub(crate) fn next(&mut self) -> Result<Option<Record>, SegmentError> {
        let Some(left) = self.header()? else { return Ok(None) };
        let Some((line, length)) = self.record_header().filter(|_| left > 0) else { return Ok(None) };
        if length > LONGEST_RECORD {
            return Err(SegmentError::Corrupt("a record is too long"));
        }
        if self.buffer.len() < RECORD + length {
            return Ok(None);
        }
        self.buffer.advance(RECORD);
        self.left = Some(left - 1);
        Ok(Some(Record { line, sealed: self.buffer.split_to(length).freeze() }))
    }

    /// Says whether the end was the end.
    ///
    /// # Errors
    /// Records are missing, or there is more behind the last.
    pub(crate) fn finish(self) -> Result<(), SegmentError> {
        match self.left == Some(0) && self.buffer.is_empty() {
            true => Ok(()),
            false => Err(SegmentError::Corrupt("its end is not where its header says")),
        }
    }

    fn header(&mut self) -> Result<Option<u32>, SegmentError> {
        if self.left.is_none() && self.buffer.len() >= HEADER {
            let mut header = self.buffer.split_to(HEADER);
            if &header.split_to(MAGIC.len())[..] != MAGIC {
                return Err(SegmentError::Corrupt("it does not begin as a segment does"));
            }
            if (header.get_u16(), header.get_u16()) != (VERSION, 0) {
                return Err(SegmentError::Corrupt("its version is not known"));
            }
            self.left = Some(header.get_u32());
        }
        Ok(self.left)
    }

    fn record_header(&self) -> Option<(u64, usize)> {
        let mut header = self.buffer.get(..RECORD)?;
        Some((header.get_u64(), header.get_u32() as usize))
    }
}
