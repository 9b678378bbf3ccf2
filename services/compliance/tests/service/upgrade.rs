//! A data folder that revision 1 wrote (d6ac56a, `tests/kept/revision-1.tar.gz`) opens, and nothing in it is forgotten.
//!
//! Its campaigns `done` (handed off in `us`) and `under-way` have the same people: `Carol@Example.com`, who opted out before
//! the hand-off, `dave@`, `erin@bücher.example`, `Frank@`, `Heidi@example.com`, who opted out behind it and was then erased,
//! in the United States; `Ivan@` in Germany. `links` has each one's unsubscribe token.
//!
//! The folder of revision 2 (3628610, `tests/kept/revision-2.tar.gz`) has campaigns of the same names with `Carol@Example.com`
//! (twice), who opted out before the hand-off, `dave@`, `Frank@bücher.example` and `heidi@`, who objects in the second list,
//! in the United States; `Ivan@` in Germany.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use maily_compliance::officer_types::{MessageState, ObjectionChannel};
use maily_compliance::{HandOff, State};
use tempfile::TempDir;

use crate::common::{HEADER, Service, days_later, import, open, page};

struct Kept {
    service: Service,
    links: BTreeMap<String, String>,
}

async fn kept() -> Kept {
    kept_of("revision-1").await
}

async fn kept_of(revision: &str) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/kept/{revision}.tar.gz"));
    let unpacked =
        Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success());
    let links = std::fs::read_to_string(folder.path().join("links")).unwrap();
    let link =
        |line: &str| line.split_once(' ').map(|(email, link)| (email.to_owned(), link.to_owned())).unwrap();
    Kept { links: links.lines().map(link).collect(), service: service(folder).await }
}

async fn service(folder: TempDir) -> Service {
    let state = open(folder.path(), 1_000).await;
    Service { folder, state }
}

