//! A project of docker-compose: a platform in containers, with a name, ports and volumes of its own.

use std::{
    collections::BTreeMap,
    env, fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use maily_testkit::{cache, ports, rest};
use maily_tests::{
    https::Https,
    peers::{Said, run},
    say,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

use crate::{docker, root};

const DEADLINE: Duration = Duration::from_secs(300);
/// In the order of the ports from the first on.
const PORTS: [&str; 9] = [
    "STORAGE",
    "COMPLIANCE",
    "GUARDRAILS",
    "INFERENCE",
    "ORCHESTRATOR",
    "OFFICER",
    "VAULT",
    "PROMETHEUS",
    "S3",
];
/// What ends when it has done its work.
pub const ONCE: [&str; 3] = ["bootstrap", "admit", "campaign"];

/// The two programs that read docker/compose.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Program {
    /// Debian's `docker-compose`, 1.29.
    Standalone,
    /// `docker compose`, v2.
    Plugin,
}

/// A platform in containers, and a folder for files of whoever works with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Project {
    program: Program,
    name: String,
    first: u16,
    settings: BTreeMap<String, String>,
    #[serde(skip, default = "room")]
    room: TempDir,
}

/// A project that is taken down with everything that it made when this is dropped.
pub struct Owned(Project);

impl Deref for Owned {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

fn room() -> TempDir {
    tempfile::tempdir().unwrap()
}

impl Project {
    /// The same project for somebody else, with a folder of their own.
    #[must_use]
    pub fn handle(&self) -> Self {
        let (program, name, first) = (self.program, self.name.clone(), self.first);
        Self { program, name, first, settings: self.settings.clone(), room: room() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A place for a test's own files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// `127.0.0.1:PORT` of one of [`PORTS`].
    ///
    /// # Panics
    /// There is none of that name.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        let at = PORTS.iter().position(|port| *port == name).unwrap();
        format!("127.0.0.1:{}", self.first + u16::try_from(at).unwrap())
    }

    /// A command with the project's settings, and with the client first that can build.
    #[must_use]
    pub fn command(&self, mut command: Command) -> Command {
        let docker = docker::client();
        let path = format!("{}:{}", docker.parent().unwrap().display(), env::var("PATH").unwrap_or_default());
        command.envs(&self.settings).env("PATH", path).env("COMPOSE_PROJECT_NAME", &self.name);
        command.env("DOCKER_BUILDKIT", "1").env("COMPOSE_DOCKER_CLI_BUILD", "1");
        command.current_dir(root().join("docker/compose"));
        command
    }

    /// docker-compose, as a developer runs it.
    ///
    /// # Panics
    /// It fails.
    pub fn compose(&self, arguments: &[&str]) -> Said {
        let said = self.attempt(arguments);
        assert!(said.ok(), "docker-compose {arguments:?}: {}", said.all());
        said
    }

    /// The same, whatever becomes of it.
    #[must_use]
    pub fn attempt(&self, arguments: &[&str]) -> Said {
        let mut command = match self.program {
            Program::Standalone => Command::new("/usr/bin/docker-compose"),
            Program::Plugin => {
                let mut docker = Command::new(docker::client());
                docker.arg("compose").env("DOCKER_CONFIG", cache::dir().join("bin/docker-config"));
                docker
            }
        };
        command.args(arguments);
        run(&mut self.command(command), b"")
    }

    /// The images that its services are made of.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        let said = self.compose(&["config"]);
        let images = said.out.lines().filter_map(|line| line.trim().strip_prefix("image: "));
        let mut images: Vec<String> = images.map(ToOwned::to_owned).collect();
        images.sort_unstable();
        images.dedup();
        images
    }

    /// Starts it and waits until everything that has a health check is healthy.
    pub fn up(&self) {
        let begun = Instant::now();
        let said = self.attempt(&["up", "-d", "--no-build"]);
        assert!(said.ok(), "docker-compose up: {}\n{}", said.all(), self.last_words());
        self.wait();
        say(format_args!("{} is up after {:.1} s", self.name, begun.elapsed().as_secs_f32()));
    }

    /// Waits until everything that has a health check is healthy.
    ///
    /// # Panics
    /// That takes too long, or something that runs once failed.
    pub fn wait(&self) {
        let end = Instant::now() + DEADLINE;
        loop {
            let waiting: Vec<String> = self.containers().iter().filter_map(unready).collect();
            if waiting.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "not ready: {}\n{}", waiting.join("; "), self.last_words());
            rest();
        }
    }

    /// What Docker knows of its containers; of one that `run` made, nothing.
    #[must_use]
    pub fn containers(&self) -> Vec<Value> {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let own = "label=com.docker.compose.oneoff=False";
        let ids = docker::lines(&["ps", "--all", "--quiet", "--filter", &project, "--filter", own]);
        match ids.is_empty() {
            true => Vec::new(),
            false => docker::inspect(&ids.iter().map(String::as_str).collect::<Vec<_>>()),
        }
    }

