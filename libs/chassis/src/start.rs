//! The order in which every service starts: arguments, configuration, telemetry, sockets, addresses, `run`.

use std::{future::Future, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Arg, ArgAction, Command, value_parser};
use nix::sys::{
    prctl,
    resource::{Resource, getrlimit, setrlimit},
};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    boot::{Boot, Fatal, Sockets},
    config::{self, Config, Edge},
    error::Error,
    health,
    places::{Bounds, Places},
    probe,
    proxies::Proxies,
    readiness::Readiness,
    sections,
    serve::{Security, Server},
    shared::RedisClient,
    telemetry,
};

/// Connections to the health listener: those of a kubelet, a scraper and an operator are a handful.
const PROBES: Bounds = Bounds { all: 32, each: usize::MAX, at_work_too: true };

/// The exit code of a process that a signal ended (128 + SIGINT), as shells have it.
const INTERRUPTED: i32 = 130;

/// What a service is.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name, as in certificates and in [`maily_proto::access`].
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// Whether it keeps root keys, and so has a use for `[vault]`; elsewhere that section is refused.
    pub root_keys: bool,
}

/// Starts a service and answers its exit code: 0 after a graceful end, 64 for bad configuration, 69 where
/// something that it needs is not there. The reason is one sentence on standard error.
pub fn main<T, F, Fut>(about: About, run: F) -> ExitCode
where
    T: DeserializeOwned + Default,
    F: FnOnce(Boot<T>) -> Fut,
    Fut: Future<Output = Result<(), Error>>,
{
    tell_only_where_it_panicked();
    bound_the_process();
    match start(about, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error, not the log: this is for whoever started the process.
            eprintln!("maily-{}: {error}", about.name);
            ExitCode::from(error.code())
        }
    }
}

/// A panic's message may quote what it was about (a prompt, an address), so only its place is told.
fn tell_only_where_it_panicked() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(target: "maily_chassis", place, "a thread panicked");
        } else {
            eprintln!("maily: a thread panicked at {place}");
        }
    }));
}

/// No core dump, for it would hold keys, and no other process of the user may look into this one; as many descriptors as are
/// allowed, for every connection is one. [`main`] does so; a command that holds keys or mail does it first of all.
pub fn bound_the_process() {
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    // The limit alone does not hold where `core_pattern` is a program (core(5)).
    for done in [setrlimit(Resource::RLIMIT_CORE, 0, 0), prctl::set_dumpable(false), descriptors] {
        if let Err(error) = done {
            eprintln!("maily: the process can't be bounded: {error}");
        }
    }
}

fn start<T, F, Fut>(about: About, run: F) -> Result<(), Error>
where
    T: DeserializeOwned + Default,
    F: FnOnce(Boot<T>) -> Fut,
    Fut: Future<Output = Result<(), Error>>,
{
    let arguments = command(about).get_matches();
    let file = arguments.get_one::<PathBuf>("config");
    let sets: Vec<String> = arguments.get_many("set").into_iter().flatten().cloned().collect();
    let config: Config<T> = config::load(file.map(PathBuf::as_path), &sets)?;
    sections::check(about, &config)?;
    if arguments.get_flag("probe") {
        return probe::run(config.health.listen);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::unavailable(format!("no threads: {error}")))?;
    let done = runtime.block_on(started(about, config, run));
    // A blocking task (a model at work, say) must not hold up the end.
    runtime.shutdown_background();
    done
}

