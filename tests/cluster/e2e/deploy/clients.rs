//! People's clients of every service, each in a loop.

use std::{fs, time::Duration};

use maily_cluster_tests::{cluster::Cluster, watcher::Watcher};
use maily_tests::{https::Https, say};

/// Service, what is asked for, and the answer that shows that the service itself looked: those of storage and compliance are
/// about a signature and a link that are not there.
const ASKED: [(&str, &str, u16); 5] = [
    ("inference", "/v1/models", 200),
    ("guardrails", "/v1/rails/configs", 200),
    ("orchestrator", "/v1/campaigns/none", 404),
    ("compliance", "/u/none", 404),
    ("storage", "/", 403),
];
/// There are several of these, or one more while they are replaced: their clients need no patience.
const REPLICATED: [&str; 2] = ["inference", "guardrails"];

/// The running loops.
pub(crate) struct Clients(Vec<(&'static str, Watcher)>);

impl Clients {
    /// Starts them; the clients of services with one replica hold for so long.
    pub(crate) fn start(cluster: &Cluster, hold: Duration) -> Self {
        let (ca, key) = cluster.client_files();
        let key = fs::read_to_string(key).unwrap().trim().to_owned();
        let watch = |&(service, path, status): &(&'static str, &'static str, u16)| {
            let (ca, key) = (ca.clone(), key.clone());
            let address = format!("{}:8443", cluster.address(service));
            let client = move || Https::new(&ca, &address).bearer(&key);
            let hold = if REPLICATED.contains(&service) { Duration::ZERO } else { hold };
            (service, Watcher::start(client, path, status, hold))
        };
        Self(ASKED.iter().map(watch).collect())
    }

    /// Ends them; none may have seen a failure.
    pub(crate) fn assert_served(self) {
        let seen: Vec<_> = self.0.into_iter().map(|(service, watcher)| (service, watcher.stop())).collect();
        for (service, seen) in &seen {
            say(format_args!(
                "{service}: {} answers, the slowest after {:.1} s",
                seen.answered,
                seen.longest.as_secs_f32()
            ));
        }
        seen.iter().for_each(|(service, seen)| seen.assert_served(service));
    }
}