    /// The container of a service.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn container(&self, name: &str) -> String {
        let containers = self.containers();
        let found = containers.iter().find(|container| service(container) == name);
        found.unwrap_or_else(|| panic!("no container of {name}"))["Id"].as_str().unwrap().to_owned()
    }

    /// Runs the sample campaign to its end and fetches what it wrote, by the commands of docker/README.md.
    pub fn campaign(&self, to: &Path) {
        let container = format!("{}-client", self.name);
        let begun = Instant::now();
        self.compose(&["run", "--name", &container, "campaign"]);
        let _ = docker::ask(&["cp", &format!("{container}:/var/lib/maily/out"), &to.to_string_lossy()]);
        let _ = docker::ask(&["rm", &container]);
        say(format_args!("the campaign took {:.1} s", begun.elapsed().as_secs_f32()));
    }

    /// A file of a volume.
    #[must_use]
    pub fn read(&self, volume: &str, file: &str) -> String {
        let mount = format!("{}_{volume}:/volume:ro", self.name);
        docker::ask(&[
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            &mount,
            "debian:bookworm-slim",
            "cat",
            &format!("/volume/{file}"),
        ])
    }

    /// Names of the files in a volume.
    #[must_use]
    pub fn list(&self, volume: &str) -> Vec<String> {
        let mount = format!("{}_{volume}:/volume:ro", self.name);
        docker::lines(&[
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            &mount,
            "debian:bookworm-slim",
            "ls",
            "-A",
            "/volume",
        ])
    }

    /// A client of an edge listener, with this key.
    ///
    /// # Panics
    /// The authority can't be written.
    #[must_use]
    pub fn https(&self, name: &str, key: &str) -> Https {
        let ca = self.path("ca.pem");
        fs::write(&ca, self.read("client-secrets", "ca.pem")).unwrap();
        Https::new(&ca, &self.address(name)).bearer(key)
    }

    /// One of `scripts/`, on this project.
    #[must_use]
    pub fn script(&self, name: &str, arguments: &[&str]) -> Said {
        let mut command = crate::script(name);
        command.args(arguments);
        run(&mut self.command(command), b"")
    }

    /// Takes it down; its volumes too, if `all`.
    pub fn down(&self, all: bool) {
        let volumes: &[&str] = if all { &["--volumes"] } else { &[] };
        self.compose(&[&["down", "--timeout", "30", "--remove-orphans"], volumes].concat());
    }

    /// What Docker still has of it.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let label = format!("label=com.docker.compose.project={}", self.name);
        let all =
            ["ps --all --format {{.Names}}", "volume ls --format {{.Name}}", "network ls --format {{.Name}}"];
        let list = |what: &str| {
            let mut arguments: Vec<&str> = what.split(' ').collect();
            arguments.extend(["--filter", &label]);
            docker::lines(&arguments)
        };
        all.into_iter().flat_map(list).collect()
    }

    /// The ends of its logs.
    fn last_words(&self) -> String {
        self.attempt(&["logs", "--no-color", "--tail", "15"]).out
    }
}

impl Owned {
    /// A project that is not up yet; `settings` are those of docker/compose/.env.
    ///
    /// # Panics
    /// There are no free ports.
    #[must_use]
    pub fn new(program: Program, name: &str, tag: &str, settings: &[(&str, &str)]) -> Self {
        let first = ports::free_block(u16::try_from(PORTS.len()).unwrap()).unwrap();
        let model = cache::model();
        // The campaign of docker/compose/.env.
        maily_testkit::sample().unwrap();
        let mut all = BTreeMap::from([
            ("MAILY_TAG".to_owned(), tag.to_owned()),
            ("MAILY_MODELS".to_owned(), model.parent().unwrap().display().to_string()),
            ("MAILY_MODEL_FILE".to_owned(), model.file_name().unwrap().to_string_lossy().into_owned()),
        ]);
        for (at, port) in (first..).zip(PORTS) {
            all.insert(format!("MAILY_PORT_{port}"), at.to_string());
        }
        all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let name = format!("maily-{name}-{}", std::process::id());
        Self(Project { program, name, first, settings: all, room: room() })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(self.0.last_words());
        }
        let _ = docker::attempt(&["rm", "--force", &format!("{}-client", self.0.name)]);
        let _ = self.0.attempt(&["down", "--timeout", "5", "--remove-orphans", "--volumes"]);
    }
}

/// The name of a container's service.
///
/// # Panics
/// It is none of compose's.
#[must_use]
pub fn service(container: &Value) -> &str {
    container["Config"]["Labels"]["com.docker.compose.service"].as_str().unwrap()
}

/// What a container is still waited for, if it is.
fn unready(container: &Value) -> Option<String> {
    let (name, state) = (service(container), &container["State"]);
    if ONCE.contains(&name) {
        assert!(state["Status"] != "exited" || state["ExitCode"] == 0, "{name} failed: {state}");
        return (state["Status"] != "exited").then(|| format!("{name} is {}", state["Status"]));
    }
    let health = &state["Health"]["Status"];
    (health != "healthy").then(|| format!("{name} is {} and {health}", state["Status"]))
}

/// Whether a file holds any of these.
///
/// # Panics
/// It can't be read.
#[must_use]
pub fn holds<'a>(file: &Path, words: &[&'a str]) -> Option<&'a str> {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    words.iter().copied().find(|word| text.contains(word))
}
