//! The running stack: started in order, watched, started again, stopped together.

use std::{
    collections::BTreeMap,
    os::unix::net::UnixStream,
    process::ExitStatus,
    time::{Duration, Instant},
};

use crate::{
    cache,
    error::Error,
    plan::{Plan, Service},
    ports,
    process::{Process, pause, ready},
    state::{self, Running, State},
};

const READY: Duration = Duration::from_secs(90);
const GRACE: Duration = Duration::from_secs(25);
const RESTATE: &str = "restate";
/// `sysexits.h`: what a service ends with whose configuration can't be used.
const USAGE: i32 = 64;
/// After so many of them in a row a service isn't started again.
const REFUSALS: u32 = 3;

/// Something that happened while starting or watching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process was started.
    Starting(String),
    /// It is ready, after this time.
    Ready(String, Duration),
    /// It ended by itself and was started again.
    Restarted(String),
}

/// A running stack. Dropping it kills what still runs.
#[derive(Debug)]
pub struct Stack {
    plan: Plan,
    processes: BTreeMap<String, Process>,
    died: BTreeMap<String, Instant>,
    /// How often in a row each said that it can't be used as it is configured.
    refused: BTreeMap<String, u32>,
}

impl Stack {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// A stack runs on this folder, a port is taken, or a process does not become ready.
    pub fn start(plan: Plan, mut tell: impl FnMut(Event)) -> Result<Self, Error> {
        if state::alive(plan.data()).iter().any(|process| process.id != std::process::id().cast_signed()) {
            return Err(Error::Running(plan.data().to_owned()));
        }
        ports::check(plan.ports())?;
        plan.prepare()?;
        let mut stack =
            Self { plan, processes: BTreeMap::new(), died: BTreeMap::new(), refused: BTreeMap::new() };
        stack.launch_all(&mut tell)?;
        for name in stack.names() {
            let begun = Instant::now();
            stack.wait_ready(&name)?;
            tell(Event::Ready(name, begun.elapsed()));
        }
        Ok(stack)
    }

    /// Where everything is.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Every process: `restate` and the services, the called before their callers.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let services = Service::ALL.iter().map(|service| service.name());
        std::iter::once(RESTATE).chain(services).map(ToOwned::to_owned).collect()
    }

    /// The process id of `name`.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u32> {
        self.processes.get(name).map(Process::id)
    }

    /// Kills one process with SIGKILL; [`Stack::tend`] starts it again.
    pub fn kill(&mut self, name: &str) {
        if let Some(process) = self.processes.get_mut(name) {
            process.kill();
        }
    }

    /// Starts again what has ended, one time a second at most for each; call it in a loop.
    ///
    /// # Errors
    /// A program is gone, or says each time that its configuration can't be used.
    pub fn tend(&mut self, mut tell: impl FnMut(Event)) -> Result<(), Error> {
        let ended = self.processes.iter_mut().filter_map(|(name, process)| Some((name, process.ended()?)));
        let ended: Vec<_> = ended.map(|(name, status)| (name.clone(), status)).collect();
        for (name, status) in ended {
            let last = self.died.get(&name).map(Instant::elapsed);
            if last.is_some_and(|since| since < Duration::from_secs(1)) {
                continue;
            }
            self.died.insert(name.clone(), Instant::now());
            let refused = self.refused.entry(name.clone()).or_default();
            *refused = if status.code() == Some(USAGE) { *refused + 1 } else { 0 };
            if *refused == REFUSALS {
                return Err(self.processes[&name].end_of(status));
            }
            self.launch(&name)?;
            tell(Event::Restarted(name));
        }
        Ok(())
    }

    /// Waits until `name` is ready.
    ///
    /// # Errors
    /// It ended, or was not ready in time.
    pub fn wait_ready(&mut self, name: &str) -> Result<(), Error> {
        let plan = self.plan.clone();
        let Some(process) = self.processes.get_mut(name) else { return Ok(()) };
        process.wait_ready(READY, || probe(&plan, name))
    }

    /// Waits until everything is ready, starting again what ends.
    ///
    /// # Errors
    /// As [`Stack::wait_ready`], after the deadline.
    pub fn settle(&mut self) -> Result<(), Error> {
        let end = Instant::now() + READY;
        loop {
            self.tend(|_| {})?;
            let names = self.names();
            match names.iter().find_map(|name| self.look(name).err()) {
                None => return Ok(()),
                Some(_) if Instant::now() < end => pause(),
                Some(error) => return Err(error),
            }
        }
    }

    /// Whether `name` runs and is ready now.
    #[must_use]
    pub fn is_ready(&mut self, name: &str) -> bool {
        let runs = self.processes.get_mut(name).is_some_and(|process| process.ended().is_none());
        runs && self.look(name).is_ok()
    }

    fn look(&self, name: &str) -> Result<(), Error> {
        probe(&self.plan, name).map_err(|why| Error::NotReady {
            name: name.to_owned(),
            why,
            seconds: READY.as_secs(),
            log: self.plan.log(name),
        })
    }

    /// Stops everything, callers before the called, each with time to finish what it has begun; answers how each
    /// ended.
    pub fn stop(mut self) -> BTreeMap<String, ExitStatus> {
        let end = Instant::now() + GRACE;
        let mut ended = BTreeMap::new();
        for name in self.names().into_iter().rev() {
            if let Some(process) = self.processes.get_mut(&name) {
                let status = process.stop(end.saturating_duration_since(Instant::now()));
                ended.extend(status.map(|status| (name, status)));
            }
        }
        self.processes.clear();
        state::clear(self.plan.data());
        ended
    }

    fn launch_all(&mut self, tell: &mut impl FnMut(Event)) -> Result<(), Error> {
        for name in self.names() {
            tell(Event::Starting(name.clone()));
            self.launch(&name)?;
        }
        Ok(())
    }

    fn launch(&mut self, name: &str) -> Result<(), Error> {
        let (program, arguments) = match Service::ALL.iter().find(|service| service.name() == name) {
            Some(service) => (self.plan.program(*service), self.plan.arguments(*service)),
            None => {
                let config = self.plan.restate().config().to_string_lossy().into_owned();
                (cache::restate(), vec!["--config-file".into(), config, "--no-logo".into()])
            }
        };
        let process = Process::start(name, &program, &arguments, &self.plan.log(name))?;
        self.processes.insert(name.to_owned(), process);
        self.remember()
    }

    /// Writes who runs, with ourselves first: we start again what dies.
    fn remember(&self) -> Result<(), Error> {
        let own = Running::of("xtask", std::process::id());
        let children =
            self.processes.values().filter_map(|process| Running::of(process.name(), process.id()));
        state::save(self.plan.data(), &State { processes: own.into_iter().chain(children).collect() })
    }
}

/// Whether `name` is ready, or why not.
fn probe(plan: &Plan, name: &str) -> Result<(), String> {
    match Service::ALL.iter().find(|service| service.name() == name) {
        Some(service) => ready(&plan.health(*service)),
        None => {
            UnixStream::connect(plan.restate().admin()).map(drop).map_err(|error| error.kind().to_string())
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for process in self.processes.values_mut() {
            process.kill();
        }
        if !self.processes.is_empty() {
            state::clear(self.plan.data());
        }
    }
}
