//! What revisions 1 to 3 left is brought here, whenever the upgrade is killed: their rows are made in the tests, or were kept.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use jiff::SignedDuration;
use maily_keys::LocalKeyring;
use maily_proto::compliance as pb;

use super::*;
use crate::{Config, Sender, State};

const LIST: &str = "\
id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed
1,a@b.us,Ada,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
";

fn keyring(folder: &Path) -> (Config, Arc<LocalKeyring>) {
    let config = Config { keyring: folder.join("keyring.json"), ..Config::default() };
    let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
    (config, roots)
}

async fn open(folder: &Path) -> State {
    open_by(folder, Arc::new(Timestamp::now)).await.unwrap()
}

async fn open_by(folder: &Path, clock: Clock) -> Result<State, Error> {
    let (config, roots) = keyring(folder);
    State::open_with(&config, &folder.join("data"), roots, clock).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_revision_1_was_made_when_the_ledger_says() {
    for (as_of, list) in [
        ("2033-01-01T00:00:00Z", LIST),
        ("2020-01-01T00:00:00Z", LIST),
        ("2033-01-01T00:00:00Z", LIST.split_inclusive('\n').next().unwrap()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let state = open(folder.path()).await;
        let began = Timestamp::now();
        let sender = Sender { country: "US", address: "news@brand.example" };
        let list = futures::stream::iter([Ok(Bytes::from(list))]);
        state.import("c", "", sender, list).await.unwrap();
        let as_revision_1 = |campaign: &mut Campaign| {
            campaign.as_of = as_of.to_owned();
            (campaign.revision, campaign.imported_at, campaign.planned) = (0, String::new(), String::new());
        };
        state.0.campaigns.change("c", as_revision_1).await.unwrap();
        state.close().await;
        let state = open(folder.path()).await;
        let campaign = state.0.campaigns.find("c").await.unwrap().unwrap();
        let now = Timestamp::now();
        let imported = campaign.when().unwrap().import();
        assert!((began..=now).contains(&imported), "{as_of}: {imported}");
        let behind = state.0.imports.behind(now);
        assert!(behind <= now.as_millisecond() + 1, "{as_of}: what is lifted now counts now");
        assert_eq!(state.retire().await.unwrap(), 0, "{as_of}: it is young");
        state.close().await;
    }
}

fn page(campaign: &str) -> pb::Page {
    pb::Page { campaign_id: campaign.into(), cohort: "en-US/vip".into(), region: "us".into(), page: 0 }
}

async fn lines(state: &State, campaign: &str) -> Vec<u64> {
    match state.recipients(&page(campaign)).await {
        Ok(recipients) => recipients.iter().map(|recipient| recipient.line).collect(),
        Err(Error::NotFound(_)) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

/// A list of people who agreed at a moment.
async fn import(state: &State, campaign: &str, agreed: &str, emails: &[&str]) -> Result<u64, Error> {
    let row = |email: &&str| format!("1,{email},Ada,US,en-US,vip,1980,express,{agreed},form,false\n");
    let header = LIST.split_inclusive('\n').next().unwrap().to_owned();
    let list = std::iter::once(header).chain(emails.iter().map(row)).collect::<String>();
    let sender = Sender { country: "US", address: "Grüße-Weiß@brand.example" };
    state.import(campaign, "", sender, futures::stream::iter([Ok(Bytes::from(list))])).await
}

/// Lifts what a person objected to, for the sender of [`import`].
async fn lift(state: &State, email: &str) {
    let lifted = state.lift(&[email.to_owned()], "Grüße-Weiß@brand.example", None, order()).await.unwrap();
    assert_eq!(lifted.lifted, 1);
}

fn order() -> crate::Order {
    crate::Order { caller: "olga".into(), reason: "asked".into() }
}

const BEFORE: &str = "2025-01-01T00:00:00Z";
const OLD: [&str; 5] = ["straße@b.us", "νικος@b.us", "a@b.us", "käthe@b.us", "groß@b.us"];

/// A folder of revision 3, in whose campaigns `c` and `d` everybody of [`OLD`] is but for Nikos, who had objected; what
/// `weiß@` objected to is lifted for the sender.
async fn revision_3(folder: &Path) -> State {
    left_by_revision_3(folder).await.close().await;
    open(folder).await
}

/// The same, before it is opened by this revision.
async fn left_by_revision_3(folder: &Path) -> State {
    let state = begun(folder).await;
    for objector in ["νικος@b.us", "weiß@b.us"] {
        assert!(state.suppress(objector, order()).await.unwrap());
    }
    lift(&state, "weiß@b.us").await;
    for campaign in ["c", "d"] {
        import(&state, campaign, BEFORE, &OLD).await.unwrap();
    }
    // Weiß's hash is mapped by this.
    import(&state, "w", &Timestamp::now().to_string(), &["weiß@b.us"]).await.unwrap();
    assert_eq!(lines(&state, "w").await, [2]);
    left(&state, &["c", "d", "w"]).await;
    state
}

/// A folder that is of revision 3 when it is upgraded.
async fn begun(folder: &Path) -> State {
    let state = open(folder).await;
    state.0.secrets.as_revision_3.store(true, Ordering::SeqCst);
    state
}

/// Makes it one that revision 3 left.
async fn left(state: &State, campaigns: &[&str]) {
    for campaign in campaigns {
        state.0.campaigns.change(campaign, |campaign| campaign.revision = 3).await.unwrap();
    }
    set_revision(state, 3).await;
}

async fn upgraded(folder: &Path, state: State, campaigns: &[&str]) -> State {
    left(&state, campaigns).await;
    state.close().await;
    open(folder).await
}

async fn set_revision(state: &State, revision: u32) {
    let mut batch = WriteBatch::new();
    batch.put(schema::REVISION_KEY, revision.to_be_bytes());
    write_durable(&state.0.campaigns.db, batch).await.unwrap();
}

/// What an earlier revision left (tests/service/upgrade.rs says whose campaigns), opened by this one.
async fn kept(folder: &Path, revision: u32) -> State {
    let archive = format!("tests/kept/revision-{revision}.tar.gz");
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join(archive);
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder).status().unwrap();
    assert!(unpacked.success());
    open(folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_objects_now_is_left_out_of_a_list_of_revision_3() {
    let folder = tempfile::tempdir().unwrap();
    let state = revision_3(folder.path()).await;
    state.verify().await.unwrap();
    assert_eq!(lines(&state, "c").await, [2, 4, 5, 6]);
    assert_eq!(state.find("STRASSE@b.us").await.unwrap().rows.len(), 2);
    assert!(state.find("ΝΙΚΟΣ@b.us").await.unwrap().suppressed);
    // By a command, by a link of now, and by a list.
    state.suppress("straße@b.us", order()).await.unwrap();
    assert_eq!(lines(&state, "c").await, [4, 5, 6]);
    import(&state, "now", BEFORE, &["Groß@b.us", "b@b.us"]).await.unwrap();
    let now = state.recipients(&page("now")).await.unwrap();
    assert_eq!(state.hand_off(page("d"), "s".into()).await.unwrap().handed_off, 3);
    state.opt_out(&now[0].unsubscribe_token).await.unwrap();
    assert_eq!(lines(&state, "c").await, [4, 5]);
    assert_eq!(
        (state.release(&page("d")).await.unwrap().left_out, state.left_out("d").await.unwrap()),
        (1, 1)
    );
    let withdrawn = LIST.replace("express", "withdrawn").replace("a@b.us", "KÄTHE@b.us");
    let list = futures::stream::iter([Ok(Bytes::from(withdrawn))]);
    state.import("they", "", Sender { country: "US", address: "" }, list).await.unwrap();
    assert_eq!(lines(&state, "c").await, [4]);
    state.verify().await.unwrap();
    state.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_in_revision_3_holds_now() {
    let folder = tempfile::tempdir().unwrap();
    let state = revision_3(folder.path()).await;
    // A link of then, for every spelling.
    let c = state.recipients(&page("c")).await.unwrap();
    assert_eq!(c[0].email, "straße@b.us");
    state.opt_out(&c[0].unsubscribe_token).await.unwrap();
    let emails = ["STRASSE@b.us", "ΝΙΚΟΣ@b.us", "b@b.us"];
    import(&state, "now", BEFORE, &emails).await.unwrap();
    assert_eq!(lines(&state, "now").await, [4]);
    // What was lifted for the sender, of the person.
    let agreed = Timestamp::now().to_string();
    import(&state, "lifted", &agreed, &["WEISS@b.us"]).await.unwrap();
    assert_eq!(lines(&state, "lifted").await, [2]);
    // The list of then is still the list of then.
    assert_eq!(import(&state, "c", BEFORE, &OLD).await.unwrap(), 5);
    assert!(matches!(import(&state, "c", BEFORE, &OLD[1..]).await, Err(Error::OtherList)));
    // Who was erased and handed off is counted as left out.
    assert_eq!(state.hand_off(page("d"), "s".into()).await.unwrap().handed_off, 3);
    assert_eq!(state.erase("GROSS@b.us", order()).await.unwrap().rows, 2);
    assert_eq!(
        (state.release(&page("d")).await.unwrap().left_out, state.left_out("d").await.unwrap()),
        (1, 1)
    );
    let links = state.verify().await.unwrap();
    state.close().await;
    let state = open(folder.path()).await;
    assert_eq!(state.verify().await.unwrap(), links, "the second start adds nothing");
    state.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lifted_of_a_person_is_lifted_in_the_spelling_of_revision_3() {
    let folder = tempfile::tempdir().unwrap();
    let state = begun(folder.path()).await;
    import(&state, "c", BEFORE, &["straße@b.us"]).await.unwrap();
    assert!(state.suppress("straße@b.us", order()).await.unwrap());
    let state = upgraded(folder.path(), state, &["c"]).await;
    lift(&state, "STRASSE@b.us").await;
    import(&state, "back", &Timestamp::now().to_string(), &["straße@b.us"]).await.unwrap();
    assert_eq!(lines(&state, "back").await, [2]);
    state.verify().await.unwrap();
    state.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_killed_makes_no_wrong_clock_believed() {
    let folder = tempfile::tempdir().unwrap();
    let state = left_by_revision_3(folder.path()).await;
    // An objection that can't be read, of the last hash that is mapped: there the upgrade ends, behind what it carries.
    let mapped = schema::former(&[0xff; 16]);
    let objection = schema::suppression(&[0xff; 16], 1);
    let mut batch = WriteBatch::new();
    batch.put(&mapped, [0xfe; 16]);
    batch.put(&objection, [0_u8]);
    write_durable(&state.0.regions[&Region::Us].db, batch).await.unwrap();
    state.close().await;
    let wrong = Timestamp::now() + SignedDuration::from_hours(10 * 8_760);
    let ended = open_by(folder.path(), Arc::new(move || wrong)).await.err().unwrap();
    assert!(matches!(ended, Error::Damaged("a suppression")), "{ended}");
    let (config, roots) = keyring(folder.path());
    let store = maily_store::folder(&folder.path().join("data/state")).unwrap();
    let us = RegionState::open(store, roots, &config.tenant, Region::Us).await.unwrap();
    let mut batch = WriteBatch::new();
    batch.delete(&mapped);
    batch.delete(&objection);
    write_durable(&us.db, batch).await.unwrap();
    us.db.close().await.unwrap();
    us.keys.close().await.unwrap();

    let state = open_by(folder.path(), Arc::new(move || wrong)).await.unwrap();
    let newest = state.0.regions[&Region::Us].ledger.newest_at().await.unwrap();
    assert_eq!(newest, Some(wrong), "what is carried is dated by the clock that was given");
    let known = state.0.campaigns.clock().await.unwrap();
    assert!(!known.look(wrong, SignedDuration::ZERO).1, "{known:?}");
    state.verify().await.unwrap();
    state.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_lifted_is_not_lifted_by_the_upgrade() {
    // What the person said in capitals is lifted, whether it came before the other or behind it.
    for objectors in [["STRASSE@b.us", "straße@b.us"], ["straße@b.us", "STRASSE@b.us"]] {
        let folder = tempfile::tempdir().unwrap();
        let state = begun(folder.path()).await;
        import(&state, "c", BEFORE, &["straße@b.us"]).await.unwrap();
        for objector in objectors {
            assert!(state.suppress(objector, order()).await.unwrap());
        }
        lift(&state, "STRASSE@b.us").await;
        let state = upgraded(folder.path(), state, &["c"]).await;
        import(&state, "now", &Timestamp::now().to_string(), &["STRASSE@b.us"]).await.unwrap();
        assert!(lines(&state, "now").await.is_empty(), "{objectors:?}");
        lift(&state, "STRASSE@b.us").await;
        import(&state, "back", &Timestamp::now().to_string(), &["STRASSE@b.us"]).await.unwrap();
        assert_eq!(lines(&state, "back").await, [2], "{objectors:?}");
        state.verify().await.unwrap();
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_made_again_changes_nothing() {
    for revision in 1..REVISION {
        let folder = tempfile::tempdir().unwrap();
        let (state, campaigns) = match revision {
            3 => (revision_3(folder.path()).await, &["c", "d", "w"][..]),
            _ => (kept(folder.path(), revision).await, &["done", "under-way"][..]),
        };
        let mut recipients = Vec::new();
        for campaign in campaigns {
            recipients.push(lines(&state, campaign).await);
        }
        let links = state.verify().await.unwrap();
        // As where a kill came before the last step.
        set_revision(&state, revision).await;
        state.close().await;
        let state = open(folder.path()).await;
        assert_eq!(state.0.campaigns.revision().await.unwrap(), Some(REVISION));
        assert_eq!(state.verify().await.unwrap(), links, "revision {revision}");
        for (campaign, before) in campaigns.iter().zip(recipients) {
            assert_eq!(lines(&state, campaign).await, before, "revision {revision}, {campaign}");
        }
        state.close().await;
    }
}

/// Writes what an upgrade writes of an objection.
async fn carry(region: &RegionState, address: AddressHash, reason: Reason) {
    let event = OptedOut {
        address: address.to_vec(),
        article: ARTICLE.to_owned(),
        row: reason.encode(),
        ..OptedOut::default()
    };
    let writer = region.ledger.writer().await.unwrap();
    let row = (schema::suppression(&address, writer.number()), reason.encode());
    let event = Event::OptedOut(event);
    let written = writer.append_with(Timestamp::now(), event, vec![row], Vec::new()).await.unwrap();
    written.await_durable().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_killed_between_two_writes_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let whole = revision_3(folder.path()).await;
    let links = whole.verify().await.unwrap().links;
    whole.close().await;
    // What was lifted of Weiß, and the objection that it lifts: who objects in a list has no evidence to be mapped by.
    for written in 0..=2 {
        let folder = tempfile::tempdir().unwrap();
        let state = left_by_revision_3(folder.path()).await;
        state.0.secrets.as_revision_3.store(false, Ordering::SeqCst);
        let clock: Clock = Arc::new(Timestamp::now);
        let us = &state.0.regions[&Region::Us];
        for campaign in state.0.campaigns.all().await.unwrap() {
            us.map_former(&campaign, &state.0.secrets).await.unwrap();
        }
        let mut left = written;
        for (former, address) in us.formers().await.unwrap() {
            let (mut standing, mut lifts) = (Vec::new(), 0);
            for region in state.0.regions.values() {
                standing.extend(region.standing(&former).await.unwrap());
                lifts += region.lifts_of(&former).await.unwrap().len();
            }
            if lifts > 0 && left > 0 {
                us.carry_lifts(&state.0.regions, &former, &address, &clock).await.unwrap();
                left -= 1;
            }
            for reason in standing {
                if left > 0 {
                    carry(us, address, reason).await;
                    left -= 1;
                }
            }
        }
        assert_eq!(left, 0, "there is so much to write");
        state.close().await;
        let state = open(folder.path()).await;
        assert_eq!(state.verify().await.unwrap().links, links, "behind {written} writes");
        assert_eq!(lines(&state, "c").await, [2, 4, 5, 6]);
        let agreed = Timestamp::now().to_string();
        import(&state, "now", &agreed, &["WEISS@b.us", "ΝΙΚΟΣ@b.us"]).await.unwrap();
        assert_eq!(lines(&state, "now").await, [2], "it is lifted, behind {written} writes");
        state.close().await;
    }
}