/// Who is written to of these, by a new list in which all of them consent again.
async fn written(state: &State, campaign: &str, emails: &[&str]) -> Vec<String> {
    let row = |(at, email): (usize, &&str)| {
        format!("{at},{email},X,US,en-US,vip,1980,express,2026-03-01T00:00:00Z,form,false\n")
    };
    let list: String = std::iter::once(HEADER.to_owned()).chain(emails.iter().enumerate().map(row)).collect();
    import(state, campaign, list).await.unwrap();
    match state.recipients(&page(campaign, "en-US/vip", "us", 0)).await {
        Ok(recipients) => recipients.into_iter().map(|recipient| recipient.email).collect(),
        Err(_) => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opt_outs_of_before_hold_for_every_spelling() {
    let Kept { service, .. } = kept().await;
    let spellings = ["carol@example.com", "CAROL@EXAMPLE.COM", "dave@example.com"];
    assert_eq!(written(&service.state, "later", &spellings).await, ["dave@example.com"]);
    // Heidi's evidence can't be opened any more: what she opted out with is asked for as it was spelled.
    assert_eq!(written(&service.state, "latest", &["Heidi@example.com"]).await, [""; 0]);
    service.state.verify().await.unwrap();
    let service = service.restart(1_000).await;
    assert_eq!(
        written(&service.state, "after all", &["carol@example.com", "Heidi@Example.com"]).await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_before_opt_the_person_out() {
    let Kept { service, links } = kept().await;
    for email in ["Frank@example.com", "erin@bücher.example"] {
        service.state.opt_out(&links[email]).await.unwrap();
        service.state.opt_out(&links[email]).await.unwrap();
    }
    let spellings =
        ["frank@example.com", "erin@xn--bcher-kva.example", "Erin@BÜCHER.example", "dave@example.com"];
    assert_eq!(written(&service.state, "later", &spellings).await, ["dave@example.com"]);
    service.state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn campaigns_under_way_go_on_without_who_has_left() {
    let Kept { service, links } = kept().await;
    let state = &service.state;
    let under_way = page("under-way", "en-US/vip", "us", 0);
    let emails = async |at: &_| -> Vec<String> {
        state.recipients(at).await.unwrap().into_iter().map(|recipient| recipient.email).collect()
    };
    let old = ["dave@example.com", "erin@bücher.example", "Frank@example.com"];
    assert_eq!(emails(&under_way).await, old);
    // Frank leaves by a link of a later campaign, which names him by what he is called now.
    assert_eq!(written(state, "later", &["FRANK@example.com"]).await, ["FRANK@example.com"]);
    let later = state.recipients(&page("later", "en-US/vip", "us", 0)).await.unwrap();
    state.opt_out(&later[0].unsubscribe_token).await.unwrap();
    assert_eq!(emails(&under_way).await, old[..2]);
    let answer = state.hand_off(under_way.clone(), "segment".into()).await.unwrap();
    assert_eq!(answer, HandOff { handed_off: 2, suppressed: 3, expired: 0 });
    // What was handed off before is found again, and who has left since is left out of it.
    let done = page("done", "en-US/vip", "us", 0);
    let answer = state.hand_off(done.clone(), "segment".into()).await.unwrap();
    assert_eq!(answer, HandOff { handed_off: 4, suppressed: 1, expired: 0 });
    let released = state.release(&done).await.unwrap();
    let lines: Vec<_> = released.records.iter().map(|record| record.line).collect();
    assert_eq!((lines, released.left_out), (vec![3, 4], 2), "without Heidi and Frank");
    state.opt_out(&links["dave@example.com"]).await.unwrap();
    assert_eq!((state.release(&done).await.unwrap().left_out, state.left_out("done").await.unwrap()), (3, 3));
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upgrade_is_made_once() {
    let Kept { service, .. } = kept().await;
    let links = service.state.verify().await.unwrap();
    let service = service.restart(1_000).await;
    assert_eq!(service.state.verify().await.unwrap(), links, "the second start adds nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_of_revision_1_are_as_old_as_they_are() {
    let Kept { service, .. } = kept().await;
    let imports = service.state.imports().await.unwrap().imports;
    let dated = |import: &maily_compliance::officer_types::Import| import.imported_at.starts_with("2026-11-");
    assert!(imports.len() == 2 && imports.iter().all(dated), "{imports:?}");
    // Three years from the day that they had been planned for, their evidence is younger than that.
    let service = service.restart_with(1_000, days_later(3 * 365)).await;
    service.state.retire().await.unwrap();
    assert_eq!(service.state.find("dave@example.com").await.unwrap().rows.len(), 2);
    service.state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_revision_2_are_found_and_nothing_of_theirs_is_forgotten() {
    let Kept { service, links } = kept_of("revision-2").await;
    let state = &service.state;
    let before = state.verify().await.unwrap();
    let carol = state.find("carol@example.com").await.unwrap();
    let rows: Vec<_> =
        carol.rows.iter().map(|row| (row.campaign.as_str(), row.line, row.message.state)).collect();
    assert_eq!(
        rows,
        [
            ("done", 2, MessageState::LeftOut),
            ("done", 7, MessageState::Excluded),
            ("under-way", 2, MessageState::Waiting),
            ("under-way", 7, MessageState::Excluded),
        ]
    );
    assert!(
        carol.rows.iter().all(|row| row.fields.is_some())
            && carol.objections[0].channel == ObjectionChannel::Link
    );
    let heidi = state.find("Heidi@example.com").await.unwrap();
    assert_eq!((heidi.objections[0].channel, heidi.objections[0].line), (ObjectionChannel::List, Some(5)));
    let ivan = state.find("ivan@example.com").await.unwrap();
    assert_eq!((ivan.rows.len(), ivan.rows[0].region.as_str()), (2, "eu"));
    state.opt_out(&links["Frank@xn--bcher-kva.example"]).await.unwrap();
    let spellings = ["carol@example.com", "heidi@example.com", "frank@BÜCHER.example", "dave@example.com"];
    assert_eq!(written(state, "later", &spellings).await, ["dave@example.com"]);
    let answer = state.hand_off(page("under-way", "en-US/vip", "us", 0), "segment".into()).await.unwrap();
    assert_eq!((answer.handed_off, answer.suppressed), (1, 2));
    let order = maily_compliance::Order { caller: "olga".into(), reason: "asked".into() };
    assert_eq!(state.erase("IVAN@example.com", order).await.unwrap().rows, 2);
    // The same list again is the same import, though it names no address of a sender.
    let service = service.restart(1_000).await;
    assert!(service.state.verify().await.unwrap().links["us"] > before.links["us"]);
}
