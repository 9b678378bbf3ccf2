//! A region's ledger: append-only, numbered without gaps, each link holding the hash of the one before.
//!
//! Beside the links ([`events`]) lie the rows that find them ([`crate::schema`]). A link and its rows are one write. Opt-outs and hand-offs take the same lock, so that
//! their order in the ledger is the order in which they happened.

mod events;
mod verify;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use prost::Message;
use slatedb::config::ScanOptions;
use slatedb::{Db, DbIterator, DbSnapshot, IterationOrder, WriteBatch, WriteHandle};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Error, schema};

pub(crate) use events::{
    Command, Erased, Event, HandedOff, Imported, Lifted, Link, ListObjection, Objected, OptedOut, Removed,
    Undone,
};

const NO_LINK: [u8; 32] = [0; 32];

/// The ledger of one region.
pub(crate) struct Ledger {
    db: Db,
    head: Mutex<Option<Head>>,
}

/// The newest link.
#[derive(Clone, Copy)]
struct Head {
    seq: u64,
    hash: [u8; 32],
}

/// The right to append: nobody else does while it is held.
pub(crate) struct Writer<'a> {
    db: &'a Db,
    slot: MutexGuard<'a, Option<Head>>,
    head: Head,
}

impl Ledger {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, head: Mutex::new(None) }
    }

    pub(crate) async fn writer(&self) -> Result<Writer<'_>, Error> {
        let mut slot = self.head.lock().await;
        let head = match slot.take() {
            Some(head) => head,
            None => newest(&self.db).await?,
        };
        *slot = Some(head);
        Ok(Writer { db: &self.db, slot, head })
    }

    /// When the newest link was written, if there is one.
    pub(crate) async fn newest_at(&self) -> Result<Option<Timestamp>, Error> {
        let head = newest(&self.db).await?;
        if head.seq == 0 {
            return Ok(None);
        }
        let at = self.link(head.seq).await?.at.parse();
        at.map(Some).map_err(|_| Error::Damaged("a link's moment"))
    }

    /// The link with this number.
    pub(crate) async fn link(&self, seq: u64) -> Result<Link, Error> {
        let value = self.db.get(schema::link(seq)).await?.ok_or(Error::Damaged("a link is missing"))?;
        Link::decode(value).map_err(|_| Error::Damaged("a link"))
    }
}

/// The chain's links in their order, each checked against the one before.
pub(crate) struct Walk {
    links: DbIterator,
    seq: u64,
    previous: [u8; 32],
}

impl Walk {
    /// Begins with the first link.
    pub(crate) async fn begin(view: &DbSnapshot) -> Result<Self, Error> {
        let links = view.scan_prefix(schema::LINKS, ..).await?;
        Ok(Self { links, seq: 0, previous: NO_LINK })
    }

    /// The hash of the link that came last.
    pub(crate) fn head(&self) -> [u8; 32] {
        self.previous
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Link>, Error> {
        let Some(row) = self.links.next().await? else { return Ok(None) };
        let link = Link::decode(row.value.clone()).map_err(|_| Error::Damaged("a link"))?;
        self.seq += 1;
        if row.key != schema::link(self.seq) || link.seq != self.seq {
            return Err(Error::Damaged("the ledger has a gap"));
        }
        if link.previous != self.previous {
            return Err(Error::Damaged("a link of the ledger was changed"));
        }
        self.previous = hash(&row.value);
        Ok(Some(link))
    }
}

impl Writer<'_> {
    /// The number that the next link gets.
    pub(crate) fn number(&self) -> u64 {
        self.head.seq + 1
    }

    /// Writes the next link and the key that finds it; the lock ends here, durability is the caller's to await.
    pub(crate) async fn append(
        self,
        now: Timestamp,
        event: Event,
        found_by: &[u8],
    ) -> Result<WriteHandle, Error> {
        let row = (found_by.to_vec(), self.number().to_be_bytes().to_vec());
        self.append_with(now, event, vec![row], Vec::new()).await
    }

