//! A started service: its configuration, its bound sockets, its clients, and how it serves and ends.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, middleware, response::Response};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::timeout::TimeoutLayer;

use crate::{
    body::{self, Bodies, Budget},
    client::{self, Connector, PeerClient},
    closed,
    config::{Config, Edge},
    edge::{self, EdgeAuth, Gate},
    error::Error,
    follow::Follow,
    internal,
    key_hashes::KeyHashes,
    listeners::Listeners,
    panics,
    places::{self, Bounds, Places},
    problem::reworded,
    proxies::Proxies,
    rate::Rate,
    readiness::Readiness,
    serve::{Security, Server},
    shared::RedisClient,
    start, telemetry, tls,
};

/// Fewer bytes would refuse single bodies that a service takes: a key's share is half, and an upload to storage counts 14 MiB.
const FEWEST_BODY_BYTES: usize = 32 << 20;

/// The bound sockets of a service.
pub(crate) struct Sockets {
    pub(crate) internal: TcpListener,
    pub(crate) edge: Option<TcpListener>,
    pub(crate) officer: Option<TcpListener>,
}

/// What a service's `run` gets: everything that was settled before it.
pub struct Boot<T> {
    /// The whole configuration; the service's own section is `config.service`.
    pub config: Config<T>,
    /// Holds the service back from being ready.
    pub readiness: Readiness,
    /// Ends the service gracefully when cancelled; is cancelled at SIGTERM and SIGINT.
    pub shutdown: CancellationToken,
    pub(crate) name: &'static str,
    pub(crate) sockets: Sockets,
    pub(crate) redis: Option<RedisClient>,
    pub(crate) fatal: Fatal,
}

/// Ends a running service with an error, from any task.
#[derive(Clone)]
pub struct Fatal {
    error: Arc<Mutex<Option<Error>>>,
    shutdown: CancellationToken,
}

