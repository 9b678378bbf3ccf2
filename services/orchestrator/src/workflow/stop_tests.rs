//! Campaigns that are cancelled, at every stage, or killed in Restate.

use std::{convert::Infallible, path::Path, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tower::ServiceExt as _;

use super::{
    Keys, pages,
    tests::{ANY, command, folder, run, with_copy},
};
use crate::{
    api::{self, Api},
    campaign::CampaignId,
    client,
    restate::{Address, Admin, Ingress},
    testing::{Caller, Mood, Orchestrator, Platform, deps, everything},
};

const CANCELLED: &str = "the campaign was cancelled";
const BUSY: Mood = Mood::Says(503, "later");

pub(super) async fn until(what: &str, is: impl Fn() -> bool) {
    let is = async {
        while !is() {
            // Nothing tells of it; the deadline ends this.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), is).await.expect(what);
}

/// A campaign of this folder with copy that is there, some of whose messages are handed off.
pub(super) async fn handing_off(platform: &Platform, orchestrator: &Orchestrator, dir: &Path) -> Caller {
    with_copy(platform, dir);
    let caller = Caller::new(platform, orchestrator.edge, dir);
    caller.begin().await;
    until("nothing is handed off", || platform.ledger.state().handed_off() > 20).await;
    caller
}

/// Waits until the workflow of a cancelled campaign has ended.
async fn wound_up(platform: &Platform, caller: &Caller) {
    let key = ("maily-campaigns".to_owned(), Keys(&caller.id).tally());
    until("its workflow goes on", || platform.objects.0.lock().unwrap().contains_key(&key)).await;
}

/// The API, with every scope.
fn router(platform: &Platform) -> Router {
    let api = Api {
        deps: std::sync::Arc::new(deps(platform)),
        ingress: Ingress(platform.restate.ingress().parse().unwrap()),
        admin: Admin(platform.restate.admin().parse().unwrap()),
    };
    api::router(api).layer(everything())
}

/// What the API answers to a `GET`: the status, and the JSON where it is some.
async fn get(router: &Router, id: &CampaignId, path: &str) -> (u16, Value) {
    let request = Request::get(format!("/v1/campaigns/{id}{path}")).body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
}

fn messages(status: &Value) -> u64 {
    status["cohorts"].as_array().unwrap().iter().map(|cohort| cohort["handed_off"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_waits_for_its_list_or_its_start_is_cancelled() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let created = Caller::new(&platform, orchestrator.edge, &folder(&platform, "created", 4));
    assert_eq!(created.post("/cancel").await, Err("there is no such campaign".into()));
    created.create().await;
    let imported = Caller::new(&platform, orchestrator.edge, &folder(&platform, "imported", 8));
    imported.create().await;
    imported.upload().await.unwrap();
    for caller in [&created, &imported] {
        caller.post("/cancel").await.unwrap();
        // Twice is once.
        caller.post("/cancel").await.unwrap();
        let status = caller.status().await;
        assert_eq!((&status["state"], &status["id"]), (&"cancelled".into(), &json!(caller.id)));
        assert_eq!(caller.upload().await, Err(CANCELLED.into()));
        assert_eq!(caller.post("/start").await, Err(CANCELLED.into()));
    }
    assert_eq!(created.status().await["rows"], Value::Null);
    let status = imported.status().await;
    assert_eq!((&status["rows"], messages(&status)), (&11.into(), 0));
    assert_eq!(platform.model.asked().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_being_imported_is_refused() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    let caller = Caller::new(&platform, orchestrator.edge, &dir);
    caller.create().await;
    let router = router(&platform);
    let list = std::fs::read(dir.join("subscribers.csv")).unwrap();
    let (pieces, body) = mpsc::channel::<Bytes>(1);
    let body = Body::from_stream(ReceiverStream::new(body).map(Ok::<_, Infallible>));
    let path = format!("/v1/campaigns/{}/subscribers", caller.id);
    let upload = tokio::spawn(router.oneshot(Request::put(path).body(body).unwrap()));
    pieces.send(list.into()).await.unwrap();
    caller.post("/cancel").await.unwrap();
    // Longer than it takes to notice; a refused upload is read to its end.
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(pieces);
    assert_eq!(upload.await.unwrap().unwrap().status(), StatusCode::CONFLICT);
    let status = caller.status().await;
    assert_eq!((&status["state"], &status["rows"]), (&"cancelled".into(), &Value::Null));
}

/// Who was written to has to be told for as long as there is a report; the mail is another matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_outlives_its_import() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 12);
    with_copy(&platform, &dir);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let id = Caller::new(&platform, orchestrator.edge, &dir).id;
    let router = router(&platform);
    let get = async |path: &str| get(&router, &id, path).await;
    assert_eq!(get("/mail/eu").await.0, 200);
    platform.ledger.state().undone = true;
    let (status, report) = get("/report").await;
    assert_eq!(
        (status, &report["written"], &report["left_out_after_hand_off"]),
        (200, &12.into(), &0.into())
    );
    assert_eq!(report["invalid"].as_array().unwrap().len(), 3);
    let (status, problem) = get("/mail/eu").await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(problem["detail"], "the import of this campaign was taken back: nobody is written to by it");
    platform.ledger.state().removed = true;
    let (status, report) = get("/report").await;
    assert_eq!(
        (status, &report["written"], report["invalid"].as_array().unwrap().len()),
        (200, &12.into(), 0)
    );
    assert!(report.get("left_out_after_hand_off").is_none(), "nobody knows any more");
    assert_eq!(get("").await.1["state"], "done");
}

/// Whom the wrong list was sent to is what an authority asks (GDPR 33(3)), and whom it was not.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_taken_back_midway_has_a_report_of_how_far_it_came() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1_200);
    let caller = handing_off(&platform, &orchestrator, &dir).await;
    let handed_off = {
        let mut ledger = platform.ledger.state();
        ledger.undone = true;
        ledger.handed_off()
    };
    assert!(handed_off < 1_200, "the campaign was over before");
    caller.wait_for("done").await;
    assert_eq!(platform.ledger.state().handed_off(), handed_off, "it goes on");
    let (status, report) = get(&router(&platform), &caller.id, "/report").await;
    assert_eq!((status, &report["rows"], &report["written"]), (200, &1_203.into(), &handed_off.into()));
    assert_eq!(report["excluded"], json!({ "import_undone": 1_200 - handed_off, "invalid": 3 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_copy_is_written_for_a_list_that_was_taken_back() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let caller = Caller::new(&platform, orchestrator.edge, &folder(&platform, "campaign", 12));
    caller.create().await;
    caller.upload().await.unwrap();
    platform.ledger.state().undone = true;
    caller.post("/start").await.unwrap();
    caller.wait_for("done").await;
    assert_eq!(platform.model.asked().len(), 0);
    let (_, report) = get(&router(&platform), &caller.id, "/report").await;
    assert_eq!(report["excluded"], json!({ "import_undone": 12, "invalid": 3 }));
    for cohort in report["cohorts"].as_array().unwrap() {
        assert_eq!((&cohort["recipients"], &cohort["blocked"]), (&0.into(), &Value::Null));
    }
}

/// What is counted of a step that was stopped; compliance releases nothing of such a list any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_off_is_counted_also_when_its_list_was_taken_back() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 12);
    with_copy(&platform, &dir);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let (deps, id) = (deps(&platform), Caller::new(&platform, orchestrator.edge, &dir).id);
    for undone in [false, true] {
        platform.ledger.state().undone = undone;
        assert_eq!(pages::count(&deps, &id, 0, "eu", 0..1).await.unwrap(), (1, 1), "taken back: {undone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_planned_is_cancelled() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let caller = Caller::new(&platform, orchestrator.edge, &folder(&platform, "campaign", 4));
    platform.model.state().mood = Mood::Away;
    caller.begin().await;
    until("it is not planned", || !platform.model.state().failed.is_empty()).await;
    caller.post("/cancel").await.unwrap();
    assert_eq!(caller.status().await["state"], "cancelled");
    platform.model.state().mood = Mood::Well;
    wound_up(&platform, &caller).await;
    assert_eq!(platform.model.asked().len(), 0);
    assert_eq!(caller.status().await["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_written_is_cancelled() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 8);
    let caller = Caller::new(&platform, orchestrator.edge, &dir);
    platform.model.state().mood = BUSY;
    let client = tokio::spawn(client::campaign(command(&platform, &dir, orchestrator.edge, "out")));
    until("it is not written", || platform.model.state().failed.len() > 2).await;
    caller.post("/cancel").await.unwrap();
    assert_eq!(caller.status().await["state"], "cancelled");
    let failure = client.await.unwrap().unwrap_err();
    let sentence = "the campaign was cancelled; 0 messages were handed off";
    assert_eq!((failure.code, failure.to_string().as_str()), (1, sentence));
    wound_up(&platform, &caller).await;
    let asked = platform.model.asked().len();
    platform.model.state().mood = Mood::Well;
    // Longer than any pause between two tries.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(platform.model.asked().len(), asked, "the model is still asked");
    assert_eq!(platform.ledger.state().handed_off(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_hands_off_is_cancelled_and_tells_how_much_it_has() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 1_200);
    let caller = handing_off(&platform, &orchestrator, &dir).await;
    caller.post("/cancel").await.unwrap();
    assert_eq!(caller.status().await["state"], "cancelled");
    wound_up(&platform, &caller).await;
    let handed_off = platform.ledger.state().handed_off();
    assert!(handed_off < 1_200, "the campaign was over before");
    assert_eq!(messages(&caller.status().await), handed_off);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(platform.ledger.state().handed_off(), handed_off, "it goes on");
    assert_eq!(run(&platform, &dir, orchestrator.edge, "out").await, Err(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_over_is_not_cancelled() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "done", 12);
    with_copy(&platform, &dir);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let done = Caller::new(&platform, orchestrator.edge, &dir);
    let sentence = "the campaign is done: what was handed off can't be taken back";
    assert_eq!(done.post("/cancel").await, Err(sentence.into()));
    assert_eq!(done.status().await["state"], "done");
    let failed = Caller::new(&platform, orchestrator.edge, &folder(&platform, "failed", 1));
    platform.model.state().mood = Mood::Says(500, "no");
    failed.begin().await;
    failed.wait_for("failed").await;
    let sentence = failed.post("/cancel").await.unwrap_err();
    assert!(sentence.starts_with("the campaign has failed already: the copy of a cohort"), "{sentence}");
}

/// Kills a workflow; the invocation's id.
pub(super) async fn kill(admin: &Address, workflow: &str, key: &str) -> String {
    let query = format!(
        "SELECT id FROM sys_invocation WHERE target_service_name = '{workflow}' AND target_service_key = '{key}' \
         AND target_handler_name = 'run'"
    );
    let (_, found) = admin.call(Method::POST, "/query", Some(&json!({ "query": query }))).await.unwrap();
    let id = found["rows"][0]["id"].as_str().unwrap().to_owned();
    admin.call(Method::PATCH, &format!("/invocations/{id}/kill"), None).await.unwrap();
    id
}

/// By an operator, in Restate: nobody of ours has a say.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_killed_has_failed_also_when_restate_forgets_it() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let caller = Caller::new(&platform, orchestrator.edge, &folder(&platform, "campaign", 4));
    platform.model.state().mood = BUSY;
    caller.begin().await;
    until("it is not written", || !platform.model.state().failed.is_empty()).await;
    let admin: Address = platform.restate.admin().parse().unwrap();
    let id = kill(&admin, "Campaign", caller.id.as_str()).await;
    let status = caller.wait_for("failed").await;
    assert_eq!(status["detail"], "its workflow was killed in the workflow engine");
    assert_eq!(status["cohorts"].as_array().unwrap().len(), 4);
    admin.call(Method::PATCH, &format!("/invocations/{id}/purge"), None).await.unwrap();
    assert_eq!(caller.status().await["state"], "failed");
    assert!(caller.post("/start").await.is_err());
}

/// By an operator, in Restate: it says nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_cohort_handed_off_that_was_killed_is_told() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4_800);
    with_copy(&platform, &dir);
    let caller = Caller::new(&platform, orchestrator.edge, &dir);
    caller.begin().await;
    let of_the_first =
        async || caller.status().await["cohorts"][0]["handed_off"].as_u64().expect("it is under way");
    let handed_off = async {
        while of_the_first().await == 0 {
            // Nothing tells of it; the deadline ends this.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), handed_off).await.expect("nothing is handed off");
    let admin: Address = platform.restate.admin().parse().unwrap();
    kill(&admin, "Cohort", &format!("{}/0", caller.id)).await;
    let status = caller.wait_for("failed").await;
    assert_eq!(status["detail"], "its workflow was killed in the workflow engine");
    wound_up(&platform, &caller).await;
    assert!(of_the_first().await > 0);
    let handed_off = platform.ledger.state().handed_off();
    assert!(handed_off < 4_800, "the campaign was over before");
    assert_eq!(messages(&caller.status().await), handed_off);
}
