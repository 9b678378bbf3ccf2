//! A whole stack for a test: started in a folder of its own, tended while a client runs, its logs shown on failure.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use maily_testkit::{Plan, Redis, Service, Stack, pause, ports, program, workspace};
use serde_json::Value;
use tempfile::TempDir;

use crate::{https::Https, say};

/// No campaign of a test takes longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(900);
/// Ports of a stack, and some of a test's own behind them.
const PORTS: u16 = 20;
/// The folder that the model's answers are recorded in; without this variable it answers nothing.
const RECORD: &str = "MAILY_RECORD";
/// What every sentence about an answer that is not recorded says (`tests/recorded`).
const HOW: &str = "`cargo xtask record`";

/// A running stack in a folder that is gone afterwards, unless the test fails.
pub struct Platform {
    /// The processes.
    pub stack: Stack,
    room: Room,
    runs: usize,
}

/// A folder that is removed at the end, unless the test fails.
pub struct Room(TempDir);

/// A plan whose services all have this Redis.
#[must_use]
pub fn with_redis(plan: Plan, redis: &Redis) -> Plan {
    Service::ALL.iter().fold(plan, |plan, service| {
        let settings = [
            format!("redis.address={}", redis.address()),
            format!("redis.ca={}", redis.ca().display()),
            format!("redis.password={}", redis.password().display()),
            // This machine is busy with other tests.
            "redis.wait_millis=200".to_owned(),
        ];
        settings.iter().fold(plan, |plan, setting| plan.set(*service, setting))
    })
}

/// How a client's run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
    /// From its start to its end.
    pub took: Duration,
    /// The largest resident set that it was seen with, in KiB.
    pub peak_kib: u64,
}

impl Platform {
    /// Starts a stack, planned as `with` changes it.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn start(with: impl FnOnce(Plan) -> Plan) -> Self {
        Self::start_in(Room::new(), with)
    }

    /// Starts a stack in a folder that may hold some state already, below `data`.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn start_in(room: Room, with: impl FnOnce(Plan) -> Plan) -> Self {
        let begun = Instant::now();
        let plan = Plan::new(&room.data(), ports::free_block(PORTS).unwrap()).unwrap();
        let stack = Stack::start(with(plan), |_| {}).unwrap_or_else(|error| panic!("{error}"));
        say(format_args!("the stack was ready after {:.1} s", begun.elapsed().as_secs_f32()));
        Self { stack, room, runs: 0 }
    }

    /// Starts a stack whose model's answers are recorded ones, for a test whose subject is not the model.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn recorded(with: impl FnOnce(Plan) -> Plan) -> Self {
        Self::recorded_in(Room::new(), with)
    }

    /// The same in a folder that may hold some state already.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn recorded_in(room: Room, with: impl FnOnce(Plan) -> Plan) -> Self {
        Self::start_in(room, |plan| with(recorded(plan)))
    }

    /// Where everything is.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.stack.plan()
    }

    /// A place for a test's own files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.room.0.path().join(name)
    }

    /// An HTTPS client of a service's edge listener, with the right key.
    #[must_use]
    pub fn https(&self, service: Service) -> Https {
        Https::edge(self.plan(), service)
    }

    /// Runs a campaign to its end while the stack is tended.
    pub fn campaign(&mut self, folder: &Path, out: &Path) -> Outcome {
        self.campaign_while(folder, out, |_| {})
    }

    /// The same, calling `each` every few milliseconds.
    ///
    /// # Panics
    /// It does not end in time, a process that nobody killed ended, or an answer was needed that is not recorded.
    pub fn campaign_while(&mut self, folder: &Path, out: &Path, mut each: impl FnMut(&mut Stack)) -> Outcome {
        let begun = Instant::now();
        self.runs += 1;
        let logs = ["out", "err"].map(|kind| self.path(&format!("client-{}.{kind}", self.runs)));
        let mut client = Client(self.client(folder, out, &logs));
        let mut peak_kib = 0;
        loop {
            peak_kib = peak_kib.max(peak(client.0.id()).unwrap_or(0));
            if let Some(status) = client.0.try_wait().unwrap() {
                let [out, err] = logs.map(|log| fs::read_to_string(log).unwrap());
                assert_recorded(&self.room.data());
                return Outcome { code: status.code(), out, err, took: begun.elapsed(), peak_kib };
            }
            assert!(begun.elapsed() < DEADLINE, "the client did not end; log: {}", logs[1].display());
            each(&mut self.stack);
            self.stack.tend(|_| {}).unwrap();
            pause();
        }
    }

    fn client(&self, folder: &Path, out: &Path, logs: &[PathBuf; 2]) -> Child {
        self.plan()
            .client(folder, out)
            .stdin(Stdio::null())
            .stdout(File::create(&logs[0]).unwrap())
            .stderr(File::create(&logs[1]).unwrap())
            .spawn()
            .unwrap()
    }

    /// Asks the processes to end and waits until they have; answers the folder, for a stack to come.
    ///
    /// # Panics
    /// A service did not end gracefully, or an answer was needed that is not recorded.
    #[must_use]
    pub fn stop(self) -> Room {
        assert_recorded(&self.room.data());
        for (name, status) in self.stack.stop() {
            // Restate's own way to end isn't ours to judge.
            assert!(name == "restate" || status.success(), "{name} did not end gracefully: {status}");
        }
        self.room
    }
}

