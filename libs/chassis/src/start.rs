//! The order in which every service starts: arguments, configuration, telemetry, sockets, addresses, `run`.

use std::{future::Future, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Arg, ArgAction, Command, value_parser};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    boot::{Boot, Fatal, Sockets},
    config::{self, Config},
    error::{Error, USAGE},
    health,
    readiness::Readiness,
    shared::RedisClient,
    serve::{Security, Server},
    telemetry,
};

/// What a service is.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name, as in certificates and in [`maily_proto::access`].
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
}

/// Starts a service and answers its exit code: 0 after a graceful end, 64 for bad configuration, 69 where
/// something that it needs is not there. The reason is one sentence on standard error.
pub fn main<T, F, Fut>(about: About, run: F) -> ExitCode
where
    T: DeserializeOwned + Default,
    F: FnOnce(Boot<T>) -> Fut,
    Fut: Future<Output = Result<(), Error>>,
{
    match start(about, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error, not the log: this is for whoever started the process.
            eprintln!("maily-{}: {error}", about.name);
            ExitCode::from(error.code())
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
    let sockets = Sockets {
        internal: bind("internal", config.internal.listen).await?,
        edge: match &config.edge {
            Some(edge) => Some(bind("edge", edge.listen).await?),
            None => None,
        },
    };
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
    };
    tokio::spawn(health.run(health_stop.clone(), TaskTracker::new()));
    tokio::spawn(stop_on_signal(shutdown.clone()));
    let fatal = Fatal::new(shutdown.clone());
    let redis = config.redis.as_ref().map(|redis| RedisClient::start(redis, config.environment)).transpose()?;
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
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::unavailable(format!("cannot listen on {address} ({what}): {error}")))
}

/// One line on standard output with every address, for people and for supervisors.
fn announce(about: About, sockets: &Sockets, health: &TcpListener) {
    let show = |listener: &TcpListener| listener.local_addr().map_or_else(|_| "?".into(), |a| a.to_string());
    let edge = sockets.edge.as_ref().map_or_else(|| "off".into(), show);
    println!(
        "maily-{} {} internal={} edge={edge} health={}",
        about.name,
        about.version,
        show(&sockets.internal),
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
    std::process::exit(i32::from(USAGE) + 66);
}