impl Fatal {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self { error: Arc::default(), shutdown }
    }

    /// Starts the shutdown; [`Boot::serve`] then answers this error (the first one wins).
    pub fn raise(&self, error: Error) {
        self.slot().get_or_insert(error);
        self.shutdown.cancel();
    }

    fn take(&self) -> Option<Error> {
        self.slot().take()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Boot<T> {
    /// The service's name, as in certificates.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What replicas share, if a Redis is configured.
    #[must_use]
    pub fn redis(&self) -> Option<&RedisClient> {
        self.redis.as_ref()
    }

    /// An error for `run` to return: the sentence, exit code 64.
    pub fn fatal(&self, error: impl std::fmt::Display) -> Error {
        Error::new(error)
    }

    /// A handle with which a background task ends the service with an error.
    #[must_use]
    pub fn fatal_handle(&self) -> Fatal {
        self.fatal.clone()
    }

    /// A gRPC channel to a service; it connects when used, and again by itself.
    ///
    /// # Errors
    /// The service's address is not configured, or our certificate can't be used.
    pub fn grpc_client(&self, peer: &str) -> Result<tonic::transport::Channel, Error> {
        Ok(client::grpc(self.connector(peer, &[b"h2"])?))
    }

    /// An HTTP/1.1 client of a service.
    ///
    /// # Errors
    /// The service's address is not configured, or our certificate can't be used.
    pub fn http_client(&self, peer: &str) -> Result<PeerClient, Error> {
        Ok(PeerClient::new(peer, self.connector(peer, &[b"http/1.1"])?))
    }

    fn connector(&self, peer: &str, alpn: &[&[u8]]) -> Result<Connector, Error> {
        let address = self.config.peers.get(peer).ok_or_else(|| {
            Error::new(format!("configuration: peers.{peer} is missing: the address of {peer}"))
        })?;
        Connector::new(peer, address, &self.config.internal, alpn)
    }

    /// Serves until the shutdown, then lets requests under way finish (bounded by `limits.shutdown_seconds`).
    ///
    /// # Errors
    /// A TLS file that can't be used, or what [`Fatal::raise`] was given.
    pub async fn serve(self, listeners: Listeners) -> Result<(), Error> {
        let tasks = TaskTracker::new();
        for server in self.servers(listeners).await? {
            tasks.spawn(server.run(self.shutdown.clone(), tasks.clone()));
        }
        self.readiness.serving(true);
        tracing::info!(service = self.name, "serving");
        self.shutdown.cancelled().await;
        self.readiness.serving(false);
        tracing::info!(service = self.name, "stopping");
        tasks.close();
        let grace = Duration::from_secs(self.config.limits.shutdown_seconds);
        if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
            tracing::warn!("requests were still under way at the end of the grace period");
        }
        self.fatal.take().map_or(Ok(()), Err)
    }

    async fn servers(&self, listeners: Listeners) -> Result<Vec<Server>, Error> {
        let timed = |router: Router| match listeners.own_deadlines {
            true => router,
            false => router.layer(self.deadline()),
        };
        let worded = |mut server: Server| {
            if let Some(words) = listeners.words {
                let reword = move |said: Response| async move { reworded(said, words) };
                let layer = middleware::map_response(reword);
                server.router = server.router.layer(layer);
            }
            server
        };
        if self.config.limits.body_bytes < FEWEST_BODY_BYTES {
            return Err(Error::new("configuration: limits.body_bytes is less than 33554432"));
        }
        let budget = Budget::new(self.config.limits.body_bytes);
        let bodies = |patience| Bodies { budget: budget.clone(), streams: listeners.streams, patience };
        let bounded = |router: Router, patience| {
            timed(router).layer(middleware::from_fn_with_state(bodies(patience), body::bounded))
        };
        let internal = self.internal_server(bounded(listeners.internal, body::INSIDE)).await?;
        let mut servers = vec![worded(internal)];
        match (&self.sockets.edge, listeners.edge) {
            (Some(_), Some((router, auth))) => {
                servers.push(worded(self.edge_server(bounded(router, body::AT_THE_EDGE), auth)?));
            }
            (Some(_), None) => return Err(Error::new("configuration: edge: this service has no edge API")),
            (None, _) => {}
        }
        match (&self.sockets.officer, listeners.officer) {
            (Some(_), Some(router)) => {
                servers.push(self.officer_server(bounded(router, body::AT_THE_EDGE))?);
            }
            (Some(_), None) => {
                return Err(Error::new("configuration: officer: this service has no officer API"));
            }
            (None, _) => {}
        }
        Ok(servers)
    }

    async fn internal_server(&self, router: Router) -> Result<Server, Error> {
        let (reporter, health) = tonic_health::server::health_reporter();
        tokio::spawn(report_health(reporter, self.readiness.clone(), self.shutdown.clone()));
        let router = Listeners::new()
            .internal(router)
            .grpc(tonic::service::Routes::new(health))
            .internal
            .layer(middleware::from_fn_with_state(self.name, internal::authorise));
        Ok(Server {
            listener: duplicate(&self.sockets.internal)?,
            security: Security::Mutual(tls::internal_server(&self.config.internal)?),
            router: self.common(router),
            limits: self.config.limits,
            // Services are few and each has one or few connections; no host of theirs may take all that there are.
            places: self.places(|all| all.div_ceil(2)),
            proxies: Proxies::default(),
        })
    }

    /// A listener's places, each client's by how many there are in all.
    fn places(&self, each: impl FnOnce(usize) -> usize) -> Places {
        let optional = [self.sockets.edge.is_some(), self.sockets.officer.is_some()];
        let listeners = 1 + optional.into_iter().filter(|open| *open).count();
        let all =
            self.config.limits.connections.min(places::affordable(start::descriptors(), listeners)).max(1);
        Places::new(Bounds { all, each: each(all), at_work_too: false })
    }

    fn edge_server(&self, router: Router, auth: EdgeAuth) -> Result<Server, Error> {
        let missing = || Error::new("configuration: edge: no address");
        let config = self.config.edge.as_ref().ok_or_else(missing)?;
        let file = match auth {
            EdgeAuth::Bearer => Some(keys_file("edge", config)?.to_owned()),
            EdgeAuth::Own | EdgeAuth::OwnThrottled(_) | EdgeAuth::Vouched(_) => None,
        };
        let keys = file.as_deref().map(KeyHashes::read).transpose()?.unwrap_or_default();
        let rate = Rate::new(config.requests_per_second, self.redis.clone(), self.name);
        let socket = self.sockets.edge.as_ref().ok_or_else(missing)?;
        let proxies = Proxies::new("edge", config)?;
        let gate = Arc::new(Gate::new(auth, keys, rate).behind(proxies.clone()));
        if let Some(file) = file {
            self.follow(&gate, vec![file.clone()], move || KeyHashes::read(&file));
        }
        self.gated(socket, config, router, gate, proxies)
    }

    fn officer_server(&self, router: Router) -> Result<Server, Error> {
        let missing = || Error::new("configuration: officer: no address");
        let config = self.config.officer.as_ref().ok_or_else(missing)?;
        let file = keys_file("officer", config)?.to_owned();
        let edge = self.config.edge.as_ref().and_then(|edge| edge.keys.clone());
        let files = std::iter::once(file.clone()).chain(edge.clone()).collect();
        let read = move || officers(&file, edge.as_deref());
        let keys = read()?;
        let counted_at = format!("{}:officer", self.name);
        let rate = Rate::new(config.requests_per_second, self.redis.clone(), &counted_at);
        let socket = self.sockets.officer.as_ref().ok_or_else(missing)?;
        let proxies = Proxies::new("officer", config)?;
        let gate = Arc::new(Gate::new(EdgeAuth::Bearer, keys, rate).behind(proxies.clone()));
        self.follow(&gate, files, read);
        self.gated(socket, config, router, gate, proxies)
    }

    /// Keys that are put into a file or taken out of it are so at the gate within seconds.
    fn follow(
        &self,
        gate: &Arc<Gate>,
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<KeyHashes, Error> + Send + 'static,
    ) {
        let gate = Arc::clone(gate);
        let again = move || read().map(|keys| gate.accept(keys));
        tokio::spawn(Follow::new(files, again).keep(self.shutdown.clone()));
    }

    /// A listener for clients without a certificate, behind its gate.
    fn gated(
        &self,
        socket: &TcpListener,
        config: &Edge,
        router: Router,
        gate: Arc<Gate>,
        proxies: Proxies,
    ) -> Result<Server, Error> {
        tokio::spawn(tidy(Arc::clone(&gate), self.shutdown.clone()));
        Ok(Server {
            listener: duplicate(socket)?,
            security: Security::Tls(tls::edge_server(config)?),
            router: self.common(router.layer(middleware::from_fn_with_state(gate, edge::admit))),
            limits: self.config.limits,
            places: self.places(|_| self.config.limits.connections_per_address.max(1)),
            proxies,
        })
    }

    fn deadline(&self) -> TimeoutLayer {
        let most = Duration::from_secs(self.config.limits.request_seconds);
        TimeoutLayer::with_status_code(http::StatusCode::GATEWAY_TIMEOUT, most)
    }

    /// What every request goes through, outermost last.
    fn common(&self, router: Router) -> Router {
        router
            .layer(middleware::from_fn(panics::catch))
            .layer(middleware::from_fn_with_state(self.readiness.clone(), closed::refuse))
            .layer(middleware::from_fn_with_state(self.name, telemetry::trace))
    }
}

