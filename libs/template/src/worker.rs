//! The worker's side: a process that renders one job after the other, and that one of them may kill.

use std::{
    env, fs,
    io::{self, ErrorKind},
    os::{fd::AsFd, unix::net::UnixStream},
    process::{self, ExitCode},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use nix::sys::{
    prctl,
    resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit},
    time::TimeVal,
};

use crate::{jinja, job::Job, pipe};

/// Bytes that a worker may have beside its program; an allocation that is refused ends it. A service's container has
/// room for the workers of its pool (`k8s/base`).
pub const MEMORY: u64 = 128 << 20;
/// Bytes that a worker may have kept of what it has rendered; with more it takes no other job. The allocator keeps some, and a
/// template can keep what it likes: minijinja counts references, so that a namespace that has itself in it is never freed.
const KEPT: u64 = 16 << 20;
/// Bytes of the stack on which it renders; what is nested deeper ends it.
pub const STACK: usize = 16 << 20;
/// Seconds of processor time that one job has for certain; at one more the system ends the worker (`SIGXCPU`). What fuel
/// allows is done before.
pub const SECONDS: u64 = 2;

/// The first argument that makes a program a worker.
pub(crate) const ARGUMENT: &str = "render-worker";
/// What runs the test of [`crate::worker_of_tests!`], wherever in a test program it is.
pub(crate) const OF_TESTS: [&str; 3] = ["render_worker", "--ignored", "--nocapture"];
/// The variable that a worker is started with. Without it no program becomes one by mistake, and with it none starts
/// another, which one that knows nothing of workers would do for ever.
pub(crate) const MARK: &str = "MAILY_RENDER_WORKER";
/// The exit code of a worker that the system does not let work (`EX_OSERR`).
pub(crate) const NO_SYSTEM: u8 = 71;

/// Whether this program's `main` calls [`worker`].
static BY_ARGUMENT: AtomicBool = AtomicBool::new(false);

/// For the beginning of `main`: makes the process a worker if it was started as one, until it has no more to do; the
/// exit code is then that of the process. In any other process, from now on [`crate::render`] starts workers.
#[must_use]
pub fn worker() -> Option<ExitCode> {
    BY_ARGUMENT.store(true, Ordering::Relaxed);
    env::args_os().nth(1).filter(|first| first == ARGUMENT)?;
    serve();
    Some(ExitCode::SUCCESS)
}

/// The arguments that make this program a worker.
pub(crate) fn arguments() -> &'static [&'static str] {
    if BY_ARGUMENT.load(Ordering::Relaxed) { &[ARGUMENT] } else { &OF_TESTS }
}

/// Renders what comes by standard input, a socket, and answers there, until it is closed. Does nothing in a process that
/// was not started for it.
pub fn serve() {
    if env::var_os(MARK).is_none() {
        return;
    }
    // The stack of the first thread is as large as whoever started the service says.
    let thread = thread::Builder::new().name("render".into()).stack_size(STACK).spawn(jobs);
    match thread.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => {}
        // A panic: the template's doing, like every end that the system has not brought.
        Ok(Err(_)) => process::exit(1),
        Ok(Ok(Err(_))) | Err(_) => process::exit(NO_SYSTEM.into()),
    }
}

fn jobs() -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let begin = confine()?;
    pipe::write(&socket, pipe::HELLO)?;
    loop {
        let piece = match pipe::read(&socket) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            piece => piece?,
        };
        give_time()?;
        let job: Job<'_> = serde_json::from_slice(&piece)?;
        drop(piece);
        let result = jinja::render(job);
        // So that whoever takes too long is this job, and never the one that is read next.
        give_time()?;
        let reply = serde_json::to_vec(&result)?;
        drop(result);
        pipe::write(&socket, &reply)?;
        drop(reply);
        // The memory is the next one's, who may be somebody else.
        if mapped()? > begin.saturating_add(KEPT) {
            return Ok(());
        }
    }
}

/// Bounds the memory, and leaves nothing behind: a core dump would have prompts in it. A size of 0 does not keep a dump
/// from a program that the system hands dumps to (core(5)); not being dumpable does. Answers what is mapped before any job.
fn confine() -> io::Result<u64> {
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let begin = mapped()?;
    let memory = begin.saturating_add(MEMORY);
    let (_, hard) = getrlimit(Resource::RLIMIT_AS)?;
    setrlimit(Resource::RLIMIT_AS, memory.min(hard), memory.min(hard))?;
    Ok(begin)
}

/// Bytes of addresses that the process has: its program, the stacks, and what jobs have left.
fn mapped() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// From what it has used already; in whole seconds, as the system counts.
fn give_time() -> io::Result<()> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: TimeVal| time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_usec());
    let used = micros(usage.user_time()).saturating_add(micros(usage.system_time()));
    let used = u64::try_from(used).unwrap_or_default().div_ceil(1_000_000);
    let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
    setrlimit(Resource::RLIMIT_CPU, used.saturating_add(SECONDS).min(hard), hard)?;
    Ok(())
}
