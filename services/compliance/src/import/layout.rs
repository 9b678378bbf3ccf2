//! Lays judged rows out in pages: by cohort and region, in the order of their lines.
//!
//! Each row gets an entry in the index of people, too. A page ends at `page_size` rows or 2 MiB, whichever comes first, so that it fits a message. Rows gather in
//! memory until their page is full; where many pages fill at once they are written out in pieces.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use maily_law::Region;
use prost::Message;

use crate::records::{Block, CohortRegion, Entry, RegionSum};
use crate::schema::{self, Position};

/// The cohort number of rows that are not written to.
pub(crate) const EXCLUDED: u32 = u32::MAX;
/// Bytes of a page.
const PAGE_BYTES: usize = 2 << 20;
/// Bytes held back in unfinished pages.
const BUFFERED: usize = 24 << 20;

/// Names an import's data in keys.
pub(crate) type ImportId = [u8; 16];

/// Something to be written.
pub(crate) struct Piece {
    pub(crate) region: Region,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

#[derive(Default)]
struct Open {
    page: u32,
    piece: u32,
    rows: u32,
    bytes: usize,
    buffer: Vec<u8>,
    total: u64,
}

/// What a region is given: rows, and the SHA-256 of each block by its key.
#[derive(Default)]
struct Sum {
    rows: u64,
    blocks: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// The layout of one import.
pub(crate) struct Layout {
    import: ImportId,
    page_size: u32,
    open: HashMap<(Region, u32), Open>,
    buffered: usize,
    ready: Vec<Piece>,
    sums: BTreeMap<Region, Sum>,
}

impl Layout {
    pub(crate) fn new(import: ImportId, page_size: u32) -> Self {
        Self {
            import,
            page_size,
            open: HashMap::new(),
            buffered: 0,
            ready: Vec::new(),
            sums: BTreeMap::new(),
        }
    }

    /// Adds the next row of a cohort and region.
    pub(crate) fn add(&mut self, region: Region, cohort: u32, entry: Entry) {
        let (address, line) = (entry.address.clone(), entry.line);
        let encoded = Block { entries: vec![entry] }.encode_to_vec();
        let open = self.open.entry((region, cohort)).or_default();
        let full = open.rows == self.page_size || open.bytes + encoded.len() > PAGE_BYTES;
        if full && open.rows > 0 {
            self.flush(region, cohort);
            if let Some(open) = self.open.get_mut(&(region, cohort)) {
                (open.page, open.piece, open.rows, open.bytes) = (open.page + 1, 0, 0, 0);
            }
        }
        let open = self.open.entry((region, cohort)).or_default();
        let position = Position { cohort, page: open.page, at: open.rows };
        let key = schema::indexed(&address, &self.import, line);
        self.ready.push(Piece { region, key, value: position.encode() });
        open.rows += 1;
        open.total += 1;
        open.bytes += encoded.len();
        self.buffered += encoded.len();
        open.buffer.extend(encoded);
        self.sums.entry(region).or_default().rows += 1;
        if self.buffered > BUFFERED {
            self.flush_all();
        }
    }

    /// What is to be written by now.
    pub(crate) fn ready(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.ready)
    }

    /// Ends the last pages.
    pub(crate) fn flush_all(&mut self) {
        let keys: Vec<_> = self.open.keys().copied().collect();
        keys.into_iter().for_each(|(region, cohort)| self.flush(region, cohort));
    }

    fn flush(&mut self, region: Region, cohort: u32) {
        let Some(open) = self.open.get_mut(&(region, cohort)).filter(|open| !open.buffer.is_empty()) else {
            return;
        };
        let mut key = schema::page(&self.import, cohort, open.page);
        key.extend(open.piece.to_be_bytes());
        let value = std::mem::take(&mut open.buffer);
        open.piece += 1;
        self.buffered -= value.len();
        self.sums
            .entry(region)
            .or_default()
            .blocks
            .insert(key.clone(), digest(&SHA256, &value).as_ref().to_vec());
        self.ready.push(Piece { region, key, value });
    }

