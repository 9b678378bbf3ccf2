//! The running stack: started in order, watched, started again, stopped together.

use std::{
    collections::BTreeMap,
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
        let mut stack = Self { plan, processes: BTreeMap::new(), died: BTreeMap::new() };
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

    /// Every process: the services and `restate`.
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
    /// A program is gone.
    pub fn tend(&mut self, mut tell: impl FnMut(Event)) -> Result<(), Error> {
        let ended: Vec<String> = self
            .processes
            .iter_mut()
            .filter_map(|(name, process)| process.ended().map(|_| name.clone()))
            .collect();
        for name in ended {
            let last = self.died.get(&name).map(Instant::elapsed);
            if last.is_some_and(|since| since < Duration::from_secs(1)) {
                continue;
            }
            self.died.insert(name.clone(), Instant::now());
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
        let address = Service::ALL.iter().find(|s| s.name() == name).map(|s| self.plan.health(*s));
        let socket = self.plan.restate().admin();
        let Some(process) = self.processes.get_mut(name) else { return Ok(()) };
        process.wait_ready(READY, || match &address {
            Some(address) => ready(address),
            None => {
                std::os::unix::net::UnixStream::connect(&socket).map(drop).map_err(|e| e.kind().to_string())
            }
        })
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
        let service = Service::ALL.iter().find(|service| service.name() == name);
        let found = match service {
            Some(service) => ready(&self.plan.health(*service)),
            None => std::os::unix::net::UnixStream::connect(self.plan.restate().admin())
                .map(drop)
                .map_err(|error| error.kind().to_string()),
        };
        found.map_err(|why| Error::NotReady {
            name: name.to_owned(),
            why,
            seconds: READY.as_secs(),
            log: self.plan.log(name),
        })
    }

    /// Stops everything: callers before the called, each with time to finish.
    pub fn stop(mut self) {
        for process in self.processes.values() {
            process.ask();
        }
        let end = Instant::now() + GRACE;
        for process in self.processes.values_mut() {
            process.stop(end.saturating_duration_since(Instant::now()));
        }
        self.processes.clear();
        state::clear(self.plan.data());
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
