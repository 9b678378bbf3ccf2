//! `cargo xtask up`: from a fresh clone to a finished campaign.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use clap::{Args, value_parser};
use maily_testkit::{Event, Plan, Service, Stack, ports};

use crate::{
    clones, fetch,
    shell::{Result, cargo, root, say},
};

const TICK: Duration = Duration::from_millis(100);
const CLIENT_GRACE: Duration = Duration::from_secs(5);
const CARGO_GRACE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Options {
    /// The campaign to run: a folder with campaign.yaml, subscribers.csv, brand.md and guardrails/; without it the sample,
    /// with dates of today.
    #[arg(long, value_name = "DIR")]
    campaign: Option<PathBuf>,
    /// Where report.json and mail/REGION.mbox are put.
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// Run the campaign, print the report, stop everything; exit 0 only if every row is accounted for.
    #[arg(long)]
    once: bool,
    /// Where state is kept; a second `up` goes on with it.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Forget the state in --data first.
    #[arg(long)]
    fresh: bool,
    /// First of the 17 ports on 127.0.0.1 that the stack uses.
    #[arg(long, value_name = "PORT", default_value_t = ports::BASE, value_parser = value_parser!(u16).range(1024..=65_519))]
    port_base: u16,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let folder = match &options.campaign {
        Some(folder) => folder.clone(),
        None => maily_testkit::sample().map_err(|error| error.to_string())?,
    };
    if !folder.join("campaign.yaml").is_file() {
        eprintln!("cargo xtask: {} holds no campaign.yaml", folder.display());
        return Ok(ExitCode::from(66));
    }
    fetch_and_build()?;
    if options.fresh {
        forget(&options.data)?;
    }
    let interrupted = watch_signals()?;
    let plan = Plan::new(&options.data, options.port_base).map_err(|error| error.to_string())?;
    let mut stack = Stack::start(plan, tell).map_err(|error| error.to_string())?;
    let done = campaign(&folder, options, &mut stack, &interrupted);
    if !options.once && matches!(done, Ok(Some(_))) {
        clones::give_up();
        addresses(stack.plan());
        stay(&mut stack, &interrupted)?;
    }
    say("Stopping");
    stack.stop();
    Ok(done?.map_or(ExitCode::from(130), ExitCode::from))
}

/// Fetches the model and the workflow engine while cargo builds; what can't be fetched ends the build at once.
pub(crate) fn fetch_and_build() -> Result<()> {
    let fetching = thread::spawn(fetch::for_up);
    let mut building = start_build(&[])?;
    while !fetching.is_finished() {
        if building.try_wait().map_err(|error| error.to_string())?.is_some() {
            break;
        }
        maily_testkit::pause();
    }
    if fetching.is_finished() {
        let fetched = fetching.join().unwrap_or_else(|_| Err("fetching ended by a panic".to_owned()));
        if fetched.is_err() {
            maily_testkit::stop(&mut building, CARGO_GRACE);
        }
        fetched?;
        return built(&mut building);
    }
    built(&mut building)?;
    say("Waiting for what is still being fetched");
    fetching.join().unwrap_or_else(|_| Err("fetching ended by a panic".to_owned()))
}

/// Builds what runs, and `more` packages' programs; cargo shows its own progress.
pub(crate) fn build(more: &[&str]) -> Result<()> {
    built(&mut start_build(more)?)
}

fn start_build(more: &[&str]) -> Result<Child> {
    say("Building the services (from nothing 12 to 25 minutes on two cores, after a change up to a minute)");
    let services = Service::ALL.map(|service| format!("--package=maily-{}", service.name()));
    let mut cargo = cargo(&["build", "--bins", "--package=maily-xtask"]);
    cargo.args(services).args(more.iter().map(|package| format!("--package={package}")));
    cargo.spawn().map_err(|error| format!("cargo: {error}"))
}

fn built(building: &mut Child) -> Result<()> {
    let status = building.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("the programs do not build ({status})")) }
}

/// Runs the client to its end while the stack is tended; its exit code, or none when interrupted.
fn campaign(
    folder: &Path,
    options: &Options,
    stack: &mut Stack,
    interrupted: &Receiver<()>,
) -> Result<Option<u8>> {
    say(&format!("Running the campaign {}", folder.display()));
    let mut command = stack.plan().client(folder, &options.out);
    let mut client = Client(command.spawn().map_err(|error| format!("the client: {error}"))?);
    loop {
        if let Some(status) = client.0.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(u8::try_from(status.code().unwrap_or(70)).unwrap_or(70)));
        }
        if !tick(stack, interrupted)? {
            return Ok(None);
        }
    }
}

