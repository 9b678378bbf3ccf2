//! What a region keeps can't be changed, removed or smuggled in without being noticed.

use std::sync::Arc;

use jiff::Timestamp;
use maily_law::Region;
use object_store::memory::InMemory;
use prost::Message;

use super::*;
use crate::ImportId;
use crate::import::layout::Layout;
use crate::records::{Block, Entry, RegionSum};
use crate::region::RegionState;
use crate::schema::{Channel, Lift, Reason};

const IMPORT: ImportId = [3; 16];
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn entry(line: u64) -> Entry {
    Entry { line, address: vec![line.to_le_bytes()[0]; 16].into(), ..Entry::default() }
}

/// A region with one import of five rows on three pages, one opt-out, which is lifted, and an erasure.
async fn region() -> RegionState {
    let folder = tempfile::tempdir().unwrap();
    let roots = Arc::new(maily_keys::LocalKeyring::open(folder.path().join("keyring.json")).unwrap());
    let region = RegionState::open(Arc::new(InMemory::new()), roots, "test", Region::Eu).await.unwrap();
    let mut layout = Layout::new(IMPORT, 2);
    (2..7).for_each(|line| layout.add(Region::Eu, 0, entry(line)));
    layout.flush_all();
    region.put(layout.ready()).await.unwrap();
    record(&region, layout.sums().remove(0)).await;
    let row = Reason::new(Channel::Link, 5).encode();
    let event = Event::OptedOut(OptedOut { address: vec![1; 16], row: row.clone(), ..OptedOut::default() });
    append(&region, event, schema::suppression(&[1; 16], 2), row).await;
    let lifted =
        Lifted { addresses: vec![vec![1; 16]], sender: vec![7; 16], moments: vec![6], ..Lifted::default() };
    let event = Event::Lifted(lifted);
    append(&region, event, schema::lift(&[1; 16], 3), Lift { sender: [7; 16], at: 6 }.encode()).await;
    let event = Event::Erased(Erased { address: vec![1; 16], ..Erased::default() });
    append(&region, event, schema::erasure(&[1; 16], 4), vec![0; 8]).await;
    region
}

async fn append(region: &RegionState, event: Event, key: Vec<u8>, value: Vec<u8>) {
    let writer = region.ledger.writer().await.unwrap();
    writer.append_with(NOW, event, vec![(key, value)], Vec::new()).await.unwrap();
}

async fn record(region: &RegionState, sum: RegionSum) {
    let imported =
        Imported { campaign: "c".into(), import: IMPORT.to_vec(), as_of: "x".into(), sum: Some(sum) };
    region.record_import(NOW, imported).await.unwrap();
}

async fn verdict(region: &RegionState) -> String {
    let said = |verified: verify::Verified| match verified.strays.len() {
        0 => format!("{} links", verified.links),
        strays => format!("{strays} strays"),
    };
    region.verify().await.map_or_else(|error| error.to_string(), said)
}

fn piece(page: u32) -> Vec<u8> {
    [schema::page(&IMPORT, 0, page), vec![0; 4]].concat()
}

#[tokio::test]
async fn a_region_as_it_was_written_is_in_order() {
    let region = region().await;
    assert_eq!(verdict(&region).await, "4 links");
    record(&region, RegionSum::default()).await;
    assert_eq!(verdict(&region).await, "4 links", "an import is recorded once");
    assert_eq!(region.page::<Block>(&IMPORT, 0, 2).await.unwrap().unwrap().entries[0].line, 6);
    assert!(region.page::<Block>(&IMPORT, 0, 3).await.unwrap().is_none());
    assert!(region.suppressed().await.unwrap().stands(&[1; 16]).is_some());
}

#[tokio::test]
async fn evidence_that_was_changed_removed_or_added_is_found() {
    let changed = "the record is damaged: the evidence of an import was changed";
    let edited = region().await;
    let page = Block { entries: vec![Entry { outcome: "consent".into(), ..entry(2) }] };
    edited.db.put(piece(0), page.encode_to_vec()).await.unwrap();
    assert_eq!(verdict(&edited).await, changed);
    let removed = region().await;
    removed.db.delete(piece(1)).await.unwrap();
    assert_eq!(verdict(&removed).await, changed);
    let added = region().await;
    added.db.put(piece(9), page.encode_to_vec()).await.unwrap();
    assert_eq!(verdict(&added).await, changed);
}

