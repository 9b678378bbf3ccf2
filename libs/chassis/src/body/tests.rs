//! Bodies that are sent at once, unfinished, too slowly, and by whom.

use axum::{
    Router, middleware,
    routing::{post, put},
};
use futures::StreamExt as _;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::*;
use crate::{
    internal::Peer,
    places::{Bounds, Places},
    under_way::{Open, UnderWay},
};

/// As the chassis serves it: `/gather` reads a body whole, `/pass` forgets each piece.
fn router(kib: usize) -> Router {
    let streams: Streams = |request| (request.uri().path() == "/pass").then_some(2 * KIB);
    let bodies = Bodies { budget: Budget::new(kib * KIB), streams: Some(streams), patience: AT_THE_EDGE };
    let pass = async |body: Body| {
        let mut pieces = body.into_data_stream();
        let mut bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            bytes += piece.len();
        }
        bytes.to_string()
    };
    Router::new()
        .route("/gather", post(async |body: Bytes| body.len().to_string()))
        .route("/pass", put(pass))
        .layer(middleware::from_fn_with_state(bodies, bounded))
}

fn request(method: &str, path: &str, body: Body) -> Request {
    of("ann", method, path, body)
}

/// A request whose key the gate has found.
fn of(key: &str, method: &str, path: &str, body: Body) -> Request {
    Request::builder().method(method).uri(path).extension(Payer::key(key)).body(body).unwrap()
}

/// A body whose pieces are sent one by one.
fn by_hand() -> (mpsc::Sender<Vec<u8>>, Body) {
    let (pieces, sent) = mpsc::channel::<Vec<u8>>(1);
    let sent = futures::stream::unfold(sent, async |mut sent: mpsc::Receiver<Vec<u8>>| {
        let piece = sent.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), sent))
    });
    (pieces, Body::from_stream(sent))
}

