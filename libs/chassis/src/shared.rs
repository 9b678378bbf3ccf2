//! Redis, for what may be lost: rate limits and hints between replicas.
//!
//! A request never waits for a Redis that is away. Every call has a short deadline; the first that misses it breaks the
//! circuit, callers get `None` at once and make do with what they have in memory, and a task in the background tries to
//! connect until Redis answers again. Both turns are said once in the log.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::StreamExt as _;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo as _, RedisResult, Script, TlsCertificates,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
};
use secrecy::ExposeSecret as _;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    config::{Environment, Redis as Config},
    error::Error,
    secret_file::read_secret,
};

const CONNECT: Duration = Duration::from_secs(2);
/// A subscription that hears nothing for so long asks whether it is still connected.
const QUIET: Duration = Duration::from_secs(5);
/// Milliseconds before an attempt to connect, by how many before it came to nothing; then the longest.
const PAUSES: [u64; 4] = [0, 200, 500, 1000];
const LONGEST_PAUSE: u64 = 2000;
/// A connection that breaks earlier came to nothing: a Redis that answers too slowly is not asked again and again.
const STEADY: Duration = Duration::from_secs(30);

/// A Redis that may be away at any time. Clones share it.
#[derive(Clone)]
pub struct RedisClient {
    inner: Arc<Inner>,
    _connecting: Arc<AbortOnDropHandle<()>>,
}

struct Inner {
    client: Client,
    prefix: String,
    wait: Duration,
    /// None while the circuit is broken.
    connection: RwLock<Option<MultiplexedConnection>>,
    broken: Notify,
    connects: watch::Sender<u64>,
}

impl std::fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisClient(..)")
    }
}

impl RedisClient {
    /// A client of this Redis, which connects in the background as long as a clone exists.
    ///
    /// # Errors
    /// A setting, or a file that it names, can't be used. That Redis is away is no error.
    pub fn start(config: &Config, environment: Environment) -> Result<Self, Error> {
        config.check(environment)?;
        let (connects, _) = watch::channel(0);
        let inner = Arc::new(Inner {
            client: client(config)?,
            prefix: config.prefix.clone(),
            wait: Duration::from_millis(config.wait_millis),
            connection: RwLock::default(),
            broken: Notify::new(),
            connects,
        });
        let connecting = Arc::clone(&inner);
        let connecting = tokio::spawn(async move {
            let mut failed = 0;
            loop {
                failed = connecting.keep_connected(failed).await;
            }
        });
        Ok(Self { inner, _connecting: Arc::new(AbortOnDropHandle::new(connecting)) })
    }

    /// The name of a key or channel of ours.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{}:{name}", self.inner.prefix)
    }

    /// One command, within the deadline of a request; `None` when Redis is away.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut connection = self.inner.connection()?;
        self.inner.within(self.inner.wait, command.query_async(&mut connection)).await
    }

    /// One script, within the deadline of a request; `None` when Redis is away.
    pub async fn script<T: FromRedisValue>(&self, script: &Script, key: &str, numbers: &[u64]) -> Option<T> {
        let mut connection = self.inner.connection()?;
        let mut call = script.key(key);
        numbers.iter().for_each(|number| {
            call.arg(*number);
        });
        self.inner.within(self.inner.wait, call.invoke_async(&mut connection)).await
    }

    /// One script, for work in the background: nobody waits for it, so it may take seconds.
    pub async fn batch_script<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[Vec<u8>],
    ) -> Option<T> {
        let mut connection = self.inner.connection()?;
        let mut call = script.key(key);
        arguments.iter().for_each(|argument| {
            call.arg(argument);
        });
        self.inner.within(CONNECT, call.invoke_async(&mut connection)).await
    }

    /// One command, for work in the background: nobody waits for it, so it may take seconds.
    pub async fn batch<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut connection = self.inner.connection()?;
        self.inner.within(CONNECT, command.query_async(&mut connection)).await
    }

    /// What is published on a channel from now on, until the connection ends.
    pub async fn subscribe(&self, channel: &str) -> Option<Subscription> {
        let subscribe = async {
            let (mut sink, messages) = self.inner.client.get_async_pubsub().await?.split();
            sink.subscribe(channel).await?;
            Ok(Subscription { sink, messages })
        };
        self.inner.within(CONNECT, subscribe).await
    }

    /// Whether one attempt to connect succeeds now.
    #[cfg(test)]
    pub(crate) async fn connects_once(&self) -> bool {
        timeout(CONNECT * 5, self.inner.connect()).await.is_ok_and(|connection| connection.is_some())
    }

    /// Counts the connections: a change means that Redis was away and is back, perhaps empty.
    #[must_use]
    pub fn connects(&self) -> watch::Receiver<u64> {
        self.inner.connects.subscribe()
    }
}

