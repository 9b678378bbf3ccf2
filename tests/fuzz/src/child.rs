//! The process in which a target runs: what ends it, the parent finds out.

use std::{
    any::Any,
    collections::HashSet,
    fs, io,
    mem::ManuallyDrop,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{self, ExitCode},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit},
    time::TimeVal,
};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    corpus,
    mutate::Mutator,
    state::{Shared, digest},
    targets::{Kind, Target},
};

/// What a child exits with when a run panicked.
pub const PANICKED: u8 = 73;
/// What a child exits with when a run took too long.
pub const SLOW: u8 = 74;
/// What a child exits with when the target could not be made, or nothing could be noted.
pub const BROKEN: u8 = 75;

/// The processor's time that one run may take, so that a busy machine makes no findings.
const TIME: Duration = Duration::from_secs(2);
/// The clock's: a run that waits for something that never comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of addresses that a child may have beside those that it begins with.
const MEMORY: u64 = 2 << 30;
/// As much as a service's threads have.
const STACK: usize = 2 << 20;
/// The most inputs that are kept for the sake of their answers, and their bytes.
const KEPT: (usize, usize) = (4_000, 32 << 20);

/// The place of the last panic, in any thread.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// What a child does.
#[derive(Clone, Debug)]
pub enum Job {
    /// Inputs of the corpus from this one on, then mutated ones.
    Many {
        /// Which of the corpus is the first.
        from: usize,
        /// What decides the mutations.
        seed: u64,
        /// How many runs.
        runs: u64,
        /// When to stop all the same.
        seconds: f64,
    },
    /// One input.
    One(PathBuf),
}

/// Runs a target until there is no more to do, or until it ends the process.
#[must_use]
pub fn run(kind: &'static Kind, job: Job, folder: &Path) -> ExitCode {
    let shared = Shared::of(folder);
    panic::set_hook(Box::new(|about| {
        // What it says may be of the input.
        let place = about.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        PANIC.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(place);
    }));
    let begun = thread::Builder::new().stack_size(STACK).spawn(move || work(kind, job, &shared));
    match begun.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(code))) => code,
        Ok(Ok(Err(error))) => broken(kind, &error),
        Ok(Err(_)) => broken(kind, &format!("a panic outside of a run: {:?}", taken())),
        Err(error) => broken(kind, &error.to_string()),
    }
}

fn broken(kind: &Kind, error: &str) -> ExitCode {
    eprintln!("maily-fuzz: {}: {error}", kind.name);
    BROKEN.into()
}

fn taken() -> Option<String> {
    PANIC.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn work(kind: &'static Kind, job: Job, shared: &Shared) -> Result<ExitCode, String> {
    let said = |error: io::Error| error.to_string();
    // Never dropped: the end of a service without its shutdown is not what is looked at, and the parent tidies up.
    let mut target = ManuallyDrop::new((kind.make)()?);
    confine().map_err(said)?;
    let mut running = Running::begin(shared.clone());
    let (from, seed, runs, seconds) = match job {
        Job::Many { from, seed, runs, seconds } => (from, seed, runs, seconds),
        Job::One(path) => {
            let input = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            return Ok(running.answer(&mut **target, &input).map_or(PANICKED.into(), |_| ExitCode::SUCCESS));
        }
    };
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut corpus = corpus::of(kind)?;
    let (given, mut room) = (corpus.len(), KEPT.1);
    let mut known = HashSet::new();
    let mut random = StdRng::seed_from_u64(seed);
    let mutator = Mutator { dictionary: kind.dictionary, longest: kind.longest };
    let mut writer = shared.writer().map_err(said)?;
    for run in 0..runs {
        let next = usize::try_from(run).unwrap_or(usize::MAX).saturating_add(from);
        if next >= given && Instant::now() >= end {
            break;
        }
        let input = if next < given { corpus[next].clone() } else { mutator.make(&corpus, &mut random) };
        writer.note(run + 1, corpus.len(), &input).map_err(said)?;
        let Some(answer) = running.answer(&mut **target, &input) else { return Ok(PANICKED.into()) };
        let is_new = known.insert(digest(&shape(&answer)));
        if is_new && next >= given && corpus.len() < given + KEPT.0 && input.len() <= room {
            room -= input.len();
            corpus.push(input);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An answer without what it quotes and counts: an input that only makes it quote something else is no news.
fn shape(answer: &str) -> Vec<u8> {
    let mut shape = Vec::new();
    let mut quote = None;
    for byte in answer.bytes().take(2_000) {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'`') => quote = Some(byte),
            None if byte.is_ascii_digit() => {}
            None => shape.push(byte),
        }
    }
    shape
}

/// What is running, for the thread that looks whether it ends.
struct Running {
    shared: Shared,
    /// Odd while something runs.
    turn: Arc<AtomicU64>,
    _looks: Sender<()>,
}

impl Running {
    fn begin(shared: Shared) -> Self {
        let turn = Arc::new(AtomicU64::new(0));
        let (looks, gone) = mpsc::channel::<()>();
        let (watched, told) = (Arc::clone(&turn), shared.clone());
        thread::spawn(move || {
            let mut seen = (0, Instant::now(), used());
            while gone.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let now = watched.load(Ordering::Relaxed);
                if now != seen.0 {
                    seen = (now, Instant::now(), used());
                } else if now % 2 == 1
                    && (used().saturating_sub(seen.2) > TIME || seen.1.elapsed() > PATIENCE)
                {
                    told.tell("a run that takes too long");
                    process::exit(SLOW.into());
                }
            }
        });
        Self { shared, turn, _looks: looks }
    }

    /// What the target says to an input; nothing if it panicked, which is noted.
    fn answer(&mut self, target: &mut dyn Target, input: &[u8]) -> Option<String> {
        self.turn.fetch_add(1, Ordering::Relaxed);
        let answer: Result<String, Box<dyn Any + Send>> =
            panic::catch_unwind(AssertUnwindSafe(|| target.run(input)));
        self.turn.fetch_add(1, Ordering::Relaxed);
        // Also one in another thread, which a service survives and nobody hears of.
        let place = taken();
        match (place, answer) {
            (place, Ok(answer)) if place.is_none() || target.catches() => Some(answer),
            (place, _) => {
                self.shared.tell(&place.unwrap_or_else(|| "somewhere".to_owned()));
                None
            }
        }
    }
}

/// The processor's time of this process.
fn used() -> Duration {
    let time = |time: TimeVal| {
        let micros = time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_usec());
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or(Duration::ZERO, |usage| time(usage.user_time()) + time(usage.system_time()))
}

/// Bounds the memory: an allocation that is refused ends the process. No core dump is left behind.
fn confine() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let memory = (kib.unwrap_or_default() * 1024).saturating_add(MEMORY);
    let (_, hard) = getrlimit(Resource::RLIMIT_AS)?;
    setrlimit(Resource::RLIMIT_AS, memory.min(hard), memory.min(hard))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_quotes_or_counts_is_no_news() {
        assert_eq!(shape("line 12: unknown field `colour`"), shape("line 7: unknown field `x\"y`"));
        assert_ne!(shape("line 12: unknown field"), shape("line 12: missing field"));
    }
}