    /// Writes the next link with `rows`, and deletes others, all as one write.
    pub(crate) async fn append_with(
        mut self,
        now: Timestamp,
        event: Event,
        rows: Vec<(Vec<u8>, Vec<u8>)>,
        deleted: Vec<Vec<u8>>,
    ) -> Result<WriteHandle, Error> {
        let seq = self.number();
        let link = Link { seq, previous: self.head.hash.to_vec(), at: now.to_string(), event: Some(event) };
        let value = link.encode_to_vec();
        let head = Head { seq, hash: hash(&value) };
        let mut batch = WriteBatch::new();
        batch.put(schema::link(seq), value);
        rows.into_iter().for_each(|(key, value)| batch.put(key, value));
        deleted.into_iter().for_each(|key| batch.delete(key));
        // Unknown until the write is through: after an error the next writer reads the newest link again.
        *self.slot = None;
        let handle = self.db.write(batch).await?;
        *self.slot = Some(head);
        Ok(handle)
    }
}

async fn newest(db: &Db) -> Result<Head, Error> {
    let options = ScanOptions::default().with_order(IterationOrder::Descending);
    let mut links = db.scan_prefix_with_options(schema::LINKS, .., &options).await?;
    let Some(row) = links.next().await? else { return Ok(Head { seq: 0, hash: NO_LINK }) };
    let seq = row.key.get(1..).and_then(|seq| seq.try_into().ok()).map(u64::from_be_bytes);
    Ok(Head { seq: seq.ok_or(Error::Damaged("a link's key"))?, hash: hash(&row.value) })
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = NO_LINK;
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
#[path = "ledger/tests.rs"]
mod region_tests;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn ledger(links: u8) -> Ledger {
        let store = Arc::new(object_store::memory::InMemory::new());
        let db = maily_store::db::open(store, "test", maily_store::db::Tuning::default()).await.unwrap();
        let ledger = Ledger::new(db);
        for address in 0..links {
            let event = Event::OptedOut(OptedOut { address: vec![address; 16], ..OptedOut::default() });
            ledger
                .writer()
                .await
                .unwrap()
                .append(Timestamp::UNIX_EPOCH, event, &[b's', address])
                .await
                .unwrap();
        }
        ledger
    }

    async fn verdict(ledger: &Ledger) -> Result<u64, String> {
        let mut links = Walk::begin(&ledger.db.snapshot().unwrap()).await.unwrap();
        loop {
            match links.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(links.seq),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    #[tokio::test]
    async fn goes_on_after_the_newest_link() {
        let ledger = ledger(3).await;
        assert_eq!(verdict(&ledger).await, Ok(3));
        let again = Ledger::new(ledger.db.clone());
        let event = Event::OptedOut(OptedOut { address: vec![9; 16], ..OptedOut::default() });
        again.writer().await.unwrap().append(Timestamp::UNIX_EPOCH, event, b"s9").await.unwrap();
        assert_eq!(verdict(&again).await, Ok(4));
        assert_eq!(again.link(4).await.unwrap().seq, 4);
    }

    #[tokio::test]
    async fn an_edit_a_gap_and_a_forgery_are_found() {
        let gap = ledger(4).await;
        gap.db.delete(schema::link(2)).await.unwrap();
        assert_eq!(verdict(&gap).await, Err("the record is damaged: the ledger has a gap".into()));
        let edited = ledger(4).await;
        let mut link = edited.link(2).await.unwrap();
        link.at = "2020-01-01T00:00:00Z".into();
        edited.db.put(schema::link(2), link.encode_to_vec()).await.unwrap();
        assert_eq!(
            verdict(&edited).await,
            Err("the record is damaged: a link of the ledger was changed".into())
        );
        let inserted = ledger(2).await;
        inserted.db.put(schema::link(3), Link { seq: 3, ..Link::default() }.encode_to_vec()).await.unwrap();
        assert_eq!(
            verdict(&inserted).await,
            Err("the record is damaged: a link of the ledger was changed".into())
        );
    }
}