/// A channel that is listened to.
pub struct Subscription {
    sink: PubSubSink,
    messages: PubSubStream,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription(..)")
    }
}

impl Subscription {
    /// The next message; `None` when the connection has ended, which is asked for: one that is quiet may be dead.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            tokio::select! {
                message = self.messages.next() => return Some(message?.get_payload_bytes().to_vec()),
                () = sleep(QUIET) => {
                    let _: redis::Value = timeout(CONNECT, self.sink.ping()).await.ok()?.ok()?;
                }
            }
        }
    }
}

impl Inner {
    fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_connection(&self, connection: Option<MultiplexedConnection>) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    async fn within<T>(&self, wait: Duration, call: impl Future<Output = RedisResult<T>>) -> Option<T> {
        match timeout(wait, call).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                self.cut(&kind(&error));
                None
            }
            Err(_) => {
                self.cut("it did not answer in time");
                None
            }
        }
    }

    /// Breaks the circuit; only the first to do so says it.
    fn cut(&self, why: &str) {
        let was = self.connection.write().unwrap_or_else(PoisonError::into_inner).take();
        if was.is_some() {
            tracing::warn!(why, "Redis is away: what it shared is kept in memory");
            self.broken.notify_one();
        }
    }

    /// Connects, and waits until that connection breaks; answers how many attempts have come to nothing since.
    async fn keep_connected(&self, failed: usize) -> usize {
        sleep(Duration::from_millis(*PAUSES.get(failed).unwrap_or(&LONGEST_PAUSE))).await;
        let Some(connection) = timeout(CONNECT, self.connect()).await.unwrap_or(None) else {
            if failed == 0 && *self.connects.borrow() == 0 {
                tracing::warn!("Redis can't be reached: what it would share is kept in memory");
            }
            return failed + 1;
        };
        let begun = Instant::now();
        self.set_connection(Some(connection));
        self.connects.send_modify(|connects| *connects += 1);
        tracing::info!("Redis answers: it shares limits and hints between replicas");
        self.watch().await;
        if begun.elapsed() < STEADY { failed + 1 } else { 0 }
    }

    async fn connect(&self) -> Option<MultiplexedConnection> {
        // The deadlines are ours.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await.ok()?;
        let answered: RedisResult<String> = redis::cmd("PING").query_async(&mut connection).await;
        answered.ok().map(|_| connection)
    }

    /// Until the circuit is broken: by a caller, or here when nobody calls.
    async fn watch(&self) {
        while let Some(mut connection) = self.connection() {
            tokio::select! {
                () = self.broken.notified() => {}
                () = sleep(CONNECT) => {
                    let _: Option<String> = self.within(CONNECT, redis::cmd("PING").query_async(&mut connection)).await;
                }
            }
        }
    }
}

fn client(config: &Config) -> Result<Client, Error> {
    let unusable = |error: redis::RedisError| Error::new(format!("configuration: redis: {}", kind(&error)));
    let info: ConnectionInfo = config.address.as_str().into_connection_info().map_err(unusable)?;
    let mut settings = info.redis_settings().clone();
    if let Some(username) = &config.username {
        settings = settings.set_username(username);
    }
    if let Some(path) = &config.password {
        settings = settings.set_password(read_secret(path)?.expose_secret());
    }
    let info = info.set_redis_settings(settings);
    let Some(path) = &config.ca else { return Client::open(info).map_err(unusable) };
    let pem = std::fs::read(path)
        .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))?;
    let none: Option<ClientTlsConfig> = None;
    let tls = TlsCertificates { client_tls: none, root_cert: Some(pem) };
    Client::build_with_tls(info, tls).map_err(unusable)
}

/// What kind of error it is; its text may quote a command.
fn kind(error: &redis::RedisError) -> String {
    error.code().map_or_else(|| format!("{:?}", error.kind()), ToOwned::to_owned)
}