#[tokio::test]
async fn unfinished_bodies_are_bounded_together() {
    let (router, tasks) = (router(64), TaskTracker::new());
    let mut open = Vec::new();
    for key in ["ann", "bob"] {
        let (pieces, body) = by_hand();
        tasks.spawn(router.clone().oneshot(of(key, "POST", "/gather", body)));
        pieces.send(vec![0; 30 * KIB]).await.unwrap();
        // Room for the next is there when this one was taken, and it is counted at once.
        drop(pieces.reserve().await.unwrap());
        open.push(pieces);
    }
    let send = async |key: &str, kib: usize| {
        let body = Body::from(vec![0; kib * KIB]);
        router.clone().oneshot(of(key, "POST", "/gather", body)).await.unwrap()
    };
    let refused = send("cid", 5).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "5");
    open.clear();
    tasks.close();
    tasks.wait().await;
    let answered = [send("ann", 32).await, send("bob", 32).await];
    assert!(answered.iter().all(|answer| answer.status() == StatusCode::OK), "no longer counted");
    let late = send("cid", 1).await.status();
    assert_eq!(late, StatusCode::SERVICE_UNAVAILABLE, "these answers are still on their way");
    drop(answered);
    assert_eq!(send("cid", 32).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_holds_its_share_is_refused_and_anothers_goes_through() {
    let (router, tasks) = (router(64), TaskTracker::new());
    let (pieces, body) = by_hand();
    tasks.spawn(router.clone().oneshot(of("ann", "POST", "/gather", body)));
    pieces.send(vec![0; 30 * KIB]).await.unwrap();
    drop(pieces.reserve().await.unwrap());
    let send = async |request: Request| {
        let answer = router.clone().oneshot(request).await.unwrap();
        (answer.status(), axum::body::to_bytes(answer.into_body(), 4_096).await.unwrap())
    };
    let body = |kib: usize| Body::from(vec![0; kib * KIB]);
    let (status, said) = send(of("ann", "POST", "/gather", body(3))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(String::from_utf8_lossy(&said).contains("this client has its share"), "{said:?}");
    assert_eq!(send(of("bob", "POST", "/gather", body(32))).await.0, StatusCode::OK);
    // An address without a key has less, and a service of the same name its own.
    let plain = |kib| Request::post("/gather").body(body(kib)).unwrap();
    assert_eq!(send(plain(9)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(plain(8)).await.0, StatusCode::OK);
    let mut service = plain(32);
    service.extensions_mut().insert(Peer("ann".into()));
    assert_eq!(send(service).await.0, StatusCode::OK);
    // As long as the first one is under way.
    drop(pieces);
    tasks.close();
    tasks.wait().await;
    assert_eq!(send(of("ann", "POST", "/gather", body(32))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_body_counts_for_the_key_that_is_proven_on_the_way() {
    let bodies = Bodies { budget: Budget::new(64 * KIB), streams: None, patience: AT_THE_EDGE };
    let signed = async |request: Request| {
        let share = request.extensions().get::<BodyShare>().cloned().unwrap();
        share.is_of_key("ann");
        match axum::body::to_bytes(request.into_body(), usize::MAX).await {
            Ok(body) => body.len().to_string(),
            Err(_) => {
                assert_eq!(share.refused(), Some(StatusCode::SERVICE_UNAVAILABLE), "as its client is told");
                "torn".to_owned()
            }
        }
    };
    let router =
        Router::new().route("/", post(signed)).layer(middleware::from_fn_with_state(bodies, bounded));
    let send = async |kib: usize| {
        let request = Request::post("/").body(Body::from(vec![0; kib * KIB])).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let first = send(20).await;
    assert_eq!(first.status(), StatusCode::OK, "more than an address has");
    assert_eq!(send(13).await.status(), StatusCode::SERVICE_UNAVAILABLE, "and no more than a key has");
    drop(first);
    assert_eq!(send(32).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_takes_of_the_same_room_until_it_is_sent() {
    let bodies = Bodies { budget: Budget::new(64 * KIB), streams: None, patience: AT_THE_EDGE };
    let long = async |request: Request| {
        let share = request.extensions().get::<BodyShare>().cloned().unwrap();
        share.is_of_key(request.uri().query().unwrap());
        match share.holds(20 * KIB) {
            true => "windows".into_response(),
            false => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    };
    let router = Router::new()
        .route("/", axum::routing::any(long))
        .layer(middleware::from_fn_with_state(bodies, bounded));
    let get = async |key: &str| {
        let request = Request::get(format!("/?{key}")).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let first = get("ann").await;
    assert_eq!(first.status(), StatusCode::OK, "more than an address has");
    assert_eq!(get("ann").await.status(), StatusCode::SERVICE_UNAVAILABLE, "no more than a key's half");
    let other = get("bob").await;
    assert_eq!(other.status(), StatusCode::OK, "another key has its own");
    drop(first);
    assert_eq!(get("ann").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn pieces_of_a_byte_count_for_what_they_take() {
    let send = async |pieces: usize| {
        let pieces = (0..pieces).map(|_| Ok::<_, std::convert::Infallible>(vec![0]));
        let body = Body::from_stream(futures::stream::iter(pieces));
        router(64).oneshot(request("POST", "/gather", body)).await.unwrap().status()
    };
    // Half of 64 KiB are one key's.
    assert_eq!(send(32 * KIB / PIECE).await, StatusCode::OK);
    assert_eq!(send(32 * KIB / PIECE + 1).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_stream_counts_what_is_held_of_it() {
    let router = router(4);
    let pieces = futures::stream::iter((0..100).map(|_| Ok::<_, std::convert::Infallible>(vec![0; KIB])));
    let answer = router.oneshot(request("PUT", "/pass", Body::from_stream(pieces))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
    assert_eq!(bytes, (100 * KIB).to_string());
}

/// How long a body of `pieces` of this size, one every `pause`, is waited for, and the answer.
async fn at_pace(piece: usize, pieces: usize, pause: Duration) -> (StatusCode, Duration) {
    let begun = Instant::now();
    let trickle = futures::stream::iter(0..pieces).then(move |_| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::convert::Infallible>(vec![0; piece])
    });
    let body = Body::from_stream(trickle);
    let answer = router(1 << 12).oneshot(request("POST", "/gather", body)).await.unwrap();
    (answer.status(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_body_has_to_keep_coming() {
    let second = Duration::from_secs(1);
    let (status, after) = at_pace(1, 100_000, second).await;
    assert_eq!((status, after.as_secs()), (StatusCode::REQUEST_TIMEOUT, 10), "a byte a second");
    let (status, after) = at_pace(1, 1, second * 600).await;
    assert_eq!((status, after.as_secs()), (StatusCode::REQUEST_TIMEOUT, 10), "silence");
    let (status, after) = at_pace(LEAST, 50, second * 9).await;
    assert_eq!((status, after.as_secs()), (StatusCode::OK, 450), "slow, and steady");
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_is_not_the_clients() {
    let mut pace = Pace::new(AT_THE_EDGE);
    let wait = async |pace: &mut Pace| std::future::poll_fn(|cx| Poll::Ready(pace.wait(cx))).await;
    for expected in [Wait::Short, Wait::Long, Wait::Long, Wait::Long, Wait::Long] {
        assert_eq!(wait(&mut pace).await, expected);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pace.came(1), None);
        tokio::time::advance(Duration::from_secs(3_600)).await;
    }
    assert_eq!(wait(&mut pace).await, Wait::Long);
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(wait(&mut pace).await, Wait::TooLong);
}

/// Whether a connection gives way after so long, whose only request announces a body and sends `pieces` of this size, one every
/// `pause`. What reads it goes on for good.
async fn gives_way(piece: usize, pieces: usize, pause: Duration, after: Duration) -> bool {
    let places = Places::new(Bounds { all: 1, each: 1, at_work_too: false });
    let (count, _seen) = watch::channel(UnderWay::default());
    let open = Open::new(&count, Arc::new(places.take(None).unwrap()));
    let trickle = futures::stream::iter(0..pieces).then(move |_| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::convert::Infallible>(vec![0; piece])
    });
    let bodies = Bodies { budget: Budget::new(64 << 20), streams: None, patience: INSIDE };
    let works = async |_read: Bytes| std::future::pending::<StatusCode>().await;
    let router = Router::new().route("/", post(works)).layer(middleware::from_fn_with_state(bodies, bounded));
    let mut request = request("POST", "/", Body::from_stream(trickle));
    request.extensions_mut().insert(open.sending());
    // Kept beyond the look: a body that is dropped is not waited for.
    let mut answer = std::pin::pin!(router.oneshot(request));
    tokio::select! {
        answer = &mut answer => panic!("{answer:?}"),
        () = tokio::time::sleep(after) => places.take(None).is_some(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_body_is_slow_gives_way() {
    let millis = Duration::from_millis;
    assert!(!gives_way(1, 100, millis(60_000), millis(500)).await, "it has only begun");
    assert!(gives_way(1, 100, millis(60_000), millis(1_500)).await, "silence");
    assert!(gives_way(1, 100, millis(300), millis(1_700)).await, "a byte now and then");
    assert!(gives_way(LEAST, 100, millis(2_000), millis(4_500)).await, "slow, and steady");
    assert!(!gives_way(LEAST, 100, millis(500), millis(4_700)).await, "fast enough");
    assert!(!gives_way(1, 1, millis(3_000), millis(4_500)).await, "it has come, and is worked on");
}
