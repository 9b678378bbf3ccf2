//! Segment objects: the sealed messages of one page of recipients.
//!
//! ```text
//! magic "MAILYSEG" · version u16 = 1 · reserved u16 = 0 · count u32 · count × record
//! record: line u64 · length u32 · nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16), `length` bytes together
//! ```
//!
//! Integers are big-endian. Each record is sealed under the key of its person's message and bound to campaign,
//! cohort, region, page and line, so that no record can be moved to another place.

mod reader;

use maily_crypto::DataKey;

pub(crate) use reader::Reader;

const MAGIC: &[u8; 8] = b"MAILYSEG";
const VERSION: u16 = 1;
const HEADER: usize = 16;
const RECORD: usize = 12;
/// A message is a few kilobytes; a longer record is a corrupt length.
const LONGEST_RECORD: usize = 1 << 20;

/// A segment that can't be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SegmentError {
    /// Not what was written: truncated, changed, or another object.
    #[error("the segment is corrupt: {0}")]
    Corrupt(&'static str),
    /// Sealing failed.
    #[error("the record could not be sealed: {0}")]
    Seal(#[source] maily_crypto::Error),
}

/// Whether a segment of as many messages, none of them longer, can be written and read back.
pub(crate) fn fits(messages: u32, longest: usize) -> bool {
    let sealed = longest + maily_crypto::OVERHEAD;
    let all = (messages as usize).saturating_mul(RECORD + sealed).saturating_add(HEADER);
    sealed <= LONGEST_RECORD && all <= crate::peers::objects::LONGEST
}

/// Where a segment belongs; bound to each of its records.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) campaign: String,
    pub(crate) cohort: String,
    pub(crate) region: String,
    pub(crate) page: u32,
}

impl Place {
    fn aad(&self, line: u64) -> Vec<u8> {
        let mut aad = Vec::with_capacity(96);
        for part in ["maily segment 1", &self.campaign, &self.cohort, &self.region] {
            aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
            aad.extend_from_slice(part.as_bytes());
        }
        aad.extend_from_slice(&self.page.to_be_bytes());
        aad.extend_from_slice(&line.to_be_bytes());
        aad
    }
}

/// Writes one segment.
pub(crate) struct Writer {
    place: Place,
    bytes: Vec<u8>,
    count: u32,
}

impl Writer {
    pub(crate) fn new(place: Place) -> Self {
        let mut bytes = Vec::with_capacity(64 << 10);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&[0; 6]);
        Self { place, bytes, count: 0 }
    }

    /// Seals one message.
    ///
    /// # Errors
    /// [`SegmentError::Seal`].
    pub(crate) fn append(&mut self, line: u64, key: &DataKey, message: &[u8]) -> Result<(), SegmentError> {
        let sealed = maily_crypto::seal(key, &self.place.aad(line), message).map_err(SegmentError::Seal)?;
        let length = u32::try_from(sealed.len()).ok().filter(|_| sealed.len() <= LONGEST_RECORD);
        let length = length.ok_or(SegmentError::Corrupt("a message is too long"))?;
        self.bytes.extend_from_slice(&line.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(&sealed);
        self.count += 1;
        Ok(())
    }

    /// The finished object.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if let Some(count) = self.bytes.get_mut(HEADER - 4..HEADER) {
            count.copy_from_slice(&self.count.to_be_bytes());
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn place(page: u32) -> Place {
        Place { campaign: "c".into(), cohort: "en-GB/new".into(), region: "eu".into(), page }
    }

    fn key(line: u64) -> DataKey {
        DataKey::from_bytes(&[line as u8; 32])
    }

    fn segment(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = Writer::new(place(0));
        for (line, message) in messages.iter().enumerate() {
            writer.append(line as u64, &key(line as u64), message).unwrap();
        }
        writer.finish()
    }

    /// Reads a segment that arrives in pieces of `size`.
    fn read(bytes: &[u8], size: usize, place: &Place) -> Result<Vec<Vec<u8>>, SegmentError> {
        let (mut reader, mut out) = (Reader::default(), Vec::new());
        for chunk in bytes.chunks(size.max(1)) {
            reader.push(Bytes::copy_from_slice(chunk));
            while let Some(record) = reader.next()? {
                out.push(record.open(&key(record.line), place)?);
            }
        }
        reader.finish().map(|()| out)
    }

    proptest! {
        #[test]
        fn comes_back_however_it_arrives(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
            size in 1_usize..300,
        ) {
            prop_assert_eq!(read(&segment(&messages), size, &place(0)).unwrap(), messages);
        }

        #[test]
        fn any_change_or_cut_is_seen(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let bytes = segment(&[b"first message".to_vec(), b"second".to_vec()]);
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= 1 << bit;
            prop_assert!(read(&changed, 64, &place(0)).is_err());
            prop_assert!(read(&bytes[..at.index(bytes.len())], 64, &place(0)).is_err());
        }
    }

    #[test]
    fn what_fits_is_known_before_it_is_written() {
        let messages = vec![vec![b'x'; 100]; 6];
        assert_eq!(segment(&messages).len(), HEADER + 6 * (RECORD + 100 + maily_crypto::OVERHEAD));
        assert!(fits(1_000, 60_000) && !fits(1_000, 70_000));
        assert!(fits(4_000, 16_000) && !fits(4_000, 17_000));
        assert!(!fits(1, LONGEST_RECORD) && !fits(u32::MAX, usize::MAX / 2));
    }

    #[test]
    fn a_record_belongs_to_its_page_and_an_end_is_an_end() {
        let bytes = segment(&[b"m".to_vec()]);
        assert!(read(&bytes, 9, &place(1)).is_err());
        let longer = [bytes.as_slice(), b"x"].concat();
        assert!(read(&longer, 9, &place(0)).is_err());
    }
}