/// The client of a campaign: not left behind, whatever ends this, and given time to remove what it has half written.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        maily_testkit::stop(&mut self.0, CLIENT_GRACE);
    }
}

fn stay(stack: &mut Stack, interrupted: &Receiver<()>) -> Result<()> {
    say("Up. Ctrl-C stops everything.");
    while tick(stack, interrupted)? {}
    Ok(())
}

/// One round of looking after the stack; false once interrupted.
fn tick(stack: &mut Stack, interrupted: &Receiver<()>) -> Result<bool> {
    match interrupted.recv_timeout(TICK) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(false),
        Err(RecvTimeoutError::Timeout) => {
            stack.tend(tell).map_err(|error| error.to_string())?;
            Ok(true)
        }
    }
}

fn tell(event: Event) {
    match event {
        Event::Starting(name) => say(&format!("Starting {name}")),
        Event::Ready(name, after) => say(&format!("{name} is ready (waited {:.1} s)", after.as_secs_f32())),
        Event::Restarted(name) => say(&format!("{name} ended by itself and was started again")),
    }
}

/// The first Ctrl-C (or SIGTERM) ends gracefully, the second at once.
fn watch_signals() -> Result<Receiver<()>> {
    let (send, receive) = channel();
    let again = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler(move || {
        if again.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        let _ = send.send(());
    })
    .map_err(|error| error.to_string())?;
    Ok(receive)
}

/// Removes a data folder, if it is one.
fn forget(data: &Path) -> Result<()> {
    if !data.exists() {
        return Ok(());
    }
    if !data.join("config/orchestrator.toml").is_file()
        && fs::read_dir(data).is_ok_and(|mut d| d.next().is_some())
    {
        return Err(format!("--fresh: {} is not empty and not a data folder of ours", data.display()));
    }
    maily_testkit::stop_left_running(data, Duration::from_secs(20)).map_err(|error| error.to_string())?;
    fs::remove_dir_all(data).map_err(|error| format!("{}: {error}", data.display()))
}

/// What a privacy officer types to see what is kept about the person whose address is on standard input.
fn officer(plan: &Plan) -> String {
    typed(&plan.officer_command(&["subject", "find", "-"]))
}

/// What somebody types to run a campaign folder on this stack, `DIR`.
fn campaign_run(plan: &Plan) -> String {
    typed(&plan.client(Path::new("DIR"), Path::new("OUT")))
}

/// A command as it is typed in the repository's root.
fn typed(command: &std::process::Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let short = |word: &std::ffi::OsStr| {
        let path = Path::new(word);
        path.strip_prefix(root()).unwrap_or(path).display().to_string()
    };
    words.map(short).collect::<Vec<_>>().join(" ")
}

fn addresses(plan: &Plan) {
    println!("\nEdge listeners (TLS 1.3; trust {}):", plan.ca().display());
    let all = [
        (Service::Inference, "/v1", "OpenAI API"),
        (Service::Guardrails, "/v1", "NeMo Guardrails API"),
        (Service::Storage, "", "S3 API"),
        (Service::Compliance, "/u/…", "unsubscribe links (RFC 8058)"),
        (Service::Orchestrator, "/v1/campaigns", "campaigns"),
    ];
    for (service, path, what) in all {
        println!("  https://{}{path:<15} {what}", plan.edge(service));
    }
    if let Ok(key) = plan.edge_key() {
        println!("Key (Authorization: Bearer …): {key}");
    }
    println!("Another campaign:\n  {}", campaign_run(plan));
    println!("S3 keys: {}", plan.s3_credentials().display());
    println!("Officer listener (a key of its own): https://{}", plan.officer());
    println!("  {}", officer(plan));
    println!("Health:");
    for service in Service::ALL {
        println!("  http://{}/readyz  {}", plan.health(service), service.name());
    }
    println!(
        "Logs: {}\n",
        plan.data().join("logs").strip_prefix(root()).map_or_else(
            |_| plan.data().join("logs").display().to_string(),
            |short| short.display().to_string()
        )
    );
}
