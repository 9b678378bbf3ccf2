//! Opt-outs told between two processes of a tenant through a real Redis, which is killed: none is lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use maily_chassis::{Environment, Redis as Settings, RedisClient};
use maily_compliance::{Clock, State};
use maily_proto::compliance as pb;
use maily_testkit::{Access, Redis};

use crate::common::{clock, config, days_later, import, list, page, roots, set_by};

/// Rows of the list; every other one is in the United States.
const PEOPLE: usize = 30;

/// A process with a folder of its own, under the keys of all.
async fn process(dir: &Path, name: &str) -> State {
    process_at(dir, name, clock()).await
}

async fn process_at(dir: &Path, name: &str, clock: Clock) -> State {
    let config = config(dir, 100);
    State::open_with(&config, &dir.join(name), roots(&config), clock).await.unwrap()
}

fn client(redis: &Redis) -> RedisClient {
    let settings = Settings {
        address: redis.address().parse().unwrap(),
        ca: None,
        username: None,
        password: None,
        prefix: "test".into(),
        wait_millis: 100,
    };
    RedisClient::start(&settings, Environment::Dev).unwrap()
}

fn pages() -> [pb::Page; 3] {
    [0, 1, 2].map(|segment| page("c", &format!("en-GB/seg{segment}"), "us", 0))
}

/// Links of the people there who are not suppressed.
async fn tokens(state: &State) -> Vec<String> {
    let mut tokens = Vec::new();
    for page in pages() {
        let people = state.recipients(&page).await.unwrap();
        tokens.extend(people.into_iter().map(|person| person.unsubscribe_token));
    }
    tokens
}

