//! Campaigns with something in them that ended a service, or that could never end themselves.

use std::{
    fs,
    io::{Error, ErrorKind, Result},
};

use maily_testkit::{Service, pause};
use serde_json::{Value, json};

use super::{
    BROKEN, Caller, HOSTILE, LOCAL, broken, rails,
    requests::{CAMPAIGNS, TEXT, post},
};
use crate::{
    folder,
    https::{Https, Reply},
};

/// People of nobody else's campaign.
const PEOPLE: std::ops::Range<usize> = 900_000..900_003;
/// Bytes of the longest brief that a campaign may have.
const BRIEF: usize = 16 << 10;

/// The body that creates a campaign with this brief and these rails.
pub(super) fn new(id: &str, brief: &str, rails: &str) -> Value {
    let yaml = format!(
        "name: {id}\nbrand: Fernhill\nbrief: {brief}\noffer: Save 20% until 5 April 2026.\n\
         sender:\n  name: Fernhill Garden Shop\n  email: hello@fernhill.example.com\n  \
         postal_address: Fernhill Ltd, 12 Orchard Lane, Bath BA1 9ZZ, United Kingdom\n  country: GB\n\
         unsubscribe_base_url: https://mail.fernhill.example.com/unsubscribe\nseed: 7\n"
    );
    let guardrails = [json!({ "path": "config.yml", "content": rails })];
    json!({ "id": id, "campaign": yaml, "brand": "Plain words.", "guardrails": guardrails })
}

/// In turns one whose rails end whatever renders them, and one whose rails take long on its brief. Nothing may be written of
/// either, and each has to come to an end.
pub(super) fn poisoned(caller: &Caller<'_>) {
    // Rails with a model that is not served are refused before anything of them can do harm.
    let model = caller.all.model.as_str().unwrap_or_default();
    caller.each(|n| {
        let id = format!("poisoned-{n}");
        let new = match n % 2 {
            0 => new(&id, "Our spring sale has started, and all are welcome.", &rails::template(model)),
            _ => new(&id, &"ab".repeat(BRIEF / 2), &rails::patterns()),
        };
        ended(caller, &id, &new, 10)
    });
}

/// The sample, whose offer has such words in it: the model never reads an offer, so that its answers are recorded, and every
/// rail that compares a mail with its sources does.
pub(super) fn texts(caller: &Caller<'_>) {
    let sample = folder::sample();
    let read = |name: &str| fs::read_to_string(sample.join(name)).unwrap();
    let offer = "with the code SPRING20";
    let yaml = read("campaign.yaml");
    assert!(yaml.contains(offer), "the sample has another offer");
    let yaml = yaml.replacen(offer, &format!("{offer} for {TEXT}"), 1);
    let guardrails = ["config.yml", "rails.co"]
        .map(|name| json!({ "path": name, "content": read(&format!("guardrails/{name}")) }));
    let brand = read("brand.md");
    caller.each(|n| {
        let id = format!("texts-{n}");
        let new = json!({ "id": id, "campaign": yaml, "brand": brand, "guardrails": guardrails });
        ended(caller, &id, &new, 11)
    });
}

/// Runs a campaign to its end: its state, and the messages that were written.
fn ended(caller: &Caller<'_>, id: &str, new: &Value, host: u8) -> Result<String> {
    let mut client = caller.client(Service::Orchestrator, HOSTILE, host);
    let path = format!("{CAMPAIGNS}/{id}");
    let list = PEOPLE.map(|n| folder::row(n, "GB", "en-GB", "loyal-customers") + "\n").collect::<String>();
    let list = format!("{}\n{list}", folder::HEADER);
    taken(caller, || post(&mut client, CAMPAIGNS, new))?;
    let csv = "Content-Type: text/csv\r\n";
    taken(caller, || client.send("PUT", &format!("{path}/subscribers"), csv, list.as_bytes()))?;
    taken(caller, || client.send("POST", &format!("{path}/start"), "", b""))?;
    let state = loop {
        let state = taken(caller, || client.get(&path))?.json()["state"].clone();
        if !["imported", "running"].contains(&state.as_str().unwrap_or_default()) {
            break state;
        }
        pause();
    };
    if state != "done" {
        return Ok(state.as_str().unwrap_or_default().to_owned());
    }
    let mut mail = caller.client(Service::Orchestrator, LOCAL, host);
    let report = taken(caller, || mail.get(&format!("{path}/report")))?;
    Ok(format!("done, {} written", report.json()["written"]))
}

/// Asks until it is taken, however much is under way.
pub(super) fn taken(caller: &Caller<'_>, mut ask: impl FnMut() -> Result<Reply>) -> Result<Reply> {
    loop {
        match ask() {
            Ok(reply) if (200..300).contains(&reply.status) => return Ok(reply),
            Ok(reply) if ![429, 503].contains(&reply.status) => {
                return Err(Error::other(format!("{}: {}", reply.status, reply.text())));
            }
            Err(error) if broken(&error) != BROKEN => return Err(error),
            _ if caller.all.are_late() => return Err(ErrorKind::TimedOut.into()),
            _ => pause(),
        }
    }
}

/// A client of a campaign that has been created and waits for its list.
pub(super) fn created(caller: &Caller<'_>, id: &str, host: u8) -> Result<Https> {
    let mut client = caller.client(Service::Orchestrator, HOSTILE, host);
    let new = new(id, "A sale.", "rails:\n  output:\n    flows: [email check facts]\n");
    taken(caller, || post(&mut client, CAMPAIGNS, &new))?;
    Ok(client)
}
