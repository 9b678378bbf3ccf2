//! Messages whose time is over, and those whose time is not, however their campaign ended.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    Keys,
    ending::{self, End},
    retention::{Sweep, Swept, after},
    stop_tests::{handing_off, kill},
    tests::{ANY, folder, put, run, with_copy},
};
use crate::{
    campaign::CampaignId,
    restate::{Address, Ingress},
    testing::{Orchestrator, Platform, deps},
};

const NOTHING: Swept = Swept { segments: 0, left: 0 };

fn sweep(platform: &Platform) -> Sweep {
    let ingress = Ingress(platform.restate.ingress().parse().unwrap());
    Sweep { deps: Arc::new(deps(platform)), ingress, kept: after(90).unwrap() }
}

fn day(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

fn messages(platform: &Platform) -> usize {
    let objects = platform.objects.0.lock().unwrap();
    objects.keys().filter(|(bucket, _)| bucket.starts_with("maily-mail-")).count()
}

/// An object that was written on this day.
fn object(platform: &Platform, bucket: &str, key: &str, days: i64) {
    let place = (bucket.to_owned(), key.to_owned());
    platform.objects.0.lock().unwrap().entry(place.clone()).or_insert_with(|| "x".into());
    platform.objects.1.lock().unwrap().insert(place, day(days));
}

/// A campaign of these settings with two segments, begun on day 0.
fn campaign(platform: &Platform, id: &str, as_of: Option<Timestamp>) -> CampaignId {
    let id = CampaignId::try_from(id.to_owned()).unwrap();
    let as_of = as_of.map(|as_of| as_of.to_string()).unwrap_or_default();
    put(
        &platform.objects,
        &Keys(&id).campaign(),
        &json!({ "settings": { "as_of": as_of }, "brand": "Calm." }),
    );
    object(platform, "maily-campaigns", &Keys(&id).campaign(), 0);
    object(platform, "maily-mail-eu", &Keys(&id).segment(0, 0), 0);
    object(platform, "maily-mail-us", &Keys(&id).segment(0, 0), 1);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_days_after_the_end_and_those_of_others_stay() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 24);
    with_copy(&platform, &dir);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let all = messages(&platform);
    assert!(all > 3);
    // No campaign's name, and one whose last message is younger.
    object(&platform, "maily-mail-us", "Another/1", 0);
    object(&platform, "maily-mail-us", "younger/00000/000000.seg", 5);
    assert_eq!(sweep(&platform).once(day(89)).await, NOTHING);
    run(&platform, &dir, orchestrator.edge, "again").await.unwrap();
    let swept = Swept { segments: all as u64, left: 0 };
    assert_eq!(sweep(&platform).once(day(91)).await, swept);
    assert_eq!(messages(&platform), 2);
    assert_eq!(
        run(&platform, &dir, orchestrator.edge, "late").await,
        Err(1),
        "the report is there, the mail is not"
    );
}

/// By an operator, in Restate; and nobody ever asks what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_campaign_that_was_killed_go_too() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4_800);
    let caller = handing_off(&platform, &orchestrator, &dir).await;
    assert_eq!(sweep(&platform).once(day(1_000)).await, NOTHING, "it goes on");
    let admin: Address = platform.restate.admin().parse().unwrap();
    kill(&admin, "Campaign", caller.id.as_str()).await;
    let gone = async {
        // A page that was under way may come yet; nothing tells of the last. The deadline ends this.
        while messages(&platform) > 0 {
            sweep(&platform).once(day(91)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("messages are kept");
    let end = ending::end(&deps(&platform), &caller.id).await.unwrap();
    assert_eq!(end, Some(End::failed("killed")), "kept, also when Restate forgets it");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_campaign_that_restate_has_lost_go_too() {
    let platform = Platform::start().await;
    let _orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    campaign(&platform, "lost", None);
    // Nothing but a segment is left of this one.
    object(&platform, "maily-mail-ch", "orphan/00000/000000.seg", 0);
    assert_eq!(sweep(&platform).once(day(89)).await, NOTHING);
    // Region by region: each counts from its last.
    assert_eq!(sweep(&platform).once(day(90)).await, Swept { segments: 2, left: 0 });
    assert_eq!(sweep(&platform).once(day(91)).await, Swept { segments: 1, left: 0 });
    assert_eq!(messages(&platform), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_kept_for_days_after_their_planned_send() {
    let platform = Platform::start().await;
    for (id, planned, last) in
        [("now", None, 92), ("past", Some(-400), 92), ("planned", Some(80), 170), ("never", Some(9_000), 182)]
    {
        let id = campaign(&platform, id, planned.map(day));
        object(&platform, "maily-campaigns", &Keys(&id).end(), 2);
        assert_eq!(sweep(&platform).once(day(last) - SignedDuration::from_hours(1)).await, NOTHING, "{id}");
        assert_eq!(sweep(&platform).once(day(last)).await, Swept { segments: 2, left: 0 }, "{id}");
    }
}

/// An end can't be told: nothing is removed, nobody else suffers from it, and it is looked at again soon.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_told_is_left() {
    let platform = Platform::start().await;
    campaign(&platform, "unknown", None);
    let ended = campaign(&platform, "ended", None);
    object(&platform, "maily-campaigns", &Keys(&ended).end(), 0);
    let nowhere = format!("unix:{}", platform.path().join("nobody.sock").display());
    let sweep = Sweep { ingress: Ingress(nowhere.parse().unwrap()), ..sweep(&platform) };
    assert_eq!(sweep.once(day(400)).await, Swept { segments: 2, left: 2 });
    assert_eq!(messages(&platform), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_by_a_clock_that_has_leapt() {
    let platform = Platform::start().await;
    let ended = campaign(&platform, "ended", None);
    object(&platform, "maily-campaigns", &Keys(&ended).end(), 0);
    let (began, hour) = (day(91), Duration::from_secs(3_600));
    let look = async |hours: i64, passed| {
        // Each is another process, as far as it knows.
        sweep(&platform).look(began + SignedDuration::from_hours(hours), passed).await
    };
    let held = Swept { segments: 0, left: 1 };
    assert_eq!(look(0, Duration::ZERO).await, held);
    // What is written by a clock that is wrong makes it no truer.
    object(&platform, "maily-campaigns", "x/report.json", 91);
    for hours in 1..=5 {
        assert_eq!(look(hours, hour).await, held, "{hours}");
    }
    assert_eq!(messages(&platform), 2);
    assert_eq!(look(6, hour).await, Swept { segments: 2, left: 0 });
    assert_eq!(look(30, hour * 24).await, NOTHING);
    let objects = platform.objects.0.lock().unwrap();
    assert_eq!(objects.keys().filter(|(_, key)| key.starts_with("_clock/")).count(), 1);
}
