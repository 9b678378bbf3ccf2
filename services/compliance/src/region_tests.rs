//! What a region keeps can't be changed, removed or smuggled in without being noticed.

use object_store::memory::InMemory;

use super::*;
use crate::layout::Layout;
use crate::records::{Entry, RegionSum};

const IMPORT: ImportId = [3; 16];

/// A region with one import of five rows on three pages, and one opt-out.
async fn region() -> RegionState {
    let folder = tempfile::tempdir().unwrap();
    let roots = Arc::new(maily_keys::LocalKeyring::open(folder.path().join("keyring.json")).unwrap());
    let region = RegionState::open(Arc::new(InMemory::new()), roots, "test", Region::Eu).await.unwrap();
    let mut layout = Layout::new(IMPORT, 2);
    (2..7).for_each(|line| layout.add(Region::Eu, 0, Entry { line, ..Entry::default() }));
    layout.flush_all();
    region.put(layout.ready()).await.unwrap();
    record(&region, layout.sums().remove(0)).await;
    let event = Event::OptedOut(OptedOut { address: vec![1; 16], article: "x".into() });
    let reason = schema::Reason { channel: schema::Channel::Link, at: 5 };
    let row = (schema::suppression(&[1; 16], 2), reason.encode());
    region.ledger.writer().await.unwrap().append_with(event, vec![row], Vec::new()).await.unwrap();
    region
}

async fn record(region: &RegionState, sum: RegionSum) {
    let imported =
        Imported { campaign: "c".into(), import: IMPORT.to_vec(), as_of: "x".into(), sum: Some(sum) };
    region.record_import(imported).await.unwrap();
}

async fn verdict(region: &RegionState) -> String {
    region.verify(&[]).await.map_or_else(|error| error.to_string(), |links| format!("{links} links"))
}

fn piece(page: u32) -> Vec<u8> {
    [schema::page(&IMPORT, 0, page), vec![0; 4]].concat()
}

#[tokio::test]
async fn a_region_as_it_was_written_is_in_order() {
    let region = region().await;
    assert_eq!(verdict(&region).await, "2 links");
    record(&region, RegionSum::default()).await;
    assert_eq!(verdict(&region).await, "2 links", "an import is recorded once");
    assert_eq!(region.page(&IMPORT, 0, 2).await.unwrap().unwrap().entries[0].line, 6);
    assert!(region.page(&IMPORT, 0, 3).await.unwrap().is_none());
    assert!(region.suppressed().await.unwrap().at(&[1; 16]).is_some());
}

#[tokio::test]
async fn evidence_that_was_changed_removed_or_added_is_found() {
    let changed = "the record is damaged: the evidence of an import was changed";
    let edited = region().await;
    let page = Block { entries: vec![Entry { line: 2, outcome: "consent".into(), ..Entry::default() }] };
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
async fn what_an_import_left_behind_is_found_and_discarded() {
    let region = region().await;
    for (import, page) in [([2; 16], 0), ([9; 16], 0), ([9; 16], 1)] {
        region.db.put([schema::page(&import, 0, page), vec![0; 4]].concat(), b"x").await.unwrap();
    }
    let left = "the record is damaged: there is evidence of an import that did not finish";
    assert_eq!(verdict(&region).await, left);
    assert_eq!(region.verify(&[[2; 16], [9; 16]]).await.unwrap(), 2);
    region.discard(&[2; 16]).await.unwrap();
    assert_eq!(verdict(&region).await, left);
    region.discard(&[9; 16]).await.unwrap();
    assert_eq!(verdict(&region).await, "2 links");
}
