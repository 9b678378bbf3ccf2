//! The service's side: a few workers that are kept, and another in the place of each that dies.

use std::{
    env, io,
    os::{
        fd::OwnedFd,
        unix::{
            net::UnixStream,
            process::{CommandExt, ExitStatusExt},
        },
    },
    process::{Child, Command, Stdio},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    job::{Failure, Job},
    pipe::{self, Until},
    worker,
};

/// Workers at the same time: one that a hostile template keeps busy does not stop all others.
pub const WORKERS: usize = 2;
/// How long a job may take by the clock, waiting for a worker and its start included. It is not what bounds a template,
/// which is the processor's time: a machine on which this is missed is overloaded.
const PATIENCE: Duration = Duration::from_secs(30);
/// This program, also where its file has been replaced since.
const PROGRAM: &str = "/proc/self/exe";

static POOL: Pool = Pool { workers: Mutex::new(Workers { idle: Vec::new(), out: 0 }), back: Condvar::new() };

struct Pool {
    workers: Mutex<Workers>,
    back: Condvar,
}

struct Workers {
    idle: Vec<Worker>,
    /// Those at work, and those being started.
    out: usize,
}

struct Worker {
    process: Child,
    socket: UnixStream,
    /// Whether a job before this one may have left something in it.
    used: bool,
}

/// A place in the pool, given back when dropped; so is the worker in it, if there is one.
struct Place {
    worker: Option<Worker>,
}

/// Why a worker has not answered.
enum Lost {
    /// The job has killed it.
    ByJob,
    /// Something else has, perhaps what another job has left behind.
    ByOthers,
    Late,
    NotStarted(io::Error),
}

/// Renders in a worker: what comes of each of the job's templates. It blocks, for at most half a minute; hardly ever for
/// longer than the templates take.
///
/// # Errors
/// The template's own fault, or that nothing could be rendered now ([`Failure::is_permanent`]).
pub fn render(job: &Job<'_>) -> Result<Vec<String>, Failure> {
    let request = serde_json::to_vec(job).map_err(|_| unavailable("the job can't be written"))?;
    if request.len() > pipe::MAX_PIECE {
        return Err(Failure::TooLong);
    }
    let deadline = Instant::now() + PATIENCE;
    let lost = match once(&request, deadline, false) {
        // Who ends processes of this machine may have met one of ours, perhaps while it was idle. And only of a worker that
        // has rendered nothing before can it be said that this job is what it died of.
        Err(Lost::ByOthers) => once(&request, deadline, true),
        done => done,
    };
    lost.unwrap_or_else(|lost| {
        Err(match lost {
            Lost::ByJob => Failure::TooMuch,
            Lost::ByOthers => unavailable("the process that renders was killed"),
            Lost::Late => unavailable("the process that renders got no time"),
            Lost::NotStarted(error) => {
                unavailable(&format!("the process that renders did not start: {}", error.kind()))
            }
        })
    })
}

fn unavailable(why: &str) -> Failure {
    Failure::Unavailable(why.to_owned())
}

/// In a worker that is there, or in a `fresh` one.
fn once(request: &[u8], deadline: Instant, fresh: bool) -> Result<Result<Vec<String>, Failure>, Lost> {
    let mut place = Place::take(deadline)?;
    // One that is not wanted ends here, so that there are never more of them than places.
    let mut worker = match place.worker.take().filter(|_| !fresh) {
        Some(worker) => worker,
        None => Worker::start(deadline)?,
    };
    let reply = worker.ask(request, deadline)?;
    // Only one that has answered is kept.
    place.worker = Some(worker);
    drop(place);
    serde_json::from_slice(&reply).map_err(|_| Lost::ByOthers)
}

impl Place {
    fn take(deadline: Instant) -> Result<Self, Lost> {
        let mut workers = POOL.lock();
        while workers.out == WORKERS {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Lost::Late);
            }
            workers = POOL.back.wait_timeout(workers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        workers.out += 1;
        let mut place = Self { worker: None };
        while let Some(mut worker) = workers.idle.pop() {
            // It may have ended while nobody had it.
            if matches!(worker.process.try_wait(), Ok(None)) {
                place.worker = Some(worker);
                break;
            }
        }
        drop(workers);
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut workers = POOL.lock();
        workers.out -= 1;
        workers.idle.extend(self.worker.take());
        drop(workers);
        POOL.back.notify_one();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Workers> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn start(deadline: Instant) -> Result<Self, Lost> {
        let worker = Self::spawn().map_err(Lost::NotStarted)?;
        match pipe::read(Until(&worker.socket, deadline)) {
            Ok(hello) if hello == pipe::HELLO => Ok(worker),
            Ok(_) => Err(Lost::NotStarted(io::ErrorKind::InvalidData.into())),
            Err(error) if pipe::is_late(&error) => Err(Lost::Late),
            // The program ended: it is no worker, or the system does not let it be one.
            Err(error) => Err(Lost::NotStarted(error)),
        }
    }

    fn spawn() -> io::Result<Self> {
        if env::var_os(worker::MARK).is_some() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new(PROGRAM);
        command
            .arg0(env::current_exe().unwrap_or_else(|_| PROGRAM.into()))
            .args(worker::arguments())
            // Keys of the service are in its variables. Its libraries may be where one of them says.
            .env_clear()
            .envs(env::var_os("LD_LIBRARY_PATH").map(|path| ("LD_LIBRARY_PATH", path)))
            .env(worker::MARK, "1")
            // glibc would set 64 MiB of addresses aside for each thread.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A terminal's Ctrl-C is the service's, which finishes what it has begun.
            .process_group(0);
        Ok(Self { process: command.spawn()?, socket, used: false })
    }

    fn ask(&mut self, request: &[u8], deadline: Instant) -> Result<Vec<u8>, Lost> {
        let asked = pipe::write(Until(&self.socket, deadline), request);
        match asked.and_then(|()| pipe::read(Until(&self.socket, deadline))) {
            Ok(reply) => {
                self.used = true;
                Ok(reply)
            }
            Err(error) if pipe::is_late(&error) => Err(Lost::Late),
            Err(_) => Err(self.ended()),
        }
    }

    /// Who has ended it. A job ends it by an allocation that is refused (SIGABRT), by the depth of the stack (SIGABRT or
    /// SIGSEGV), by its time (SIGXCPU), or by a panic, which is an exit; SIGKILL and SIGTERM come from outside. All but the
    /// time may have been another job's doing in a worker that is used: it has left too little memory, say.
    fn ended(&mut self) -> Lost {
        let Ok(status) = self.process.wait() else { return Lost::ByOthers };
        let by_job = if self.used { Lost::ByOthers } else { Lost::ByJob };
        match status.signal().map(Signal::try_from) {
            Some(Ok(Signal::SIGXCPU)) => Lost::ByJob,
            Some(Ok(
                Signal::SIGABRT
                | Signal::SIGBUS
                | Signal::SIGFPE
                | Signal::SIGILL
                | Signal::SIGSEGV
                | Signal::SIGTRAP,
            )) => by_job,
            Some(_) => Lost::ByOthers,
            // It was about to end by itself, as too much was left in it, or the system did not let it work.
            None if [Some(0), Some(worker::NO_SYSTEM.into())].contains(&status.code()) => Lost::ByOthers,
            None => by_job,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill, and nothing to wait for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests;
