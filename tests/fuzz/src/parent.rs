//! The process that starts the others: finds out what has ended one, keeps the input, and goes on.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt, fs, io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    child::{BROKEN, PANICKED, SLOW},
    corpus,
    minimise::minimise,
    state::{Noted, Shared, digest},
    targets::Kind,
};

/// A target with so many different findings is left alone.
const ENOUGH: usize = 20;
/// A target that ended so many children is, too.
const CHILDREN: u64 = 500;

/// How much is to be done, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// This program.
    pub program: PathBuf,
    /// How many runs of each target at most.
    pub runs: u64,
    /// How long each target is fuzzed at most.
    pub seconds: f64,
    /// What decides the inputs.
    pub seed: u64,
    /// Where findings are kept, in a folder for each target.
    pub out: PathBuf,
    /// How long one finding is minimised.
    pub minimise: Duration,
}

/// What ended a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A panic, at this place.
    Panic(String),
    /// It took too much of the processor's time, or waited for good.
    Slow,
    /// The process was ended by this signal: no memory, no stack, or something worse.
    Died(String),
    /// The process ended by itself, with this code.
    Left(i32),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(place) => write!(f, "panic at {place}"),
            Self::Slow => write!(f, "no end within 2 s of the processor's time"),
            Self::Died(signal) => write!(f, "the process died of {signal}"),
            Self::Left(code) => write!(f, "the process ended with code {code}"),
        }
    }
}

impl Finding {
    fn kind(&self) -> &'static str {
        match self {
            Self::Panic(_) => "panic",
            Self::Slow => "slow",
            Self::Died(_) => "death",
            Self::Left(_) => "exit",
        }
    }

    /// What the end of a child was, if it was none that it should have.
    fn of(status: ExitStatus, told: String) -> Result<Option<Self>, String> {
        let Some(code) = status.code() else {
            let signal = status.signal().unwrap_or_default();
            let name = Signal::try_from(signal).map_or("a signal", Signal::as_str);
            // Whoever ends processes of this machine makes no finding; the kernel's memory is not ours to judge.
            return match name {
                "SIGTERM" | "SIGINT" | "SIGKILL" => Err(format!("a child was ended from outside ({name})")),
                _ => Ok(Some(Self::Died(format!("{name} ({signal})")))),
            };
        };
        match u8::try_from(code) {
            Ok(0) => Ok(None),
            Ok(PANICKED) => Ok(Some(Self::Panic(told))),
            Ok(SLOW) => Ok(Some(Self::Slow)),
            Ok(BROKEN) => Err("it could not be begun".to_owned()),
            _ => Ok(Some(Self::Left(code))),
        }
    }
}

/// What came of a target.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Runs.
    pub runs: u64,
    /// How long they took.
    pub took: Duration,
    /// Inputs that it began with.
    pub given: usize,
    /// Inputs whose answers were new, in the child that had most.
    pub kept: u64,
    /// What was found, with the file of the input.
    pub findings: BTreeMap<Finding, PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        let rate = self.runs as f64 / seconds.max(0.001);
        let (runs, given, kept, found) = (self.runs, self.given, self.kept, self.findings.len());
        write!(f, "{runs} runs in {seconds:.1} s ({rate:.0}/s), corpus {given} + {kept}, {found} findings")
    }
}

/// Fuzzes one target.
///
/// # Errors
/// It can't be begun, or nothing can be written; no finding is one.
pub fn fuzz(kind: &'static Kind, plan: &Plan) -> Result<Report, String> {
    let folder = plan.out.join(kind.name);
    let shared = Shared::new(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let given = corpus::of(kind)?.len();
    let mut report = Report { given, ..Report::default() };
    let (begun, mut from) = (Instant::now(), 0_usize);
    for child in 0..CHILDREN {
        let left = plan.seconds - begun.elapsed().as_secs_f64();
        if report.runs >= plan.runs || left <= 0.0 || report.findings.len() >= ENOUGH {
            break;
        }
        let numbers = [
            ("--from", from.to_string()),
            ("--seed", plan.seed.wrapping_add(child).to_string()),
            ("--runs", (plan.runs - report.runs).to_string()),
            ("--seconds", left.to_string()),
        ];
        let (ended, noted) = start(kind, plan, &shared, &numbers)?;
        report.runs += noted.runs;
        report.kept = report.kept.max(noted.corpus.saturating_sub(given as u64));
        let Some(finding) = ended else { break };
        from = given.min(from.saturating_add(usize::try_from(noted.runs).unwrap_or(usize::MAX)));
        if let Entry::Vacant(new) = report.findings.entry(finding) {
            let path = keep(kind, plan, new.key(), &noted.input)?;
            println!("{}: {}\n    cargo xtask fuzz --repeat {}", kind.name, new.key(), path.display());
            new.insert(path);
        }
    }
    report.took = begun.elapsed();
    Ok(report)
}

/// What a target does with one input.
///
/// # Errors
/// As [`fuzz`].
pub fn repeat(kind: &'static Kind, plan: &Plan, input: &Path) -> Result<Option<Finding>, String> {
    let folder = plan.out.join(kind.name).join("once");
    let shared = Shared::new(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (ended, _) = start(kind, plan, &shared, &[("--repeat", input.display().to_string())])?;
    Ok(ended)
}

/// Saves what was found: as it was first, and as short as it can be in its place.
fn keep(kind: &'static Kind, plan: &Plan, finding: &Finding, input: &[u8]) -> Result<PathBuf, String> {
    let said = |error: io::Error| format!("{}: {error}", plan.out.display());
    let name = format!("{}-{:016x}", finding.kind(), digest(format!("{finding}").as_bytes()));
    let path = plan.out.join(kind.name).join(name);
    fs::write(&path, input).map_err(said)?;
    let attempt = path.with_extension("attempt");
    let shortest = minimise(input, plan.minimise, |bytes| {
        fs::write(&attempt, bytes).map_err(said)?;
        repeat(kind, plan, &attempt).map(|ended| ended.as_ref() == Some(finding))
    })?;
    let _ = fs::remove_file(&attempt);
    fs::write(&path, shortest).map_err(said)?;
    Ok(path)
}

/// Starts a child and waits for its end.
fn start(
    kind: &Kind,
    plan: &Plan,
    shared: &Shared,
    arguments: &[(&str, String)],
) -> Result<(Option<Finding>, Noted), String> {
    shared.tell("");
    let mut command = Command::new(&plan.program);
    command.args([kind.name, "--child"]).arg("--out").arg(shared.folder());
    for (name, value) in arguments {
        command.args([name, value.as_str()]);
    }
    // glibc would set 64 MiB of addresses aside for each thread.
    command.env("MALLOC_ARENA_MAX", "2").stdin(Stdio::null());
    // What a child leaves behind when it dies goes with this.
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let status = command.env("TMPDIR", temporary.path()).status();
    let status = status.map_err(|error| format!("{}: {error}", plan.program.display()))?;
    let finding = Finding::of(status, shared.told()).map_err(|error| format!("{}: {error}", kind.name))?;
    let noted = shared.read().map_err(|error| format!("{}: {error}", shared.folder().display()))?;
    Ok((finding, noted))
}
