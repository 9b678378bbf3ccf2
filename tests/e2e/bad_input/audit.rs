//! The audit record of a running stack: whatever somebody imports, starts, cancels or fetches has a line with the name of
//! their key, also where the key may not do that.

use std::{fs, io::Write as _, path::Path};

use maily_testkit::{Plan, Service};
use maily_tests::{api::Campaign, folder, guest::Guest, https::Https};
use serde_json::Value;

use crate::stack;

/// A key beside that of people's clients: it may ask the model and nothing else.
const KEY: &str = "maily_a-second-key-of-a-test";

/// The plan of a stack that knows the second key, of the name `eve`, too.
pub(crate) fn with_a_second_key(plan: Plan) -> Plan {
    plan.prepare().unwrap();
    let hashes = plan.data().join("secrets/edge.hashes");
    let mut file = fs::OpenOptions::new().append(true).open(hashes).unwrap();
    writeln!(file, "{}:infer", maily_chassis::key_hash("eve", KEY)).unwrap();
    plan
}

/// The lines of a service's record on this subject, in their order: action, owner, outcome.
fn record(stack: &Guest, service: Service, about: impl Fn(&str) -> bool) -> Vec<String> {
    let log = fs::read(stack.plan().log(service.name())).unwrap();
    let log = String::from_utf8_lossy(&log);
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines =
        lines.filter(|line| line["target"] == "audit" && line["subject"].as_str().is_some_and(&about));
    let said =
        |line: Value| ["action", "owner", "outcome"].map(|field| line[field].as_str().unwrap().to_owned());
    lines.map(|line| said(line).join(" ")).collect()
}

fn folder(stack: &Guest) -> std::path::PathBuf {
    let folder = stack.path("audited");
    folder::copy(&folder, folder::list(3, 1));
    folder
}

/// The second key tries everything that changes or hands out something of this campaign.
fn is_denied_everything(stack: &Guest, id: &str, list: &Path) {
    let plan = stack.plan();
    let list = fs::read(list).unwrap();
    for (method, what, body) in [
        ("PUT", "subscribers", &list[..]),
        ("POST", "start", b""),
        ("POST", "cancel", b""),
        ("GET", "report", b""),
        ("GET", "mail/uk", b""),
    ] {
        // Each on a connection of its own: a refused upload may close it.
        let path = format!("/v1/campaigns/{id}/{what}");
        let mut eve = Https::new(&plan.ca(), &plan.edge(Service::Orchestrator)).bearer(KEY);
        let reply = eve.send(method, &path, "", body).unwrap();
        assert_eq!(reply.status, 403, "{method} {path}: {}", reply.text());
        let mut nobody = Https::new(&plan.ca(), &plan.edge(Service::Orchestrator)).bearer("maily_wrong");
        assert_eq!(nobody.send(method, &path, "", body).unwrap().status, 401);
    }
}

const DENIED: [&str; 5] =
    ["import eve 403", "start eve 403", "cancel eve 403", "report eve 403", "export eve 403"];

#[test]
fn whoever_runs_a_campaign_is_on_record_and_so_is_whoever_may_not() {
    let stack = stack();
    // The stack may outlive this test, and knows each campaign for good.
    let id = format!("audited-{}", std::process::id());
    let folder = folder(&stack);
    let mut campaign = Campaign::create(stack.https(Service::Orchestrator), &id, &folder);
    is_denied_everything(&stack, &id, &folder.join("subscribers.csv"));
    campaign.start();
    campaign.wait(|_, _| {});
    campaign.mail("uk");
    let own = ["start local 202", "report local 200", "export local 200"];
    let expected = [&["import local 200"][..], &DENIED, &own].concat();
    assert_eq!(record(&stack, Service::Orchestrator, |subject| subject == id), expected);
    // What the orchestrator writes for it has the orchestrator's name.
    let written = record(&stack, Service::Storage, |subject| subject.contains(&id));
    let puts = written.iter().filter(|line| *line == "put_object orchestrator done").count();
    assert!(puts > 0, "{written:?}");
    assert!(written.iter().all(|line| line.contains(" orchestrator ")), "{written:?}");
}

#[test]
fn whoever_cancels_a_campaign_is_on_record() {
    let stack = stack();
    let id = format!("audited-and-cancelled-{}", std::process::id());
    drop(Campaign::create(stack.https(Service::Orchestrator), &id, &folder(&stack)));
    let reply =
        stack.https(Service::Orchestrator).send("POST", &format!("/v1/campaigns/{id}/cancel"), "", b"");
    assert_eq!(reply.unwrap().status, 200);
    let late = stack.https(Service::Orchestrator).get(&format!("/v1/campaigns/{id}/mail/uk")).unwrap();
    assert_eq!(late.status, 409, "{}", late.text());
    assert_eq!(
        record(&stack, Service::Orchestrator, |subject| subject == id),
        ["import local 200", "cancel local 200", "export local 409"]
    );
}
