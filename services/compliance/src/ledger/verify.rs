//! Whether a region's ledger and what it commits to are as they were written: every link, the rows that find them, the
//! suppression list with what was lifted, the evidence of every import and the index of people into it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use prost::Message;
use slatedb::DbSnapshot;

use super::{Event, Link, ListObjection, Removed, Walk};
use crate::Error;
use crate::import::layout::{ImportId, blocks_digest};
use crate::records::{Block, RegionSum};
use crate::region::RegionState;
use crate::schema::{self, Channel, Lift, Position, Reason};
use crate::secrets::AddressHash;
use crate::subjects::Which;

/// What the links say there has to be.
#[derive(Default)]
struct Wanted {
    /// With their reasons, where the links have them.
    suppressions: BTreeMap<Vec<u8>, Option<Reason>>,
    /// Links whose objections were taken back, with the moment, where that is on record.
    undone: BTreeMap<u64, Option<i64>>,
    /// How many rows find imports, and hand-offs.
    imported: usize,
    handed_off: usize,
    /// With their values.
    lifts: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    erasures: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// What is left of each import, and what took the rest away.
    imports: BTreeMap<ImportId, (RegionSum, Option<Removed>)>,
}

/// A sum over rows of the index that doesn't depend on their order.
type IndexSums = BTreeMap<ImportId, u128>;

/// What was found in order.
pub(crate) struct Verified {
    pub(crate) links: u64,
    /// SHA-256 of the newest link, which stands for all of them.
    pub(crate) head: [u8; 32],
    /// Imports with evidence that the ledger doesn't have: they are under way, or something is wrong.
    pub(crate) strays: BTreeSet<ImportId>,
}

impl RegionState {
    /// Checks everything, as it is at one moment: what goes on meanwhile is neither seen nor held up.
    pub(crate) async fn verify(&self) -> Result<Verified, Error> {
        View(self.db.snapshot()?).verify().await
    }
}

/// A region's database at one moment.
struct View(Arc<DbSnapshot>);

impl View {
    async fn verify(&self) -> Result<Verified, Error> {
        let mut wanted = Wanted::default();
        let (mut walk, mut links) = (Walk::begin(&self.0).await?, 0);
        while let Some(link) = walk.next().await? {
            links = link.seq;
            self.verify_link(link, &mut wanted).await?;
        }
        self.verify_finders(&wanted).await?;
        self.verify_suppressions(&wanted).await?;
        self.verify_rows(schema::LIFTS, &wanted.lifts, "a lifting is not what the ledger says").await?;
        self.verify_rows(schema::ERASURES, &wanted.erasures, "an erasure is not what the ledger says")
            .await?;
        let mut index = IndexSums::new();
        let former = self.formers().await?;
        self.verify_removals(&wanted).await?;
        for (import, (left, removed)) in &wanted.imports {
            let sum = self.verify_blocks(import, left, removed.as_ref(), &former).await?;
            index.insert(*import, sum);
        }
        let mut strays = self.verify_index(&index).await?;
        strays.extend(self.strays(&wanted).await?);
        Ok(Verified { links, head: walk.head(), strays })
    }