#[tokio::test]
async fn an_opt_out_that_was_taken_off_the_list_is_found() {
    let region = region().await;
    region.db.delete(schema::suppression(&[1; 16], 2)).await.unwrap();
    assert_eq!(verdict(&region).await, "the record is damaged: a link is not found by its key");
}

#[tokio::test]
async fn an_objection_that_is_made_to_look_older_or_taken_back_is_found() {
    let region = region().await;
    let said = Reason::new(Channel::Link, 5);
    for changed in [
        Reason { undone: Some(9), ..said },
        // Before whatever was lifted since, it would bind nobody.
        Reason { at: 4, ..said },
        Reason { told: Some(4), ..said },
        Reason { channel: Channel::List, ..said },
    ] {
        region.db.put(schema::suppression(&[1; 16], 2), changed.encode()).await.unwrap();
        assert_eq!(
            verdict(&region).await,
            "the record is damaged: a suppression is not what the ledger says"
        );
    }
}

#[tokio::test]
async fn a_lifting_an_erasure_or_a_row_of_the_index_that_is_not_on_record_is_found() {
    let lift = "the record is damaged: a lifting is not what the ledger says";
    let erasure = "the record is damaged: an erasure is not what the ledger says";
    let finder = "the record is damaged: an import or a hand-off is not in the ledger";
    let index = "the record is damaged: the index of people is not what the evidence says";
    let person = schema::indexed(&[2; 16], &IMPORT, 2);
    for (key, value, said) in [
        (schema::imported(&[8; 16]), vec![0; 8], finder),
        ([schema::hand_offs(&IMPORT), vec![0; 8]].concat(), vec![0; 8], finder),
        (schema::erasure(&[1; 16], 4), vec![1; 8], erasure),
        (schema::lift(&[1; 16], 9), vec![0; 24], lift),
        (schema::lift(&[1; 16], 3), Lift { sender: [7; 16], at: 7 }.encode(), lift),
        (schema::erasure(&[1; 16], 9), vec![0; 8], erasure),
        (schema::indexed(&[1; 16], &IMPORT, 9), vec![0; 12], index),
        (schema::indexed(&[1; 16], &[8; 16], 9), vec![0; 12], "1 strays"),
        (person.clone(), vec![1; 12], index),
    ] {
        let region = region().await;
        region.db.put(key, value).await.unwrap();
        assert_eq!(verdict(&region).await, said);
    }
    for (key, said) in
        [(schema::lift(&[1; 16], 3), lift), (schema::erasure(&[1; 16], 4), erasure), (person, index)]
    {
        let region = region().await;
        region.db.delete(key).await.unwrap();
        assert_eq!(verdict(&region).await, said);
    }
}

#[tokio::test]
async fn a_removal_that_is_not_on_record_hides_nothing() {
    let forged = Removed { import: IMPORT.to_vec(), ..Removed::default() };
    for import in [IMPORT, [8; 16]] {
        let region = region().await;
        region.db.put(schema::removal(&import), forged.encode_to_vec()).await.unwrap();
        assert_eq!(verdict(&region).await, "the record is damaged: a removal is not what the ledger says");
    }
}

#[tokio::test]
async fn links_of_before_which_do_not_say_the_moment_are_in_order() {
    let region = region().await;
    let (key, reason) = (schema::suppression(&[5; 16], 5), Reason::new(Channel::Link, 7));
    let old = Event::OptedOut(OptedOut { address: vec![5; 16], ..OptedOut::default() });
    append(&region, old, key.clone(), reason.encode()).await;
    assert_eq!(verdict(&region).await, "5 links");
    let undone = Event::Undone(Undone { links: vec![5], ..Undone::default() });
    append(&region, undone, key.clone(), Reason { undone: Some(8), ..reason }.encode()).await;
    assert_eq!(verdict(&region).await, "6 links");
    region.db.put(key, reason.encode()).await.unwrap();
    assert_eq!(verdict(&region).await, "the record is damaged: a suppression is not what the ledger says");
}

#[tokio::test]
async fn what_an_import_left_behind_is_found_and_discarded() {
    let region = region().await;
    for (import, page) in [([2; 16], 0), ([9; 16], 0), ([9; 16], 1)] {
        region.db.put([schema::page(&import, 0, page), vec![0; 4]].concat(), b"x").await.unwrap();
    }
    assert_eq!(verdict(&region).await, "2 strays");
    region.discard(&[2; 16]).await.unwrap();
    assert_eq!(verdict(&region).await, "1 strays");
    region.discard(&[9; 16]).await.unwrap();
    assert_eq!(verdict(&region).await, "4 links");
}
