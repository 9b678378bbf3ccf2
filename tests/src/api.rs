//! The orchestrator's API as an application of somebody's would use it, without our client.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use maily_testkit::pause;
use serde_json::{Value, json};

use crate::https::{Https, Reply};

const DEADLINE: Duration = Duration::from_secs(600);

/// One campaign.
pub struct Campaign {
    https: Https,
    path: String,
}

impl Campaign {
    /// Creates a campaign with this id from a folder, and gives it its list.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    pub fn create(https: Https, id: &str, folder: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let guardrails = ["config.yml", "rails.co"]
            .map(|name| json!({ "path": name, "content": read(&format!("guardrails/{name}")) }));
        let new = json!({
            "id": id, "campaign": read("campaign.yaml"), "brand": read("brand.md"), "guardrails": guardrails,
        });
        let mut campaign = Self { https, path: format!("/v1/campaigns/{id}") };
        let json = "Content-Type: application/json\r\n";
        let body = serde_json::to_vec(&new).unwrap();
        campaign.ask("POST", "/v1/campaigns", json, &body);
        let list = format!("{}/subscribers", campaign.path);
        campaign.ask("PUT", &list, "Content-Type: text/csv\r\n", read("subscribers.csv").as_bytes());
        campaign
    }

    /// Starts it.
    pub fn start(&mut self) {
        let path = format!("{}/start", self.path);
        self.ask("POST", &path, "", b"");
    }

    /// How far it is.
    pub fn status(&mut self) -> Value {
        let path = self.path.clone();
        self.ask("GET", &path, "", b"").json()
    }

    /// Waits until it is done, telling `look` every status and when it was asked for; answers the report.
    ///
    /// # Panics
    /// It fails, or takes too long.
    pub fn wait(&mut self, mut look: impl FnMut(Instant, &Value)) -> Value {
        let end = Instant::now() + DEADLINE;
        loop {
            let asked = Instant::now();
            let status = self.status();
            look(asked, &status);
            match status["state"].as_str() {
                Some("done") => break,
                Some("running") => {}
                _ => panic!("the campaign does not run: {status}"),
            }
            assert!(Instant::now() < end, "the campaign does not end: {status}");
            pause();
        }
        self.report()
    }

    /// The report of one that is done.
    pub fn report(&mut self) -> Value {
        let path = format!("{}/report", self.path);
        self.ask("GET", &path, "", b"").json()
    }

    /// The mail folder of a region.
    pub fn mail(&mut self, region: &str) -> String {
        let path = format!("{}/mail/{region}", self.path);
        self.ask("GET", &path, "", b"").text()
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let reply = self.https.send(method, path, headers, body).unwrap();
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
        reply
    }
}