async fn started<T, F, Fut>(about: About, config: Config<T>, run: F) -> Result<(), Error>
where
    F: FnOnce(Boot<T>) -> Fut,
    Fut: Future<Output = Result<(), Error>>,
{
    let telemetry = telemetry::start(about, &config.telemetry)?;
    let sockets = bind_all(&config).await?;
    let health_listener = bind("health", config.health.listen).await?;
    announce(about, &sockets, &health_listener);
    let (readiness, shutdown) = (Readiness::default(), CancellationToken::new());
    // The health listener outlives the others: a probe during shutdown gets an answer.
    let health_stop = CancellationToken::new();
    let health = Server {
        listener: health_listener,
        security: Security::Plain,
        router: health::router(readiness.clone(), telemetry.registry.clone()),
        limits: config.limits,
        // Its own, whatever the other listeners hold, and the oldest gives way: a probe is always answered.
        places: Places::new(PROBES),
        proxies: Proxies::default(),
    };
    tokio::spawn(health.run(health_stop.clone(), TaskTracker::new()));
    tokio::spawn(stop_on_signal(shutdown.clone()));
    let fatal = Fatal::new(shutdown.clone());
    let redis =
        config.redis.as_ref().map(|redis| RedisClient::start(redis, config.environment)).transpose()?;
    if redis.is_none() {
        tracing::info!("no Redis: rate limits are kept in memory");
    }
    let boot = Boot { config, readiness, shutdown, name: about.name, sockets, redis, fatal };
    let done = run(boot).await;
    health_stop.cancel();
    telemetry.stop().await;
    done
}

fn command(about: About) -> Command {
    Command::new(about.name)
        .bin_name(format!("maily-{}", about.name))
        .version(about.version)
        .about(about.about)
        .after_help(
            "Settings come from defaults, then FILE, then MAILY_… variables (MAILY_HEALTH__LISTEN=…), then --set.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .short('c')
                .value_name("FILE")
                .env("MAILY_CONFIG")
                .value_parser(value_parser!(PathBuf))
                .help("TOML file of settings"),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("One setting, e.g. health.listen=127.0.0.1:9000"),
        )
        .arg(
            Arg::new("probe")
                .long("probe")
                .action(ArgAction::SetTrue)
                .help("Asks the one that runs here with these settings whether it is ready; exit code 0 if so"),
        )
}

/// How many descriptors the process may have open.
pub(crate) fn descriptors() -> usize {
    // 1,024 is what Linux begins with.
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(open, _)| usize::try_from(open).unwrap_or(usize::MAX))
}

/// Binds what is configured, but for the health listener.
pub(crate) async fn bind_all<T>(config: &Config<T>) -> Result<Sockets, Error> {
    let optional = async |what: &str, section: &Option<Edge>| match section {
        Some(section) => bind(what, section.listen).await.map(Some),
        None => Ok(None),
    };
    Ok(Sockets {
        internal: bind("internal", config.internal.listen).await?,
        edge: optional("edge", &config.edge).await?,
        officer: optional("officer", &config.officer).await?,
    })
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::unavailable(format!("cannot listen on {address} ({what}): {error}")))
}

/// One line on standard output with every address, for people and for supervisors.
fn announce(about: About, sockets: &Sockets, health: &TcpListener) {
    let show = |listener: &TcpListener| listener.local_addr().map_or_else(|_| "?".into(), |a| a.to_string());
    let optional = |listener: &Option<TcpListener>| listener.as_ref().map_or_else(|| "off".into(), show);
    println!(
        "maily-{} {} internal={} edge={} officer={} health={}",
        about.name,
        about.version,
        show(&sockets.internal),
        optional(&sockets.edge),
        optional(&sockets.officer),
        show(health)
    );
}

async fn stop_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals can't be watched; stopping now");
        shutdown.cancel();
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.cancel();
    // A second signal means now.
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    std::process::exit(INTERRUPTED);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The hook is the process's, so this test starts itself again as a process of its own.
    #[test]
    fn a_panic_tells_its_place_and_not_its_message() {
        const CHILD: &str = "MAILY_TEST_PANICS";
        if std::env::var_os(CHILD).is_some() {
            super::tell_only_where_it_panicked();
            assert_eq!("ann@example.com", "", "a telling message");
        }
        let name = "start::tests::a_panic_tells_its_place_and_not_its_message";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let out = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!out.status.success() && said.contains("a thread panicked at "), "{said}");
        assert!(said.contains("start.rs:") && !said.contains("telling") && !said.contains("ann@"), "{said}");
    }

    #[test]
    fn a_crash_leaves_no_dump_of_the_memory() {
        bound_the_process();
        assert!(!prctl::get_dumpable().unwrap());
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
        let (open, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(open, most);
    }
}