    async fn verify_link(&self, link: Link, wanted: &mut Wanted) -> Result<(), Error> {
        let seq = link.seq;
        let key = match link.event.ok_or(Error::Damaged("a link without an event"))? {
            Event::Imported(imported) => {
                let sum = imported.sum.ok_or(Error::Damaged("an import's sum"))?;
                wanted.imports.insert(import_id(&imported.import)?, (sum, None));
                wanted.imported += 1;
                Some(schema::imported(&imported.import))
            }
            Event::HandedOff(page) => {
                wanted.handed_off += 1;
                Some(schema::handed_off(&page))
            }
            Event::OptedOut(opted_out) => {
                let recorded = !opted_out.row.is_empty();
                let reason = recorded.then(|| Reason::decode(&opted_out.row)).transpose()?;
                wanted.suppressions.insert(schema::suppression(&opted_out.address, seq), reason);
                None
            }
            Event::Objected(objected) => {
                let row = |objection: ListObjection| {
                    let reason = objection.at.map(|at| Reason::new(Channel::List, at));
                    (schema::suppression(&objection.address, seq), reason)
                };
                wanted.suppressions.extend(objected.objections.into_iter().map(row));
                None
            }
            Event::Erased(erased) => {
                let at: Timestamp = link.at.parse().map_err(|_| Error::Damaged("a link's moment"))?;
                let value = at.as_millisecond().to_be_bytes().to_vec();
                wanted.erasures.insert(schema::erasure(&erased.address, seq), Some(value));
                None
            }
            Event::Lifted(lifted) => {
                let sender = lifted.sender.as_slice().try_into().map_err(|_| Error::Damaged("a lifting"))?;
                let row = |(address, at): (Vec<u8>, i64)| {
                    (schema::lift(&address, seq), Some(Lift { sender, at }.encode()))
                };
                wanted.lifts.extend(lifted.addresses.into_iter().zip(lifted.moments).map(row));
                None
            }
            Event::Undone(undone) => {
                wanted.undone.extend(undone.links.into_iter().map(|link| (link, undone.at)));
                None
            }
            Event::Removed(removed) => {
                let left = removed.left.clone().ok_or(Error::Damaged("a removal"))?;
                wanted.imports.insert(import_id(&removed.import)?, (left, Some(removed)));
                None
            }
        };
        let Some(key) = key else { return Ok(()) };
        let found = self.0.get(key).await?;
        let right = found.as_deref() == Some(&seq.to_be_bytes());
        right.then_some(()).ok_or(Error::Damaged("a link is not found by its key"))
    }

    /// Rows are on their way out only as the ledger says.
    async fn verify_removals(&self, wanted: &Wanted) -> Result<(), Error> {
        let mut rows = self.0.scan_prefix(schema::REMOVALS, ..).await?;
        while let Some(row) = rows.next().await? {
            let import = row.key.get(1..).map(import_id).ok_or(Error::Damaged("a removal"))??;
            let removed = wanted.imports.get(&import).and_then(|(_, removed)| removed.as_ref());
            if removed.map(Message::encode_to_vec).as_deref() != Some(row.value.as_ref()) {
                return Err(Error::Damaged("a removal is not what the ledger says"));
            }
        }
        Ok(())
    }

    /// No row leads to an import or a hand-off but those that their links were looked for by.
    async fn verify_finders(&self, wanted: &Wanted) -> Result<(), Error> {
        for (prefix, links) in [(schema::IMPORTED, wanted.imported), (schema::HANDED_OFF, wanted.handed_off)]
        {
            let (mut found, mut rows) = (0, self.0.scan_prefix(prefix, ..).await?);
            while rows.next().await?.is_some() {
                found += 1;
            }
            if found != links {
                return Err(Error::Damaged("an import or a hand-off is not in the ledger"));
            }
        }
        Ok(())
    }

    /// The suppression list is what the ledger says, no more and no less.
    async fn verify_suppressions(&self, wanted: &Wanted) -> Result<(), Error> {
        let mut found = 0;
        let mut rows = self.0.scan_prefix(schema::SUPPRESSIONS, ..).await?;
        while let Some(row) = rows.next().await? {
            let Some(recorded) = wanted.suppressions.get(row.key.as_ref()) else {
                return Err(Error::Damaged("a suppression is not in the ledger"));
            };
            let (_, link) = schema::read_linked(&row.key)?;
            let undone = link.and_then(|link| wanted.undone.get(&link));
            let reason = Reason::decode(&row.value)?;
            // What a link of before doesn't say is what the row says.
            let right =
                Reason { undone: undone.and_then(|at| at.or(reason.undone)), ..recorded.unwrap_or(reason) };
            if reason != right || reason.undone.is_some() != undone.is_some() {
                return Err(Error::Damaged("a suppression is not what the ledger says"));
            }
            found += 1;
        }
        let right = found == wanted.suppressions.len();
        right.then_some(()).ok_or(Error::Damaged("a link is not found by its key"))
    }

    async fn verify_rows(
        &self,
        prefix: &[u8; 1],
        wanted: &BTreeMap<Vec<u8>, Option<Vec<u8>>>,
        fault: &'static str,
    ) -> Result<(), Error> {
        let mut found = 0;
        let mut rows = self.0.scan_prefix(prefix, ..).await?;
        while let Some(row) = rows.next().await? {
            let value = wanted.get(row.key.as_ref()).ok_or(Error::Damaged(fault))?;
            if value.as_deref().is_some_and(|value| value != row.value.as_ref()) {
                return Err(Error::Damaged(fault));
            }
            found += 1;
        }
        (found == wanted.len()).then_some(()).ok_or(Error::Damaged(fault))
    }

