//! A campaign that runs beside what happens to the cluster, by the client that people use.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use maily_cluster_tests::{cluster::Cluster, program, tunnel};
use maily_testkit::pause;
use maily_tests::{report::timeless, say};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(600);

/// A client at work.
pub(crate) struct Campaign {
    child: Child,
    out: PathBuf,
    logs: [PathBuf; 2],
    begun: Instant,
}

/// What it brought.
pub(crate) struct Done {
    /// What it printed, without the line of times.
    pub(crate) table: Vec<String>,
    /// Its report, without times.
    pub(crate) report: Value,
}

impl Campaign {
    /// The sample campaign, told apart from one that ran before.
    pub(crate) fn start(cluster: &Cluster, name: &str) -> Self {
        Self::run(cluster, name, &sample(cluster, name))
    }

    /// The very campaign that the smoke test ran: it is done, and only fetched.
    pub(crate) fn of_the_smoke_test(cluster: &Cluster) -> Self {
        Self::run(cluster, "smoke", &maily_testkit::sample().unwrap())
    }

    fn run(cluster: &Cluster, name: &str, folder: &Path) -> Self {
        let (ca, key) = cluster.client_files();
        let address = tunnel::open(SocketAddr::from((cluster.address("orchestrator"), 8443)));
        let out = cluster.path(&format!("{name}/run"));
        fs::create_dir_all(out.parent().unwrap()).unwrap();
        let logs = ["out", "err"].map(|kind| cluster.path(&format!("{name}.{kind}")));
        let [stdout, stderr] = logs.each_ref().map(|log| File::create(log).unwrap());
        let mut command = Command::new(program("maily-orchestrator"));
        command.args(["campaign", "run", "--dir"]).arg(folder).arg("--out").arg(&out);
        command.args(["--url", &format!("https://localhost:{}", address.port()), "--ca"]).arg(ca);
        command.arg("--key-file").arg(key).args(["--timeout", &LIMIT.as_secs().to_string()]);
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().unwrap();
        Self { child, out, logs, begun: Instant::now() }
    }

    /// Waits until its list is taken: from then on copy is written.
    pub(crate) fn wait_for_work(&self) {
        while !fs::read_to_string(&self.logs[1]).unwrap().lines().any(|line| line.starts_with("imported")) {
            assert!(self.begun.elapsed() < LIMIT, "the campaign did not begin");
            pause();
        }
    }

    /// # Panics
    /// It has ended, before `what`.
    pub(crate) fn assert_running(&self, what: &str) {
        let said = || self.logs.each_ref().map(|log| fs::read_to_string(log).unwrap()).concat();
        assert!(is_alive(self.child.id()), "the campaign ended before {what}: {}", said());
    }

    pub(crate) fn finish(mut self) -> Done {
        let code = self.child.wait().unwrap().code();
        let [out, err] = self.logs.each_ref().map(|log| fs::read_to_string(log).unwrap());
        assert_eq!(code, Some(0), "{out}{err}");
        say(format_args!("the campaign took {:.1} s", self.begun.elapsed().as_secs_f32()));
        let report = fs::read(self.out.join("report.json")).unwrap();
        Done { table: table(&out), report: timeless(&serde_json::from_slice(&report).unwrap()) }
    }
}

/// The sample, told apart from one that ran before by a comment: the same campaign would only be fetched again.
fn sample(cluster: &Cluster, name: &str) -> PathBuf {
    let (from, to) = (maily_testkit::sample().unwrap(), cluster.path(&format!("{name}/campaign")));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-r").args([&from, &to]).status().unwrap().success());
    let file = to.join("campaign.yaml");
    fs::write(&file, format!("{}# {name}\n", fs::read_to_string(&file).unwrap())).unwrap();
    to
}

/// A process that ended and was not waited for is a zombie: it does not run.
fn is_alive(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The lines of a printed report, spaces folded, from `rows` to the line of times.
pub(crate) fn table(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let from = lines.skip_while(|line| !line.starts_with("rows "));
    from.take_while(|line| !line.contains(" s, of which ")).collect()
}
