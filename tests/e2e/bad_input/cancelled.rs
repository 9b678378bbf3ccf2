//! A campaign that should not have been begun: it is cancelled by command.

use std::process::Command;

use maily_testkit::Service;
use maily_tests::{api::Campaign, folder, guest::Guest, peers, say};

use crate::stack;

fn cancel(stack: &Guest, id: &str) -> peers::Said {
    let plan = stack.plan();
    let mut command = Command::new(plan.program(Service::Orchestrator));
    command.args(["campaign", "cancel", id, "--timeout", "60"]);
    command.args(["--url", &format!("https://{}", plan.edge(Service::Orchestrator)), "--ca"]);
    command.arg(plan.ca()).arg("--key-file").arg(plan.edge_key_file());
    peers::run(&mut command, b"")
}

#[test]
fn a_campaign_is_cancelled_by_command_and_stays_so() {
    let stack = stack();
    // The stack may outlive this test, and knows each campaign for good.
    let id = format!("cancelled-{}", std::process::id());
    let unknown = cancel(&stack, &id);
    assert_eq!(unknown.code, Some(1), "{}", unknown.all());
    assert_eq!(unknown.err.trim(), "maily: there is no such campaign");

    let folder = stack.path("cancelled");
    folder::copy(&folder, folder::list(3, 1));
    let mut campaign = Campaign::create(stack.https(Service::Orchestrator), &id, &folder);
    for _ in 0..2 {
        let said = cancel(&stack, &id);
        assert_eq!(said.code, Some(0), "{}", said.all());
        assert!(said.out.contains("the campaign is cancelled; 0 messages were handed off"), "{}", said.out);
        let status = campaign.status();
        assert_eq!((&status["state"], &status["rows"]), (&"cancelled".into(), &3.into()), "{status}");
        say(said.out.trim());
    }
    assert_eq!(cancel(&stack, "No Id").code, Some(2), "clap's own code of a wrong argument");
}