    async fn formers(&self) -> Result<HashMap<Vec<u8>, Vec<u8>>, Error> {
        let mut formers = HashMap::new();
        let mut rows = self.0.scan_prefix(schema::FORMER, ..).await?;
        while let Some(row) = rows.next().await? {
            let name = row.key.get(1..).ok_or(Error::Damaged("a former's key"))?;
            formers.insert(name.to_vec(), row.value.to_vec());
        }
        Ok(formers)
    }

    /// The evidence of an import is what is left of it; answers the sum of its people's index.
    async fn verify_blocks(
        &self,
        import: &ImportId,
        left: &RegionSum,
        removed: Option<&Removed>,
        formers: &HashMap<Vec<u8>, Vec<u8>>,
    ) -> Result<u128, Error> {
        // Rows that are on their way out may be there, and may not; the others have to be as they were.
        let removing = self.0.get(schema::removal(import)).await?.and(removed);
        let leaving = removing.map(|removed| Which::of(removed).prefix(import));
        let (mut blocks, mut index, mut at) = (BTreeMap::new(), 0_u128, BTreeMap::<_, u32>::new());
        let mut rows = self.0.scan_prefix(schema::blocks(import), ..).await?;
        while let Some(row) = rows.next().await? {
            if !leaving.as_ref().is_some_and(|leaving| row.key.starts_with(leaving)) {
                blocks.insert(row.key.to_vec(), digest(&SHA256, &row.value).as_ref().to_vec());
            }
            let (cohort, page) = schema::read_page(&row.key)?;
            let at = at.entry((cohort, page)).or_default();
            for entry in Block::decode(row.value).map_err(|_| Error::Damaged("a page"))?.entries {
                let address =
                    formers.get(entry.address.as_ref()).map_or(entry.address.as_ref(), Vec::as_slice);
                let key = schema::indexed(address, import, entry.line);
                index = index.wrapping_add(sum_of(&key, &Position { cohort, page, at: *at }.encode()));
                *at += 1;
            }
        }
        let right = left.digest == blocks_digest(&blocks);
        right.then_some(index).ok_or(Error::Damaged("the evidence of an import was changed"))
    }

    /// The index finds every row of evidence on record; answers the imports besides.
    async fn verify_index(&self, wanted: &IndexSums) -> Result<BTreeSet<ImportId>, Error> {
        let (mut found, mut strays) = (IndexSums::new(), BTreeSet::new());
        let mut rows = self.0.scan_prefix(schema::INDEX, ..).await?;
        while let Some(row) = rows.next().await? {
            let (_, import, _): (AddressHash, _, _) = schema::read_indexed(&row.key)?;
            if wanted.contains_key(&import) {
                let sum = found.entry(import).or_default();
                *sum = sum.wrapping_add(sum_of(&row.key, &row.value));
            } else {
                strays.insert(import);
            }
        }
        let right = wanted.iter().all(|(import, sum)| found.get(import).copied().unwrap_or_default() == *sum);
        right.then_some(strays).ok_or(Error::Damaged("the index of people is not what the evidence says"))
    }

    /// Imports that have evidence and are not on record.
    async fn strays(&self, wanted: &Wanted) -> Result<BTreeSet<ImportId>, Error> {
        let (mut strays, mut from) = (BTreeSet::new(), Vec::<u8>::new());
        while let Some(row) = self.0.scan_prefix(schema::BLOCKS, from..).await?.next().await? {
            let import = row.key.get(1..).and_then(|key| key.first_chunk().copied());
            let import: ImportId = import.ok_or(Error::Damaged("a block's key"))?;
            if !wanted.imports.contains_key(&import) {
                strays.insert(import);
            }
            // Behind its last page: a cohort's number and a page's have four bytes each.
            from = [import.as_slice(), &[0xff; 8 + 5]].concat();
        }
        Ok(strays)
    }
}

fn import_id(import: &[u8]) -> Result<ImportId, Error> {
    import.try_into().map_err(|_| Error::Damaged("an import's name"))
}

fn sum_of(key: &[u8], value: &[u8]) -> u128 {
    let digest = digest(&SHA256, &[key, value].concat());
    digest.as_ref().first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}
