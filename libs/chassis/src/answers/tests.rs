//! Answers that are read slowly, not at all, or that have nothing to read yet.

use std::convert::Infallible;

use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::{
    body::Holding,
    places::{Bounds, Places},
    under_way::UnderWay,
};

/// An answer on the only connection of a listener, and whether it is still held.
struct Under {
    answer: Answer,
    held: Weak<()>,
    places: Places,
    count: watch::Receiver<UnderWay>,
}

impl Under {
    fn way(body: Body) -> Self {
        let places = Places::new(Bounds { all: 1, each: 1, at_work_too: false });
        let place = Arc::new(places.take(None).unwrap());
        let (sender, count) = watch::channel(UnderWay::default());
        let kept = Arc::new(());
        let held = Arc::downgrade(&kept);
        let body = Body::new(Holding::new(body, (kept, Arc::clone(&place))));
        Self { answer: Answer::new(body, Open::new(&sender, place)), held, places, count }
    }

    /// The bytes of the next piece.
    async fn read(&mut self) -> usize {
        self.answer.frame().await.unwrap().unwrap().into_data().unwrap().len()
    }

    fn gives_way(&self) -> bool {
        self.places.take(None).is_some()
    }

    fn is_held(&self) -> bool {
        self.held.upgrade().is_some()
    }

    fn open(&self) -> usize {
        self.count.borrow().open
    }
}

fn endless() -> Body {
    Body::from_stream(futures::stream::repeat_with(|| Ok::<_, Infallible>(vec![0_u8; 1 << 20])))
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_is_given_up() {
    for pieces in [0, 1] {
        let mut under = Under::way(endless());
        for _ in 0..pieces {
            assert_eq!(under.read().await, LEAST);
        }
        seconds(58).await;
        assert!(under.is_held() && under.open() == 1, "not yet");
        seconds(4).await;
        assert!(!under.is_held() && under.open() == 0, "nothing is kept of it");
        assert!(under.answer.frame().await.unwrap().is_err(), "and it is torn, not ended");
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_and_steadily_is_waited_for() {
    let mut under = Under::way(endless());
    for _ in 0..50 {
        assert_eq!(under.read().await, LEAST);
        seconds(50).await;
    }
    assert!(under.is_held());
    // The next piece is smaller than that: each wait counts with the one before.
    let mut trickle =
        Under::way(Body::from_stream(futures::stream::repeat_with(|| Ok::<_, Infallible>("a"))));
    for _ in 0..2 {
        assert_eq!(trickle.read().await, 1);
        seconds(25).await;
    }
    assert_eq!(trickle.read().await, 1);
    seconds(14).await;
    assert!(!trickle.is_held());
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_handler_is_not_the_clients() {
    let (sender, mut receiver) = mpsc::channel::<&str>(1);
    let pieces =
        futures::stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|it| it.map(Ok::<_, Infallible>)));
    let mut under = Under::way(Body::from_stream(pieces));
    for _ in 0..3 {
        let places = under.places.clone();
        let late = async {
            seconds(3_600).await;
            assert!(places.take(None).is_none(), "at work");
            sender.send("token").await.unwrap();
        };
        let (read, ()) = tokio::join!(under.answer.frame(), late);
        assert_eq!(read.unwrap().unwrap().into_data().unwrap(), "token");
    }
    assert!(under.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_answers_wait_for_their_reader_gives_way() {
    let mut under = Under::way(endless());
    under.read().await;
    assert!(!under.gives_way(), "at work");
    seconds(3).await;
    assert!(under.is_held() && under.gives_way());

    let mut reads = Under::way(endless());
    reads.read().await;
    seconds(3).await;
    reads.read().await;
    assert!(!reads.gives_way(), "it goes on");
}

#[tokio::test]
async fn what_is_cut_is_whole() {
    let bytes: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut under = Under::way(Body::from(bytes.clone()));
    assert_eq!(under.answer.size_hint().exact(), Some(40_000));
    let first = under.answer.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!((first.len(), under.answer.size_hint().exact()), (LEAST, Some(40_000 - 16_384)));
    assert!(!under.answer.is_end_stream());
    let rest = under.answer.collect().await.unwrap().to_bytes();
    assert_eq!([first, rest].concat(), bytes);
}
