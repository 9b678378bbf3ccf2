//! What becomes of pages whose campaign ends meanwhile.

use std::{pin::pin, sync::atomic::Ordering::Relaxed, time::Duration};

use maily_chassis::Hold;
use serde_json::json;
use tokio::time::timeout;

use super::{
    Keys, StepError,
    ending::{self, End},
    pages,
    tests::{ANY, folder, put, run, with_copy},
};
use crate::testing::{Caller, Orchestrator, Platform, deps};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_off_is_counted_without_reading_a_segment() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 48);
    with_copy(&platform, &dir);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let (deps, id) = (deps(&platform), Caller::new(&platform, orchestrator.edge, &dir).id);
    let read = platform.objects.2.load(Relaxed);
    // Four recipients, three on a page; a third page was never made.
    assert_eq!(pages::count(&deps, &id, 0, "eu", 0..3).await.unwrap(), (2, 4));
    assert_eq!(platform.objects.2.load(Relaxed), read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_campaign_ends_before_its_turn_is_not_begun() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 12);
    with_copy(&platform, &dir);
    let caller = Caller::new(&platform, orchestrator.edge, &dir);
    caller.create().await;
    caller.upload().await.unwrap();
    let (deps, id) = (deps(&platform), &caller.id);
    put(&platform.objects, &Keys(id).brief(), &json!({ "blocked": null, "model": "m", "started": 1 }));
    let turns = [
        deps.pages.take(id.clone(), Hold::Long).await.unwrap(),
        deps.pages.take(id.clone(), Hold::Long).await.unwrap(),
    ];
    let mut handing_off = pin!(pages::hand_off(&deps, id, 0, "eu", 0..1));
    // It comes as far as it can.
    assert!(timeout(Duration::from_secs(1), &mut handing_off).await.is_err(), "it has a turn");
    ending::settle(&deps, id, End::Cancelled).await.unwrap();
    drop(turns);
    let error = handing_off.await.err().unwrap();
    assert!(matches!(error, StepError::Ended), "{error}");
    assert_eq!(platform.ledger.state().calls, 0, "recipients were asked for");
}