    /// Recipients and pages of a cohort, region by region, where it has any.
    pub(crate) fn cohort(&self, cohort: u32) -> Vec<CohortRegion> {
        let of = |region: Region| self.open.get(&(region, cohort)).map(|open| (region, open));
        let region = |(region, open): (Region, &Open)| CohortRegion {
            region: region.name().into(),
            recipients: open.total,
            pages: open.page + 1,
        };
        Region::ALL.into_iter().filter_map(of).map(region).collect()
    }

    /// What each region was given, after [`Self::flush_all`].
    pub(crate) fn sums(&self) -> Vec<RegionSum> {
        let sum = |(region, sum): (&Region, &Sum)| RegionSum {
            region: region.name().into(),
            rows: sum.rows,
            digest: blocks_digest(&sum.blocks),
        };
        self.sums.iter().map(sum).collect()
    }
}

/// SHA-256 over keys and SHA-256s of blocks.
pub(crate) fn blocks_digest(blocks: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    let mut context = aws_lc_rs::digest::Context::new(&SHA256);
    for (key, hash) in blocks {
        context.update(key);
        context.update(hash);
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: u64, len: usize) -> Entry {
        Entry { line, address: vec![1; 16].into(), sealed: vec![0; len].into(), ..Entry::default() }
    }

    fn lines(pieces: &[Piece], key: &[u8]) -> Vec<u64> {
        let page: Vec<u8> = pieces
            .iter()
            .filter(|piece| piece.key.starts_with(key))
            .flat_map(|piece| piece.value.clone())
            .collect();
        Block::decode(page.as_slice()).unwrap().entries.iter().map(|entry| entry.line).collect()
    }

    #[test]
    fn pages_end_at_their_size_in_rows_or_bytes() {
        let mut layout = Layout::new([1; 16], 3);
        (0..7).for_each(|line| layout.add(Region::Us, 5, entry(line, 10)));
        (7..10).for_each(|line| layout.add(Region::Eu, 5, entry(line, PAGE_BYTES / 2)));
        layout.flush_all();
        let pieces = layout.ready();
        let page = |region, page| {
            let pieces: Vec<_> = pieces
                .iter()
                .filter(|piece| piece.region == region)
                .map(|piece| Piece { region, key: piece.key.clone(), value: piece.value.clone() })
                .collect();
            lines(&pieces, &schema::page(&[1; 16], 5, page))
        };
        assert_eq!([0, 1, 2].map(|number| page(Region::Us, number)), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!([0, 1, 2].map(|number| page(Region::Eu, number)), [vec![7], vec![8], vec![9]]);
        let regions: Vec<_> = layout
            .cohort(5)
            .into_iter()
            .map(|region| (region.region, region.recipients, region.pages))
            .collect();
        assert_eq!(regions, [("eu".into(), 3, 3), ("us".into(), 7, 3)]);
        assert!(layout.cohort(6).is_empty());
    }

    #[test]
    fn many_open_pages_are_written_in_pieces_within_memory() {
        let mut layout = Layout::new([1; 16], 1000);
        let mut pieces = Vec::new();
        for line in 0..6000_u64 {
            layout.add(Region::Eu, u32::try_from(line % 100).unwrap(), entry(line, 10_000));
            assert!(layout.buffered <= BUFFERED);
            pieces.extend(layout.ready());
        }
        layout.flush_all();
        pieces.extend(layout.ready());
        pieces.retain(|piece| piece.key.starts_with(schema::BLOCKS));
        assert!(pieces.len() > 100, "some pages have more than one piece");
        pieces.sort_by(|a, b| a.key.cmp(&b.key));
        for cohort in 0..100 {
            let wanted: Vec<u64> = (0..60).map(|row| row * 100 + u64::from(cohort)).collect();
            assert_eq!(lines(&pieces, &schema::page(&[1; 16], cohort, 0)), wanted);
        }
    }
}