/// Until it holds: nothing tells when a hint has arrived.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Until only `left` people are not suppressed.
async fn until_left(state: &State, left: usize) {
    eventually(&format!("{left} people are left"), async || tokens(state).await.len() == left).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_opt_out_is_lost_when_redis_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    let two = process(dir.path(), "two").await;
    for state in [&one, &two] {
        import(state, "c", list(PEOPLE)).await.unwrap();
        state.fan_out(client(&redis)).unwrap();
    }
    let people = tokens(&one).await;
    let all = people.len();
    assert_eq!(all, PEOPLE / 2);

    one.opt_out(&people[0]).await.unwrap();
    until_left(&two, all - 1).await;
    two.opt_out(&people[1]).await.unwrap();
    until_left(&one, all - 2).await;

    redis.kill();
    let begun = Instant::now();
    one.opt_out(&people[2]).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits for Redis");
    assert_eq!(tokens(&one).await.len(), all - 3);
    assert_eq!(tokens(&two).await.len(), all - 2, "not told yet");
    // What was heard is on record: it is known after a restart without Redis.
    two.verify().await.unwrap();
    two.close().await;
    drop(two);
    let two = process(dir.path(), "two").await;
    assert_eq!(tokens(&two).await.len(), all - 2);
    two.fan_out(client(&redis)).unwrap();

    // Empty, and told everything again.
    redis.restart().unwrap();
    until_left(&two, all - 3).await;
    for state in [&one, &two] {
        state.verify().await.unwrap();
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_was_not_told_is_told_when_it_is_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    import(&one, "c", list(PEOPLE)).await.unwrap();
    let token = tokens(&one).await.remove(0);
    let client = connected(&redis).await;
    let mut channel = client.subscribe("test:opt-out:default").await.unwrap();
    one.fan_out(client).unwrap();
    // The second as if the first had been cut off after it put the opt-out on record and before it told anybody.
    for call in ["first", "second"] {
        redis.ask("DEL test:objections:default").unwrap();
        one.opt_out(&token).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), channel.next()).await;
        assert_eq!(told.expect(call).unwrap().len(), 56, "the {call} call");
    }
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_objects_elsewhere_stays_out_when_the_list_that_brought_them_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    let two = process_at(dir.path(), "two", days_later(1)).await;
    import(&two, "c", list(PEOPLE)).await.unwrap();
    let all = tokens(&two).await;
    for state in [&one, &two] {
        state.fan_out(client(&redis)).unwrap();
    }
    // A list at the first process has somebody objecting; the second hears of it, and then from the person.
    let objecting = list(PEOPLE).replacen(",false", ",true", 1);
    import(&one, "wrong", objecting).await.unwrap();
    until_left(&two, all.len() - 1).await;
    let left = tokens(&two).await;
    let token = all.iter().find(|token| !left.contains(token)).unwrap();
    two.opt_out(token).await.unwrap();
    let told = async || one.find("p0@mail.example").await.unwrap().objections.len() >= 2;
    eventually("the first is told of it", told).await;
    let order = maily_compliance::Order { caller: "olga".into(), reason: "the wrong file".into() };
    assert_eq!(one.undo_import("wrong", order).await.unwrap().lifted, 0);
    for state in [&one, &two] {
        assert!(state.find("p0@mail.example").await.unwrap().suppressed);
        state.verify().await.unwrap();
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lifted_here_comes_back_by_a_new_objection_and_not_by_one_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), Access::Open).unwrap();
    let days = Arc::new(AtomicI64::new(0));
    let later = Arc::clone(&days);
    let one =
        process_at(dir.path(), "one", Arc::new(move || days_later(later.load(Ordering::SeqCst))())).await;
    let two = process_at(dir.path(), "two", days_later(1)).await;
    for state in [&one, &two] {
        import(state, "c", list(PEOPLE)).await.unwrap();
        state.fan_out(client(&redis)).unwrap();
    }
    let people = tokens(&one).await;
    one.opt_out(&people[0]).await.unwrap();
    until_left(&two, people.len() - 1).await;
    let order = maily_compliance::Order { caller: "olga".into(), reason: "came back".into() };
    let person = "p0@mail.example".to_owned();
    let lifted = two.lift(std::slice::from_ref(&person), "news@brand.example", None, order).await.unwrap();
    assert_eq!((lifted.lifted, lifted.unknown_sender), (1, false));
    let objections = async || two.find(&person).await.unwrap().objections.len();

    // A process that comes to be reads and hears all that is told again, as the second does.
    redis.kill();
    redis.restart().unwrap();
    let three = process_at(dir.path(), "three", days_later(1)).await;
    import(&three, "c", list(PEOPLE)).await.unwrap();
    three.fan_out(client(&redis)).unwrap();
    until_left(&three, people.len() - 1).await;
    // And something new, which is told behind it.
    one.opt_out(&people[1]).await.unwrap();
    until_left(&two, people.len() - 2).await;

    days.store(2, Ordering::SeqCst);
    let anew = async || {
        one.opt_out(&people[0]).await.unwrap();
        objections().await >= 2
    };
    eventually("the person objects anew", anew).await;
    let found = two.find(&person).await.unwrap();
    assert_eq!(found.objections.len(), 2, "what was told again was nothing new");
    three.close().await;
    assert!(found.objections.iter().any(|objection| objection.at > found.lifts[0].at));
    for state in [&one, &two] {
        state.verify().await.unwrap();
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_knows_first_what_the_others_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    let two = process(dir.path(), "two").await;
    for state in [&one, &two] {
        import(state, "c", list(PEOPLE)).await.unwrap();
    }
    let patience = Duration::from_secs(20);
    assert!(two.caught_up(Duration::ZERO, Duration::ZERO).await, "there is nobody to hear");
    let people = tokens(&one).await;
    one.fan_out(connected(&redis).await).unwrap();
    for token in &people[..5] {
        one.opt_out(token).await.unwrap();
    }
    let told = async || redis.ask("HLEN test:objections:default").unwrap() == ":5";
    eventually("all is told", told).await;
    two.fan_out(client(&redis)).unwrap();
    assert!(two.caught_up(patience, patience).await);
    assert_eq!(tokens(&two).await.len(), people.len() - 5);

    redis.kill();
    let three = process(dir.path(), "three").await;
    three.fan_out(client(&redis)).unwrap();
    assert!(
        !three.caught_up(Duration::from_millis(200), patience).await,
        "Redis is away, and nobody waits for ever"
    );
    for state in [&one, &two, &three] {
        state.close().await;
    }
}

