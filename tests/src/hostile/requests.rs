//! Requests that take much, or that nobody may make.

use std::io::Result;

use maily_testkit::Service;
use serde_json::{Value, json};

use super::{Caller, HOSTILE, INFERS, JUDGES, campaigns, rails};
use crate::https::{Https, Reply};

pub(super) const CHAT: &str = "/v1/chat/completions";
const CHECKS: &str = "/v1/checks";
pub(super) const CAMPAIGNS: &str = "/v1/campaigns";
/// What ended a thread each time: letters of several bytes before an ending that roots of words are cut at.
pub(super) const TEXT: &str = "a丸ing 丸丸ing éééing ßßest";
/// Below what a request to inference or guardrails may have, of 256 KiB.
const BLANKS: usize = 250_000;
const BRIEF: usize = 100_000;

/// A guardrails folder of the operator's with a template that a long text makes terabytes of, asked both ways; and folders of
/// campaigns, whose templates take all memory or all stack at once.
pub(super) fn templates(caller: &Caller<'_>) {
    let mut guardrails = caller.client(Service::Guardrails, HOSTILE, 1);
    let mut orchestrator = caller.client(Service::Orchestrator, HOSTILE, 1);
    let long = checked(rails::TEMPLATE, &json!([user(&"line\n".repeat(rails::LONG))]));
    let folder =
        |template: &str| campaigns::new("never", "A sale.", &rails::self_check(rails::NO_MODEL, template));
    let memory = folder("{{ user_input | indent(100000000000000) }}");
    let stack = folder(&format!("{{{{ {}user_input }}}}", "not ".repeat(20_000)));
    caller.ask(|n| match n % 4 {
        0 => post(&mut guardrails, CHECKS, &long),
        1 => post(&mut guardrails, CHAT, &long),
        2 => post(&mut orchestrator, CAMPAIGNS, &memory),
        _ => post(&mut orchestrator, CAMPAIGNS, &stack),
    });
}

pub(super) fn texts(caller: &Caller<'_>) {
    let mut client = caller.client(Service::Guardrails, HOSTILE, 2);
    let text = format!("{TEXT} ").repeat(500);
    let messages = json!([user(&text), { "role": "assistant", "content": text }]);
    let body = checked(rails::WORDS, &messages);
    caller.ask(|_| post(&mut client, CHECKS, &body));
}

pub(super) fn schemas(caller: &Caller<'_>) {
    let mut client = caller.client(Service::Inference, HOSTILE, 3);
    let mut body = maily_contracts::inference::request(&caller.all.model);
    let schema = json!({ "type": "number", "multipleOf": 1e-9 });
    let schema = json!({ "name": "s", "schema": schema });
    body["response_format"] = json!({ "type": "json_schema", "json_schema": schema });
    caller.ask(|_| post(&mut client, CHAT, &body));
}

pub(super) fn blanks(caller: &Caller<'_>) {
    let mut client = caller.client(Service::Inference, HOSTILE, 4);
    let mut body = maily_contracts::inference::request(&caller.all.model);
    // The blanks alone could be some 2,000 tokens, which fit. Each digit is one, and the model has room for 8,192; no longer than
    // that, for a body of 256 KiB is refused before it is cut.
    body["messages"] = json!([user(&(" ".repeat(BLANKS) + &"1".repeat(9_000)))]);
    caller.ask(|_| post(&mut client, CHAT, &body));
}

pub(super) fn briefs(caller: &Caller<'_>) {
    let mut client = caller.client(Service::Guardrails, HOSTILE, 5);
    let brief: String = "A spring sale\nof teas. ".chars().cycle().take(BRIEF).collect();
    let body = checked(rails::PATTERNS, &json!([user(&brief)]));
    caller.ask(|_| post(&mut client, CHECKS, &body));
}

/// From the address of those who opt out.
pub(super) fn junk_links(caller: &Caller<'_>) {
    let plan = &caller.all.plan;
    let mut client = Https::new(&plan.ca(), &plan.edge(Service::Compliance));
    // As long as a link's, and no other sign than one has.
    caller.ask(|n| client.post_form(&format!("/u/{n:0>44}"), "List-Unsubscribe=One-Click"));
}

pub(super) fn other_scopes(caller: &Caller<'_>) {
    let mut guardrails = caller.client(Service::Guardrails, INFERS, 6);
    let mut orchestrator = caller.client(Service::Orchestrator, INFERS, 6);
    let mut mail = caller.client(Service::Orchestrator, HOSTILE, 6);
    let mut inference = caller.client(Service::Inference, JUDGES, 6);
    let body = maily_contracts::inference::request(&caller.all.model);
    caller.ask(|n| match n % 4 {
        0 => guardrails.get("/v1/rails/configs"),
        1 => post(&mut orchestrator, CAMPAIGNS, &json!({})),
        2 => mail.get("/v1/campaigns/none/report"),
        _ => post(&mut inference, CHAT, &body),
    });
}

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

/// What both of guardrails' calls read.
fn checked(config: &str, messages: &Value) -> Value {
    json!({ "model": "any", "config_id": config, "messages": messages })
}

pub(super) fn post(client: &mut Https, path: &str, body: &Value) -> Result<Reply> {
    client.send("POST", path, "Content-Type: application/json\r\n", body.to_string().as_bytes())
}
