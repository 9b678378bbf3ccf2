//! Who gets a place next, and whose gives way.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::advance;

use super::*;

fn pool(all: usize, each: usize, waiting: usize) -> Pool<&'static str> {
    Pool::new(PoolBounds { all, each, waiting })
}

fn nobody_is_kept_in_mind(pool: &Pool<&'static str>) -> bool {
    pool.table().is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_caller_has_a_share_and_another_finds_room() {
    let pool = pool(4, 2, 0);
    let ann: Vec<_> = (0..2).map(|_| pool.try_take("ann", Hold::Arriving).unwrap()).collect();
    assert_eq!(pool.try_take("ann", Hold::Long).unwrap_err(), PoolFull::Share);
    let bob: Vec<_> = (0..2).map(|_| pool.try_take("bob", Hold::Long).unwrap()).collect();
    assert!(!ann.iter().any(PoolPlace::is_recalled));
    // What ends soon is nobody's share, but takes a place.
    assert_eq!(pool.try_take("bob", Hold::Short).unwrap_err(), PoolFull::All);
    drop(bob);
    assert!(pool.try_take("ann", Hold::Short).is_ok());
    drop(ann);
    assert!(nobody_is_kept_in_mind(&pool));
}

#[tokio::test(start_paused = true)]
async fn the_greediest_loses_the_place_on_which_least_comes() {
    let pool = pool(6, 3, 0);
    let ann: Vec<_> = (0..3).map(|_| pool.try_take("ann", Hold::Arriving).unwrap()).collect();
    let bob: Vec<_> = (0..3).map(|_| pool.try_take("bob", Hold::Arriving).unwrap()).collect();
    // The first of Ann's was the fastest, and has stopped.
    ann[0].moved(1 << 30);
    for _ in 0..30 {
        advance(Duration::from_secs(1)).await;
        ann[1].moved(2_000);
        ann[2].moved(4_000);
        bob.iter().for_each(|place| place.moved(9_000));
    }
    let cid = pool.try_take("cid", Hold::Arriving).unwrap();
    assert!(ann[0].is_recalled() && !ann[0].settle());
    ann[0].recalled().await;
    // Now Bob is the greediest.
    let dan = pool.try_take("dan", Hold::Arriving).unwrap();
    assert_eq!(bob.iter().filter(|place| place.is_recalled()).count(), 1);
    // Each of the others holds at most one more.
    assert_eq!(pool.try_take("dan", Hold::Arriving).unwrap_err(), PoolFull::All);
    assert!(!ann[1].is_recalled() && !ann[2].is_recalled() && !cid.is_recalled() && !dan.is_recalled());
    let eve = pool.try_take("eve", Hold::Arriving).unwrap();
    assert!(!eve.is_recalled());
    // A place that was taken away is no longer given back.
    drop((ann, bob, cid, dan, eve));
    assert!(nobody_is_kept_in_mind(&pool));
}

#[tokio::test(start_paused = true)]
async fn what_has_come_is_not_taken_away() {
    let pool = pool(3, 3, 0);
    let ann: Vec<_> = (0..3).map(|_| pool.try_take("ann", Hold::Arriving).unwrap()).collect();
    assert!(ann[0].settle() && ann[1].settle());
    ann[2].moved(1 << 20);
    let bob = pool.try_take("bob", Hold::Arriving).unwrap();
    assert!(ann[2].is_recalled(), "the only one that is not whole, however fast");
    assert_eq!(pool.try_take("cid", Hold::Arriving).unwrap_err(), PoolFull::All);
    assert_eq!(pool.recall(&"ann"), None);
    assert_eq!(pool.recall(&"bob"), Some(bob.id()));
    assert!(pool.try_take("cid", Hold::Arriving).is_ok());
}

#[tokio::test(start_paused = true)]
async fn callers_take_turns() {
    let pool = pool(1, 1, 64);
    let first = pool.try_take("ann", Hold::Long).unwrap();
    let mut waiting: Vec<_> = ["ann", "ann", "ann", "bob", "cid", "bob"]
        .into_iter()
        .map(|caller| (caller, Box::pin(pool.take(caller, Hold::Long))))
        .collect();
    assert!(waiting.iter_mut().all(|(_, turn)| turn.now_or_never_again().is_none()));
    let mut order = Vec::new();
    let mut held = first;
    while !waiting.is_empty() {
        drop(held);
        let found = waiting.iter_mut().enumerate().find_map(|(at, (caller, turn))| {
            turn.now_or_never_again().map(|place| (at, *caller, place.unwrap()))
        });
        let (at, caller, place) = found.expect("somebody has the turn");
        order.push(caller);
        held = place;
        drop(waiting.remove(at));
    }
    assert_eq!(order, ["bob", "cid", "ann", "bob", "ann", "ann"]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_behind_those_who_wait() {
    let pool = pool(1, 1, 64);
    let wait = |caller: &'static str| (caller, Box::pin(pool.take(caller, Hold::Long)));
    let mut held = ("ann", pool.try_take("ann", Hold::Long).unwrap());
    let mut waiting = Vec::from(["bob", "cid", "bob", "cid", "bob", "cid"].map(wait));
    assert!(waiting.iter_mut().all(|(_, turn)| turn.now_or_never_again().is_none()));
    let mut order = Vec::new();
    for _ in 0..6 {
        let (holder, place) = held;
        drop(place);
        // Ann gives up what she has, and comes again at once.
        if holder == "ann" {
            let mut again = wait("ann");
            assert!(again.1.now_or_never_again().is_none());
            waiting.push(again);
        }
        let found = waiting.iter_mut().enumerate().find_map(|(at, (caller, turn))| {
            turn.now_or_never_again().map(|place| (at, *caller, place.unwrap()))
        });
        let (at, caller, place) = found.expect("somebody has the turn");
        order.push(caller);
        held = (caller, place);
        drop(waiting.remove(at));
    }
    assert_eq!(order, ["bob", "cid", "ann", "bob", "cid", "ann"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_loses_the_newest_of_whoever_has_most_in_it() {
    let pool = pool(1, 1, 3);
    let held = pool.try_take("ann", Hold::Long).unwrap();
    let mut anns: Vec<_> = (0..3).map(|_| Box::pin(pool.take("ann", Hold::Long))).collect();
    assert!(anns.iter_mut().all(|turn| turn.now_or_never_again().is_none()));
    assert_eq!(pool.take("ann", Hold::Long).await.unwrap_err(), PoolFull::All, "her own");
    let mut bob = Box::pin(pool.take("bob", Hold::Long));
    assert!(bob.now_or_never_again().is_none());
    let newest = anns[2].now_or_never_again();
    assert_eq!(newest.map(Result::unwrap_err), Some(PoolFull::All));
    drop(anns.pop());
    let mut cid = Box::pin(pool.take("cid", Hold::Long));
    assert!(cid.now_or_never_again().is_none());
    assert!(anns[1].now_or_never_again().is_some(), "and another");
    drop(anns.pop());
    // Each has one in it.
    assert_eq!(pool.take("dan", Hold::Long).await.unwrap_err(), PoolFull::All);
    drop(held);
    drop(bob.now_or_never_again().expect("the turn").unwrap());
    // Whoever stops waiting loses the turn, also one that was given.
    drop(cid);
    assert!(anns[0].now_or_never_again().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_nobody_takes_goes_to_the_next() {
    let pool = pool(1, 1, 8);
    let held = pool.try_take("ann", Hold::Long).unwrap();
    let mut gone = Box::pin(pool.take("bob", Hold::Long));
    let mut next = Box::pin(pool.take("cid", Hold::Long));
    assert!(gone.now_or_never_again().is_none() && next.now_or_never_again().is_none());
    drop(held);
    // Bob has it, and does not look.
    drop(gone);
    drop(next.now_or_never_again().expect("the turn").unwrap());
    assert!(nobody_is_kept_in_mind(&pool));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_takes_from_the_greediest_too() {
    let pool = pool(2, 2, 8);
    let ann: Vec<_> = (0..2).map(|_| pool.try_take("ann", Hold::Arriving).unwrap()).collect();
    let place = pool.take("bob", Hold::Short).await.unwrap();
    assert_eq!(ann.iter().filter(|place| place.is_recalled()).count(), 1);
    drop(place);
}

#[tokio::test(start_paused = true)]
async fn what_is_quick_gives_way_now_and_then_only() {
    let pool = pool(4, 4, 0);
    let mut ann: Vec<_> = (0..4).map(|_| pool.try_take("ann", Hold::Arriving).unwrap()).collect();
    for second in 0..=30 {
        ann.iter().for_each(|place| place.moved(50 << 20));
        // Bob comes once a second, and gives up what he got at once.
        let bob = pool.try_take("bob", Hold::Arriving);
        assert_eq!(bob.is_ok(), second % 30 == 0, "{second}");
        if bob.is_ok() {
            drop(bob);
            ann.push(pool.try_take("ann", Hold::Arriving).unwrap());
        }
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(ann.iter().filter(|place| place.is_recalled()).count(), 2);
}

/// How many seconds somebody waits who comes when one of Ann's quick uploads has just given way to another's, and hers go on for so
/// many seconds.
async fn waits_for(seconds: u64) -> u64 {
    let pool = pool(4, 4, 8);
    let ann: Vec<_> = (0..4).map(|_| pool.try_take("ann", Hold::Arriving).unwrap()).collect();
    ann.iter().for_each(|place| place.moved(50 << 20));
    let _bob = pool.take("bob", Hold::Arriving).await.unwrap();
    let begun = tokio::time::Instant::now();
    let goes_on = async {
        for _ in 0..seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            ann.iter().for_each(|place| place.moved(50 << 20));
        }
    };
    let waits = async {
        // As long as an upload waits (`docs/edge.md`).
        let turn = tokio::time::timeout(Duration::from_secs(50), pool.take("cid", Hold::Arriving)).await;
        let _place = turn.expect("a place in time").unwrap();
        begun.elapsed().as_secs()
    };
    let (waited, ()) = tokio::join!(waits, goes_on);
    assert_eq!(ann.iter().filter(|place| place.is_recalled()).count(), 2);
    waited
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_within_the_pause_has_a_place_when_it_is_over() {
    assert_eq!(waits_for(60).await, 30);
    // Who stops is slow, and waits for no pause.
    assert_eq!(waits_for(0).await, 20);
}

/// Looks whether a turn has come, and goes on waiting where it has not.
trait Look: Future + Unpin {
    fn now_or_never_again(&mut self) -> Option<Self::Output> {
        self.now_or_never()
    }
}

impl<F: Future + Unpin> Look for F {}
