//! What a kill between two calls, or the loss of a key, does to a page.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use maily_keys::{KeyTable, LocalKeyring, Scope};

use super::*;
use crate::schema::Reason;
use crate::suppression::ListObjector;
use crate::{Config, Sender};

const LIST: &str = "\
id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed
1,a@b.us,Ada,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
2,b@b.us,Bob,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
3,c@b.us,Cy,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
";

async fn open(folder: &Path) -> State {
    let config = Config { keyring: folder.join("keyring.json"), ..Config::default() };
    let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
    State::open(&config, &folder.join("data"), roots).await.unwrap()
}

async fn imported(folder: &Path) -> State {
    let state = open(folder).await;
    let list = futures::stream::iter([Ok(Bytes::from(LIST))]);
    assert_eq!(
        state.import("c", "", Sender { country: "US", address: "news@brand.example" }, list).await.unwrap(),
        3
    );
    state
}

fn page() -> pb::Page {
    pb::Page { campaign_id: "c".into(), cohort: "en-US/vip".into(), region: "us".into(), page: 0 }
}

async fn lines(state: &State) -> Vec<u64> {
    state.recipients(&page()).await.unwrap().iter().map(|recipient| recipient.line).collect()
}

async fn released(state: &State) -> Vec<u64> {
    state.release(&page()).await.unwrap().records.iter().map(|record| record.line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_a_kill_undoes_leaves_nobody_out_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    let token = state.recipients(&page()).await.unwrap()[1].unsubscribe_token.clone();
    let token = Token::read(&state.0.secrets.tokens, &token).unwrap();
    // As far as an opt-out is when the process is killed before its record is durable.
    state.0.suppression.note(token.address, &Reason::new(Channel::Link, 0));
    let segment = lines(&state).await;
    state.close().await;
    let state = open(folder.path()).await;
    assert_eq!(
        state.hand_off(page(), "s".into()).await.unwrap(),
        HandOff { handed_off: 3, ..HandOff::default() }
    );
    assert_eq!(released(&state).await, segment, "each message that is released has been written");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_on_its_way_to_the_disk_is_in_force_at_the_hand_off() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    let token = state.recipients(&page()).await.unwrap()[1].unsubscribe_token.clone();
    let token = Token::read(&state.0.secrets.tokens, &token).unwrap();
    state.0.suppression.note(token.address, &Reason::new(Channel::Link, 0));
    let left_out = HandOff { handed_off: 2, suppressed: 1, expired: 0 };
    assert_eq!(state.hand_off(page(), "s".into()).await.unwrap(), left_out);
    assert_eq!(released(&state).await, [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_objected_to_by_a_hash_of_before_holds() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path()).await;
    // The hash of the local part in lower case, which has another sigma at the end.
    let address = maily_law::EmailAddress::parse("νικος@b.us").unwrap();
    let former = state.0.hashes(&address).1;
    assert_eq!(former.len(), 1);
    let us = &state.0.regions[&Region::Us];
    let opt_out = OptOut { channel: Channel::Link, article: ARTICLE, command: None, told: None };
    assert!(state.0.suppression.record_opt_out(&state.0.regions, us, former[0], &opt_out).await.unwrap());
    let list = LIST.replace("b@b.us", "νικος@b.us");
    let list = futures::stream::iter([Ok(Bytes::from(list))]);
    state.import("c", "", Sender { country: "US", address: "" }, list).await.unwrap();
    assert_eq!(lines(&state).await, [2, 4]);
    for spelling in ["νικος@b.us", "ΝΙΚΟΣ@b.us"] {
        assert_eq!(state.find(spelling).await.unwrap().objections.len(), 1, "{spelling}");
    }
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_objected_to_as_it_was_spelled_holds_where_another_form_is_kept() {
    for spelled in ["erin@bücher.example", "Käthe@xn--bcher-kva.example", "Käthe@BU\u{308}CHER.example"] {
        let folder = tempfile::tempdir().unwrap();
        let state = open(folder.path()).await;
        let address = maily_law::EmailAddress::parse(spelled).unwrap();
        let former = state.0.hashes(&address).1;
        let us = &state.0.regions[&Region::Us];
        let opt_out = OptOut { channel: Channel::Link, article: ARTICLE, command: None, told: None };
        let record =
            async |name| state.0.suppression.record_opt_out(&state.0.regions, us, name, &opt_out).await;
        let list = |email| LIST.replace("b@b.us", email);
        let import = async |campaign: &str| {
            let list = futures::stream::iter([Ok(Bytes::from(list(spelled)))]);
            state.import(campaign, "", Sender { country: "US", address: "" }, list).await.unwrap();
        };
        import("d").await;
        assert!(record(former[0]).await.unwrap());
        import("c").await;
        assert_eq!(lines(&state).await, [2, 4], "{spelled}");
        // By an old link, behind the import.
        let d = state.recipients(&pb::Page { campaign_id: "d".into(), ..page() }).await.unwrap();
        assert_eq!(d.iter().map(|recipient| recipient.line).collect::<Vec<_>>(), [2, 4], "{spelled}");
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_objects_by_a_link_of_before_is_left_out_of_rows_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path()).await;
    // Both that came before: as it was spelled, and in lower case.
    let list = LIST.replace("b@b.us", "Straße@b.us");
    let list = futures::stream::iter([Ok(Bytes::from(list))]);
    state.import("c", "", Sender { country: "US", address: "" }, list).await.unwrap();
    assert_eq!(lines(&state).await, [2, 3, 4]);
    let address = maily_law::EmailAddress::parse("Straße@b.us").unwrap();
    let formers = state.0.hashes(&address).1;
    assert_eq!(formers.len(), 2);
    let token = Token { region: Region::Us, address: formers[1] }.issue(&state.0.secrets.tokens);
    state.opt_out(&token).await.unwrap();
    assert_eq!(lines(&state).await, [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_key_any_more_has_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    let us = &state.0.regions[&Region::Us];
    let address = maily_law::EmailAddress::parse("b@b.us").unwrap();
    let person = us.person(&address, &state.0.hashes(&address).0);
    us.keys.destroy(&[person]).await.unwrap();
    assert_eq!(lines(&state).await, [2, 4]);
    let left_out = HandOff { handed_off: 2, suppressed: 1, expired: 0 };
    assert_eq!(state.hand_off(page(), "s".into()).await.unwrap(), left_out);
    assert_eq!(released(&state).await, [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_failed_behind_its_commit_is_put_on_record_before_anything_is_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    let address = maily_law::EmailAddress::parse("b@b.us").unwrap();
    let address = state.0.hashes(&address).0;
    let objection = ListObjector { address, line: 2, objection: maily_law::Objection::Suppressed };
    let import = [5; 16];
    state.0.regions[&Region::Us].put_pending("d", &import, &[objection]).await.unwrap();
    let first = state.0.campaigns.find("c").await.unwrap().unwrap();
    let (cohorts, regions) = (Vec::new(), Vec::new());
    let campaign =
        Campaign { id: "d".into(), import: import.to_vec(), cohorts, regions, ..Campaign::clone(&first) };
    state.0.campaigns.commit(&import, &campaign).await.unwrap();
    assert!(!state.find("b@b.us").await.unwrap().suppressed, "as far as it came");
    assert!(state.0.finished("d").await.unwrap().is_some());
    assert!(state.find("b@b.us").await.unwrap().suppressed);
    assert!(state.0.campaigns.unrecorded().await.unwrap().is_empty());
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_stay_while_it_can_not_be_counted_who_was_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    assert_eq!(state.hand_off(page(), "s".into()).await.unwrap().handed_off, 3);
    let order = crate::Order { caller: "olga".into(), reason: "asked".into() };
    state.suppress("b@b.us", order).await.unwrap();
    let campaign = state.0.campaigns.find("c").await.unwrap().unwrap();
    // As where storage is away for a moment.
    state.0.regions[&Region::Us].db.close().await.unwrap();
    assert!(state.0.remove(&campaign, crate::subjects::Which::All, "why").await.is_err());
    assert_eq!(state.0.campaigns.find("c").await.unwrap().unwrap().removed, "");
    state.close().await;
    let state = open(folder.path()).await;
    let campaign = state.0.campaigns.find("c").await.unwrap().unwrap();
    assert_eq!(state.0.remove(&campaign, crate::subjects::Which::All, "why").await.unwrap(), 3);
    assert_eq!(state.left_out("c").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_the_epoch_wraps_every_person_anew_and_ends_old_copies() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    let us = &state.0.regions[&Region::Us];
    assert_eq!(us.turn_if_due(24).await.unwrap(), None, "the epoch begins");
    assert_eq!(us.turn_if_due(24).await.unwrap(), None, "it is young");
    assert_eq!(us.turn_if_due(0).await.unwrap(), Some(3));
    state.close().await;
    let state = open(folder.path()).await;
    assert_eq!(lines(&state).await, [2, 3, 4]);
    assert_eq!(state.0.regions[&Region::Us].turn_if_due(24).await.unwrap(), None, "the turn is on record");
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_table_that_another_process_takes_over_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let state = imported(folder.path()).await;
    let roots = std::sync::Arc::new(LocalKeyring::open(folder.path().join("keyring.json")).unwrap());
    let store = maily_store::folder(&folder.path().join("data/state")).unwrap();
    let scope = Scope::new("default", "us", "persons").unwrap();
    let other = KeyTable::open(store, "us/persons", roots, scope).await.unwrap();
    let lost = tokio::time::timeout(std::time::Duration::from_secs(30), state.lost()).await.unwrap();
    assert_eq!(lost.to_string(), "another process has taken the databases over");
    other.close().await.unwrap();
}
