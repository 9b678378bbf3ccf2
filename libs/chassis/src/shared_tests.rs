//! Limits shared through a real Redis that is killed, frozen and started again.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use maily_testkit::{Access, Redis};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    config::{Environment, Redis as Config},
    rate::Rate,
    shared::RedisClient,
};

fn config(redis: &Redis, secured: bool) -> Config {
    Config {
        address: redis.address().parse().unwrap(),
        ca: secured.then(|| redis.ca().to_owned()),
        username: None,
        password: secured.then(|| redis.password()),
        prefix: "test".into(),
        wait_millis: 100,
    }
}

fn client(redis: &Redis) -> RedisClient {
    RedisClient::start(&config(redis, false), Environment::Dev).unwrap()
}

async fn ping(client: &RedisClient) -> bool {
    client.query::<String>(&redis::cmd("PING")).await.is_some()
}

/// Until Redis answers this client, or no longer does.
async fn until(client: &RedisClient, answers: bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while ping(client).await != answers {
        assert!(Instant::now() < end, "Redis should {} by now", if answers { "answer" } else { "be away" });
        sleep(Duration::from_millis(20)).await;
    }
}

/// How many of 40 calls at once are admitted.
async fn admitted(rate: &Rate, caller: &str) -> usize {
    let mut count = 0;
    for _ in 0..40 {
        count += usize::from(rate.admits(caller).await);
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_a_limit_and_fall_back_to_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), Access::Open).unwrap();
    let (one, two) = (client(&redis), client(&redis));
    let (first, second) = (Rate::new(10, Some(one.clone()), "s"), Rate::new(10, Some(two.clone()), "s"));
    until(&one, true).await;
    until(&two, true).await;
    let shared = admitted(&first, "ann").await;
    assert!((10..20).contains(&shared), "{shared}");
    let rest = admitted(&second, "ann").await;
    assert!(rest < 10, "the other replica knows that it was used up: {rest}");
    assert!(admitted(&second, "bob").await >= 10, "another caller has a limit of its own");
    assert!(!redis.ask("KEYS *").unwrap().contains("ann"), "no caller's name is in Redis");

    redis.kill();
    until(&one, false).await;
    let begun = Instant::now();
    let alone = admitted(&first, "eve").await;
    assert!((10..20).contains(&alone), "limits go on in memory: {alone}");
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits for a Redis that is away");

    redis.restart().unwrap();
    until(&one, true).await;
    until(&two, true).await;
    assert!(admitted(&first, "zoe").await >= 10);
    assert!(admitted(&second, "zoe").await < 10, "and they are shared again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_costs_one_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let client = client(&redis);
    until(&client, true).await;
    let rate = Rate::new(1000, Some(client.clone()), "s");
    redis.freeze();
    let begun = Instant::now();
    for _ in 0..100 {
        rate.admits("ann").await;
    }
    let waited = begun.elapsed();
    redis.thaw();
    assert!(waited < Duration::from_millis(500), "100 requests waited {waited:?} together, of 100 ms each");
    until(&client, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_a_password_are_used() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Secured).unwrap();
    let right = RedisClient::start(&config(&redis, true), Environment::Prod).unwrap();
    until(&right, true).await;
    for wrong in [
        Config { password: None, ..config(&redis, true) },
        // Another authority than the one that signed.
        Config { ca: Some(other_authority(dir.path())), ..config(&redis, true) },
    ] {
        let wrong = RedisClient::start(&wrong, Environment::Prod).unwrap();
        assert!(!wrong.connects_once().await && !ping(&wrong).await);
    }
}

fn other_authority(dir: &std::path::Path) -> std::path::PathBuf {
    maily_testkit::Authority::open(dir.join("other")).unwrap().ca()
}

/// Passes everything on to Redis until it is told to pass nothing on any more, and to close nothing either.
async fn line(redis: &Redis, dead: watch::Receiver<bool>) -> SocketAddr {
    let (listener, target) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), redis.socket());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut dead = dead.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(target).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                    _ = dead.wait_for(|dead| *dead) => {}
                }
                std::future::pending::<()>().await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_on_a_dead_line_ends() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let (cut, dead) = watch::channel(false);
    let address = format!("redis://{}", line(&redis, dead).await).parse().unwrap();
    let client = RedisClient::start(&Config { address, ..config(&redis, false) }, Environment::Dev).unwrap();
    let mut subscription = client.subscribe("news").await.unwrap();
    redis.ask("PUBLISH news one").unwrap();
    assert_eq!(subscription.next().await.unwrap(), b"one");
    // A quiet line that lives is kept.
    let quiet = timeout(Duration::from_secs(7), subscription.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    redis.ask("PUBLISH news two").unwrap();
    assert_eq!(subscription.next().await.unwrap(), b"two");
    cut.send_replace(true);
    redis.ask("PUBLISH news three").unwrap();
    // What was under way when the line was cut may still arrive; then it has to end.
    let ended = timeout(Duration::from_secs(20), async {
        while let Some(last) = subscription.next().await {
            assert_eq!(last, b"three");
        }
    });
    ended.await.expect("it asks whether it is still connected");
}

#[tokio::test]
async fn a_redis_that_never_was_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), Access::Open).unwrap();
    redis.kill();
    let rate = Rate::new(10, Some(client(&redis)), "s");
    assert!((10..20).contains(&admitted(&rate, "ann").await));
}
