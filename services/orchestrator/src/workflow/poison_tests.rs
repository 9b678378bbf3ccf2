//! What ends a campaign by itself, and what does not, on a real Restate.

use std::time::Duration;

use tonic::Code;

use super::tests::{ANY, command, folder, run, with_copy};
use crate::{
    client,
    testing::{Caller, Model, Mood, Orchestrator, Platform},
};

const BOOM: Mood = Mood::Says(500, "{\"error\": \"person@example.org\"}");

/// Waits until the model has failed so often in this way.
async fn failures(model: &Model, mood: Mood, times: usize) {
    let enough = async {
        while model.state().failed.iter().filter(|failure| **failure == mood).count() < times {
            // Nothing tells when the model is asked; the deadline ends this.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), enough).await.expect("the model is not asked so often");
}

fn count(model: &Model, mood: Mood) -> usize {
    model.state().failed.iter().filter(|failure| **failure == mood).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_five_times_ends_the_campaign() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1);
    platform.model.state().mood = BOOM;
    let failure = client::campaign(command(&platform, &dir, orchestrator.edge, "out")).await.unwrap_err();
    let reason = "the copy of a cohort could not be written: inference answered HTTP status 500 (5 times)";
    assert_eq!((failure.code, failure.to_string()), (1, format!("the campaign failed: {reason}")));
    assert_eq!(platform.model.asked().len(), 5);
    let caller = Caller::new(&platform, orchestrator.edge, &dir);
    let status = caller.status().await;
    assert_eq!((&status["state"], &status["detail"]), (&"failed".into(), &reason.into()));
    assert_eq!(caller.post("/start").await, Err(format!("the campaign failed: {reason}")));
    // Nothing of what the model said is kept.
    let kept = platform.restate.kept();
    assert!(!kept.windows(18).any(|window| window == b"person@example.org"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_cohort_meets_stops_the_others() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 8);
    platform.model.state().mood = BOOM;
    assert_eq!(run(&platform, &dir, orchestrator.edge, "out").await, Err(1));
    let status = Caller::new(&platform, orchestrator.edge, &dir).status().await;
    assert_eq!(status["state"], "failed");
    assert_eq!(platform.ledger.state().handed_off(), 0);
    // Four cohorts, and none was asked for more often than it may be.
    assert!(platform.model.asked().len() <= 20, "{}", platform.model.asked().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_away_is_waited_for() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1);
    let busy = Mood::Says(503, "later");
    platform.model.state().mood = busy;
    let client = tokio::spawn(client::campaign(command(&platform, &dir, orchestrator.edge, "out")));
    // More often than an answer may fail.
    for (mood, times) in [(busy, 6), (Mood::Away, 3), (busy, 3)] {
        platform.model.state().mood = mood;
        failures(&platform.model, mood, count(&platform.model, mood) + times).await;
    }
    platform.model.state().mood = Mood::Well;
    client.await.unwrap().unwrap();
}

/// It is up again each time, and what it is asked ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_ends_its_peer_each_time_ends_the_campaign() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1);
    platform.model.state().mood = Mood::Dies;
    assert_eq!(run(&platform, &dir, orchestrator.edge, "out").await, Err(1));
    let status = Caller::new(&platform, orchestrator.edge, &dir).status().await;
    let reason = "the copy of a cohort could not be written: inference broke the connection off (7 times)";
    assert_eq!((&status["state"], &status["detail"]), (&"failed".into(), &reason.into()));
    assert_eq!(platform.model.asked().len(), 21);
}

/// What guardrails' judge does to every piece of copy, and how that ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_fails_so_each_time_ends_the_campaign() {
    for (code, reason) in [
        // A model that is not served, or fails; rails that are never held; a text that kills the judge.
        (Code::Internal, "guardrails answered Internal (5 times)"),
        (Code::FailedPrecondition, "guardrails answered FailedPrecondition (5 times)"),
        (Code::Aborted, "guardrails' judge broke the connection off (7 times)"),
    ] {
        let platform = Platform::start().await;
        let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
        let dir = folder(&platform, "campaign", 1);
        platform.judge.refuse(u32::MAX, code);
        let ended = client::campaign(command(&platform, &dir, orchestrator.edge, "out"));
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
        let failure = ended.expect("it goes on and on").unwrap_err();
        let reason = format!("the campaign failed: the copy of a cohort could not be written: {reason}");
        assert_eq!((failure.code, failure.to_string()), (1, reason));
    }
}

/// A few deaths are none of the campaign's fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_dies_now_and_then_is_asked_again() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1);
    platform.model.state().mood = Mood::Dies;
    let client = tokio::spawn(client::campaign(command(&platform, &dir, orchestrator.edge, "out")));
    failures(&platform.model, Mood::Dies, 10).await;
    platform.model.state().mood = Mood::Well;
    client.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_everything_comes_up_and_forgets_no_failure() {
    let mut platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let edge = orchestrator.edge;
    let dir = folder(&platform, "campaign", 1);
    platform.model.state().mood = BOOM;
    let client = tokio::spawn(client::campaign(command(&platform, &dir, edge, "out")));
    failures(&platform.model, BOOM, 2).await;
    // Until everything is up again, so that nothing is counted meanwhile.
    let busy = Mood::Says(503, "later");
    platform.model.state().mood = busy;
    failures(&platform.model, busy, 1).await;
    orchestrator.kill();
    platform.restate.kill_and_restart();
    // It answers only when it is ready.
    let orchestrator = Orchestrator::start(&platform, edge).await;
    platform.model.state().mood = BOOM;
    let failure = client.await.unwrap().unwrap_err();
    assert!(failure.to_string().ends_with("inference answered HTTP status 500 (5 times)"), "{failure}");
    assert_eq!(count(&platform.model, BOOM), 5);
    orchestrator.kill();
}

/// What is broken is found when messages are merged; copy is there.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_ends_the_campaign() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1);
    with_copy(&platform, &dir);
    let caller = Caller::new(&platform, orchestrator.edge, &dir);
    let key = ("maily-campaigns".to_owned(), super::Keys(&caller.id).copy(0));
    platform.objects.0.lock().unwrap().insert(key, "no JSON".into());
    caller.begin().await;
    let status = caller.wait_for("failed").await;
    let reason = "the copy of a cohort could not be written: storage failed: an object is not the JSON it \
                  should be (5 times)";
    assert_eq!(status["detail"], reason);
}
