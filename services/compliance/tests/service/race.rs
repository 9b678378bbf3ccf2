//! A thousand opt-outs against imports, hand-offs and exports: whoever was acknowledged before gets no message.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use maily_compliance::opt_out::router;
use maily_compliance::{Error, Released, State};
use maily_proto::compliance as pb;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::common::{Service, import, list, pages};

const PEOPLE: usize = 1_500;
const LEAVING: usize = 1_000;
const PAGE: usize = 15;

/// Who has got the answer that they are unsubscribed, by line.
type Acknowledged = Arc<HashMap<u64, AtomicBool>>;

async fn opt_out(state: State, token: String) {
    let request =
        Request::post(format!("/u/{token}")).body(Body::from("List-Unsubscribe=One-Click")).unwrap();
    assert_eq!(router(state).oneshot(request).await.unwrap().status(), StatusCode::OK);
}

/// Hands a page off while people leave; answers the lines released and how many were left out.
async fn hand_off(
    state: State,
    page: pb::Page,
    lines: Vec<u64>,
    acknowledged: Acknowledged,
) -> (Vec<u64>, u32) {
    let before: Vec<u64> =
        lines.into_iter().filter(|line| acknowledged[line].load(Ordering::SeqCst)).collect();
    let answer = state.hand_off(page.clone(), "segment".into()).await.unwrap();
    let Released { records, left_out } = state.release(&page).await.unwrap();
    let released: Vec<u64> = records.iter().map(|record| record.line).collect();
    // Who left behind the hand-off has been handed off, and leaves all the same.
    assert_eq!(released.len(), (answer.handed_off - left_out) as usize);
    for line in before {
        assert!(!released.contains(&line), "line {line} was acknowledged before the hand-off began");
    }
    assert_eq!(state.hand_off(page, "segment".into()).await.unwrap(), answer);
    (released, answer.suppressed + left_out)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_acknowledged_opt_out_wins() {
    let service = Service::start(PAGE as u32).await;
    import(&service.state, "c", list(PEOPLE)).await.unwrap();
    let mut by_page = Vec::new();
    let mut tokens = HashMap::new();
    for page in pages("c", PEOPLE, PAGE) {
        let recipients = service.state.recipients(&page).await.unwrap();
        by_page.push((page, recipients.iter().map(|recipient| recipient.line).collect::<Vec<_>>()));
        tokens.extend(recipients.into_iter().map(|recipient| (recipient.line, recipient.unsubscribe_token)));
    }
    assert_eq!(tokens.len(), PEOPLE);
    let acknowledged: Acknowledged =
        Arc::new(tokens.keys().map(|line| (*line, AtomicBool::new(false))).collect());
    // A fixed shuffle: 7919 is prime, so the lines come in an order that has nothing to do with the pages.
    let leaving: Vec<u64> = (0..LEAVING).map(|at| (at * 7_919 % PEOPLE) as u64 + 2).collect();
    assert_eq!(leaving.iter().collect::<HashSet<_>>().len(), LEAVING);

    let (mut leaves, mut hand_offs) = (JoinSet::new(), JoinSet::new());
    let wave = LEAVING.div_ceil(by_page.len());
    let mut waves = leaving.chunks(wave);
    for (page, lines) in by_page {
        // One page against as many opt-outs as keep the two in step; the last wave is still under way.
        while leaves.len() > wave {
            leaves.join_next().await.unwrap().unwrap();
        }
        for &line in waves.next().unwrap_or_default() {
            let (state, token) = (service.state.clone(), tokens[&line].clone());
            let acknowledged = Arc::clone(&acknowledged);
            leaves.spawn(async move {
                opt_out(state, token).await;
                acknowledged[&line].store(true, Ordering::SeqCst);
            });
        }
        hand_offs.spawn(hand_off(service.state.clone(), page, lines, Arc::clone(&acknowledged)));
    }
    assert!(waves.next().is_none(), "everybody who wanted to leave asked for it");
    let (mut released, mut suppressed) = (HashSet::new(), 0);
    for (lines, left_out) in hand_offs.join_all().await {
        lines.into_iter().for_each(|line| assert!(released.insert(line), "released twice"));
        suppressed += left_out as usize;
    }
    leaves.join_all().await;

    assert_eq!(released.len() + suppressed, PEOPLE, "everybody is one or the other");
    let stayed = acknowledged.iter().filter(|(_, left)| !left.load(Ordering::SeqCst)).count();
    assert_eq!(stayed, PEOPLE - LEAVING);
    let left_too_late = leaving.iter().filter(|line| released.contains(line)).count();
    assert_eq!(suppressed + left_too_late, LEAVING, "nobody else was left out");
    assert!(suppressed > 0 && left_too_late > 0, "a race: {suppressed} in time, {left_too_late} too late");
    service.state.verify().await.unwrap();
}

/// People leave by their links, a few at a time; who has got the answer is noted.
fn leave(state: &State, tokens: &HashMap<u64, String>, acknowledged: &Acknowledged) -> JoinSet<()> {
    let mut leaves = JoinSet::new();
    let places = Arc::new(Semaphore::new(16));
    for (line, token) in tokens.clone() {
        let (state, places, acknowledged) = (state.clone(), Arc::clone(&places), Arc::clone(acknowledged));
        leaves.spawn(async move {
            let _place = places.acquire().await.unwrap();
            opt_out(state, token).await;
            acknowledged[&line].store(true, Ordering::SeqCst);
        });
    }
    leaves
}

fn gone(acknowledged: &Acknowledged) -> HashSet<u64> {
    acknowledged.iter().filter(|(_, left)| left.load(Ordering::SeqCst)).map(|(line, _)| *line).collect()
}

/// A campaign whose people hold their links: the first [`LEAVING`] lines.
async fn with_links(service: &Service) -> (HashMap<u64, String>, Acknowledged) {
    import(&service.state, "c", list(PEOPLE)).await.unwrap();
    let mut tokens = HashMap::new();
    for page in pages("c", PEOPLE, PAGE) {
        let recipients = service.state.recipients(&page).await.unwrap();
        tokens.extend(recipients.into_iter().map(|recipient| (recipient.line, recipient.unsubscribe_token)));
    }
    tokens.retain(|line, _| *line < LEAVING as u64 + 2);
    assert_eq!(tokens.len(), LEAVING);
    let acknowledged = Arc::new(tokens.keys().map(|line| (*line, AtomicBool::new(false))).collect());
    (tokens, acknowledged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_leaves_while_lists_are_imported_is_not_written_to_by_those_that_begin_later() {
    let service = Service::start(PAGE as u32).await;
    let (tokens, acknowledged) = with_links(&service).await;
    let mut leaves = leave(&service.state, &tokens, &acknowledged);
    let mut campaigns = 0;
    while !leaves.is_empty() || campaigns < 2 {
        let before = gone(&acknowledged);
        let campaign = format!("later {campaigns}");
        import(&service.state, &campaign, list(PEOPLE)).await.unwrap();
        campaigns += 1;
        for page in pages(&campaign, PEOPLE, PAGE) {
            match service.state.recipients(&page).await {
                Ok(written) => {
                    written.iter().for_each(|to| assert!(!before.contains(&to.line), "{}", to.line))
                }
                Err(error) => assert!(matches!(error, Error::NotFound(_)), "{error}"),
            }
        }
        while leaves.try_join_next().is_some() {}
    }
    assert_eq!(gone(&acknowledged).len(), LEAVING);
    println!("{campaigns} lists were imported meanwhile");
    service.state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_leaves_while_messages_are_exported_is_in_none_that_begins_later() {
    let service = Service::start(PAGE as u32).await;
    let (tokens, acknowledged) = with_links(&service).await;
    for page in pages("c", PEOPLE, PAGE) {
        service.state.hand_off(page, "segment".into()).await.unwrap();
    }
    let mut leaves = leave(&service.state, &tokens, &acknowledged);
    let mut exports = 0;
    while !leaves.is_empty() || exports < 2 {
        exports += 1;
        for page in pages("c", PEOPLE, PAGE) {
            let before = gone(&acknowledged);
            let Released { records, .. } = service.state.release(&page).await.unwrap();
            for record in records {
                assert!(!before.contains(&record.line), "line {} was acknowledged before", record.line);
            }
        }
        while leaves.try_join_next().is_some() {}
    }
    let left_out = service.state.left_out("c").await.unwrap();
    assert_eq!((gone(&acknowledged).len(), left_out), (LEAVING, LEAVING as u64));
    println!("{exports} exports were made meanwhile");
}