async fn connected(redis: &Redis) -> RedisClient {
    let client = client(redis);
    eventually("connected", async || client.query::<String>(&redis::cmd("PING")).await.is_some()).await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_everything_hears_what_another_begins_to_tell() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    let two = process(dir.path(), "two").await;
    for state in [&one, &two] {
        import(state, "c", list(PEOPLE)).await.unwrap();
    }
    let people = tokens(&one).await;
    one.opt_out(&people[0]).await.unwrap();
    two.fan_out(connected(&redis).await).unwrap();
    let read = async || redis.ask("INFO commandstats").unwrap().contains("cmdstat_sscan:");
    eventually("all is read", read).await;
    one.fan_out(connected(&redis).await).unwrap();
    until_left(&two, people.len() - 1).await;
    for state in [&one, &two] {
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_hint_suppresses_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    import(&one, "c", list(PEOPLE)).await.unwrap();
    for member in ["short", &"x".repeat(48), &"y".repeat(100_000)] {
        redis.ask(&format!("SADD test:opt-outs:default {member}")).unwrap();
        redis.ask(&format!("HSET test:objections:default {}-field {member}", member.len())).unwrap();
    }
    one.fan_out(client(&redis)).unwrap();
    let two = process(dir.path(), "two").await;
    import(&two, "c", list(PEOPLE)).await.unwrap();
    two.fan_out(client(&redis)).unwrap();
    let people = tokens(&one).await;
    // A true one gets through between the forged.
    let listens = async || !redis.ask("PUBSUB NUMSUB test:opt-out:default").unwrap().ends_with(":0");
    eventually("somebody listens", listens).await;
    for _ in 0..3 {
        redis.ask(&format!("PUBLISH test:opt-out:default {}", "z".repeat(48))).unwrap();
    }
    one.opt_out(&people[0]).await.unwrap();
    until_left(&two, people.len() - 1).await;
    assert_eq!(tokens(&one).await.len(), people.len() - 1);
    // Two imports' links, one for each region, and one opt-out.
    for state in [&one, &two] {
        assert_eq!(state.verify().await.unwrap().links.values().sum::<u64>(), 3);
    }
}

/// The hints that Redis keeps, each person's in one.
async fn kept(client: &RedisClient) -> Vec<Vec<u8>> {
    client.batch(redis::cmd("HVALS").arg("test:objections:default")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_a_few_objections_of_each_person_however_many_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let minutes = Arc::new(AtomicI64::new(0));
    let one = process_at(dir.path(), "one", set_by(&minutes)).await;
    import(&one, "c", list(PEOPLE)).await.unwrap();
    let people = tokens(&one).await;
    let client = connected(&redis).await;
    let mut channel = client.subscribe("test:opt-out:default").await.unwrap();
    one.fan_out(connected(&redis).await).unwrap();
    let (mut hints, most) = (Vec::new(), 16);
    for hour in 0..20 {
        minutes.store(hour * 61, Ordering::SeqCst);
        one.opt_out(&people[0]).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), channel.next()).await;
        hints.insert(0, told.unwrap().unwrap());
        hints.truncate(most);
        assert_eq!(kept(&client).await, [hints.concat()], "hour {hour}");
    }
    let two = process(dir.path(), "two").await;
    two.fan_out(connected(&redis).await).unwrap();
    assert!(two.caught_up(Duration::from_secs(20), Duration::from_secs(20)).await);
    assert_eq!(two.find("p0@mail.example").await.unwrap().objections.len(), most);
    assert_eq!(kept(&client).await, [hints.concat()]);
    for state in [&one, &two] {
        state.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_objections_of_a_list_are_told_together() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    one.fan_out(connected(&redis).await).unwrap();
    import(&one, "c", list(200).replacen(",false", ",true", 199)).await.unwrap();
    let told = async || redis.ask("HLEN test:objections:default").unwrap() == ":199";
    eventually("all are told", told).await;
    let stats = redis.ask("INFO commandstats").unwrap();
    let calls = stats.split_once("cmdstat_evalsha:calls=").and_then(|(_, rest)| rest.split_once(','));
    let calls: u32 = calls.unwrap().0.parse().unwrap();
    assert!(calls < 20, "{calls} calls for the links of two regions");
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_before_is_heard_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), Access::Open).unwrap();
    let one = process(dir.path(), "one").await;
    import(&one, "c", list(PEOPLE)).await.unwrap();
    let people = tokens(&one).await;
    one.fan_out(connected(&redis).await).unwrap();
    one.opt_out(&people[0]).await.unwrap();
    let client = connected(&redis).await;
    eventually("it is told", async || kept(&client).await.len() == 1).await;
    let hint = kept(&client).await.remove(0);
    one.close().await;
    // As one of before had told it.
    redis.ask("DEL test:objections:default").unwrap();
    let added: Option<u64> = client.batch(redis::cmd("SADD").arg("test:opt-outs:default").arg(hint)).await;
    assert_eq!(added, Some(1));
    let two = process(dir.path(), "two").await;
    import(&two, "c", list(PEOPLE)).await.unwrap();
    two.fan_out(connected(&redis).await).unwrap();
    let patience = Duration::from_secs(20);
    assert!(two.caught_up(patience, patience).await);
    let left = tokens(&two).await;
    assert_eq!(left.len(), people.len() - 1);
    // And one of before that begins to listen now finds what is new, as long as there may be one.
    two.opt_out(&left[0]).await.unwrap();
    let told = async || redis.ask("SCARD test:opt-outs:default").unwrap() == ":2";
    eventually("it is told to those of before", told).await;
    let lives = redis.ask("TTL test:opt-outs:default").unwrap();
    let seconds: u32 = lives.trim_start_matches(':').parse().unwrap();
    assert!((1..=7 * 86_400).contains(&seconds), "{lives}");
    two.close().await;
}