/// The file of keys of a listener's section, which has to name it.
fn keys_file<'a>(section: &str, config: &'a Edge) -> Result<&'a Path, Error> {
    let missing =
        || Error::new(format!("configuration: {section}.keys is missing: the file of accepted keys"));
    config.keys.as_deref().ok_or_else(missing)
}

/// The officer's keys. One that people's clients have would open everybody's data there, also where this edge looks at no
/// keys.
fn officers(file: &Path, edge: Option<&Path>) -> Result<KeyHashes, Error> {
    let keys = KeyHashes::read(file)?;
    if let Some(path) = edge
        && let Some(name) = keys.shared_with(&KeyHashes::read(path)?)
    {
        return Err(Error::new(format!("configuration: officer.keys: {name} is a key of the edge, too")));
    }
    Ok(keys)
}

/// The listener is bound once, and served by a handle of its own.
fn duplicate(listener: &TcpListener) -> Result<TcpListener, Error> {
    use std::os::fd::AsFd as _;
    let copy = listener.as_fd().try_clone_to_owned().map(std::net::TcpListener::from);
    copy.and_then(TcpListener::from_std).map_err(Error::unavailable)
}

async fn report_health(
    reporter: tonic_health::server::HealthReporter,
    readiness: Readiness,
    stop: CancellationToken,
) {
    use tonic_health::ServingStatus::{NotServing, Serving};
    let mut every = tokio::time::interval(Duration::from_millis(500));
    while !stop.is_cancelled() {
        every.tick().await;
        let status = if readiness.check().is_ok() { Serving } else { NotServing };
        reporter.set_service_status("", status).await;
    }
    reporter.set_service_status("", NotServing).await;
}

async fn tidy(gate: Arc<Gate>, stop: CancellationToken) {
    let mut every = tokio::time::interval(Duration::from_secs(60));
    while !stop.is_cancelled() {
        every.tick().await;
        gate.tidy();
    }
}