impl Room {
    /// An empty one.
    ///
    /// # Panics
    /// The disk is full, say.
    #[must_use]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("maily-").tempdir().unwrap())
    }

    /// One with the root keys of another stack: unsubscribe links are made with a key of the installation, and the same one
    /// makes the same mail.
    ///
    /// # Panics
    /// The disk is full, say.
    #[must_use]
    pub fn with_keyring(keyring: &[u8]) -> Self {
        let room = Self::new();
        room.write("compliance/keyring.json", keyring);
        room
    }

    /// Writes a file of the data folder that only its owner may read, before a stack starts there.
    ///
    /// # Panics
    /// It can't be written.
    pub fn write(&self, path: &str, content: &[u8]) {
        let file = self.data().join(path);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(file.parent().unwrap()).unwrap();
        let mut open = fs::OpenOptions::new();
        open.write(true).create_new(true).mode(0o600).open(&file).unwrap().write_all(content).unwrap();
    }

    /// The data folder of the stack.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            not_recorded(&self.data()).iter().for_each(say);
            say(format_args!("state and logs are kept: {}", self.0.path().display()));
        }
    }
}

impl Outcome {
    /// The report that a successful run wrote.
    ///
    /// # Panics
    /// The run failed.
    #[must_use]
    pub fn report(&self, out: &Path) -> Value {
        assert_eq!(self.code, Some(0), "the client failed: {}", self.err);
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap()
    }

    /// The one sentence that a failed run ended with.
    #[must_use]
    pub fn sentence(&self) -> &str {
        self.err.trim_end().lines().last().unwrap_or_default()
    }
}

/// What was asked of a stack's model and has no recorded answer, a sentence each.
fn not_recorded(data: &Path) -> BTreeSet<String> {
    let log = fs::read(data.join("logs/inference.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines = log.lines().filter(|line| line.contains(HOW));
    let sentence = |line| serde_json::from_str::<Value>(line).ok()?["message"].as_str().map(str::to_owned);
    lines.filter_map(sentence).collect()
}

/// Asserts that there was nothing of that kind.
pub(crate) fn assert_recorded(data: &Path) {
    let all = Vec::from_iter(not_recorded(data));
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The plan of a stack with recorded answers.
fn recorded(plan: Plan) -> Plan {
    let here = format!("service.recorded.workspace={}", workspace().display());
    let plan = plan.with_program(Service::Inference, program("maily-inference-recorded"));
    let plan = plan.set(Service::Inference, &here);
    match env::var_os(RECORD) {
        Some(folder) => {
            let there = format!("service.recorded.answers={}", folder.display());
            plan.set(Service::Inference, "service.recorded.record=true").set(Service::Inference, &there)
        }
        None => plan,
    }
}

/// A client that is not left behind when the test fails.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The largest resident set of a process so far (proc(5), `VmHWM`), in KiB.
#[must_use]
pub fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
