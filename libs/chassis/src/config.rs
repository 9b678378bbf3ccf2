//! Configuration: defaults, then a TOML file, then `MAILY_…` variables, then `--set` flags; the later wins.
//!
//! Every key is known: an unknown one stops the start, because a misspelt setting is a setting that is off.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use crate::backends::{Redis, Vault, VaultAuth};
use crate::network::Network;

/// Where the service runs; what is refused in production is decided by this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine or a test.
    #[default]
    Dev,
    /// A rehearsal of production.
    Staging,
    /// Real people's data.
    Prod,
}

/// The configuration of a service; `T` is its own section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config<T> {
    /// Where the service runs.
    #[serde(default)]
    pub environment: Environment,
    /// Folder of the service's own state.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// The listener for services.
    pub internal: Internal,
    /// The listener for people's clients; off unless configured.
    #[serde(default)]
    pub edge: Option<Edge>,
    /// The listener for the privacy officer, with keys of its own; off unless configured.
    #[serde(default)]
    pub officer: Option<Edge>,
    /// The listener for kubelets and scrapers.
    #[serde(default)]
    pub health: Health,
    /// Logs, traces and metrics.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Limits of every listener.
    #[serde(default)]
    pub limits: Limits,
    /// Where root keys are kept; without it in a local file, which production refuses. A service without keys refuses it.
    #[serde(default)]
    pub vault: Option<Vault>,
    /// Where replicas share what may be lost; without it each keeps its own in memory.
    #[serde(default)]
    pub redis: Option<Redis>,
    /// Service name to `host:port` of its internal listener, for those that the service calls and no others.
    #[serde(default)]
    pub peers: BTreeMap<String, String>,
    /// The service's own section.
    #[serde(default)]
    pub service: T,
}

fn default_data() -> PathBuf {
    PathBuf::from("data")
}

/// The internal listener: mutual TLS 1.3 with X25519MLKEM768.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Internal {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// PEM file of the authority that signs every service's certificate.
    pub ca: PathBuf,
    /// PEM file of this service's certificate chain.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// The edge listener, and the officer's: TLS 1.3 and bearer keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// PEM file of the certificate chain shown to clients.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// File of lines `name:hex SHA-256` or `name:hex SHA-256:scope,scope`, one for each accepted bearer key. It is read anew when
    /// it changes.
    #[serde(default)]
    pub keys: Option<PathBuf>,
    /// Requests a second that one key, or one address without a key, may send.
    #[serde(default = "default_rate")]
    pub requests_per_second: u32,
    /// The networks of proxies in front that are believed when they say for whom they call.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// Which entry of `X-Forwarded-For` is the client, from the right: 1 where one proxy stands in front.
    #[serde(default)]
    pub forwarded_hop: Option<usize>,
    /// Whether connections of those proxies begin with the PROXY protocol, version 1 or 2.
    #[serde(default)]
    pub proxy_protocol: bool,
}

impl Edge {
    /// A section of which only this is said.
    #[must_use]
    pub fn new(listen: SocketAddr, certificate: PathBuf, key: PathBuf) -> Self {
        Self {
            listen,
            certificate,
            key,
            keys: None,
            requests_per_second: default_rate(),
            trusted_proxies: Vec::new(),
            forwarded_hop: None,
            proxy_protocol: false,
        }
    }
}

fn default_rate() -> u32 {
    200
}

/// The health listener: plain HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Address to listen on.
    pub listen: SocketAddr,
}

impl Default for Health {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

/// Logs, traces and metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// `tracing` filter directives, e.g. `info` or `info,maily_storage=debug`.
    pub log: String,
    /// OTLP/gRPC collector, e.g. `http://127.0.0.1:4317`; without one nothing is sent.
    pub otlp_endpoint: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".into(), otlp_endpoint: None }
    }
}

/// Limits of every listener.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at once on one listener; fewer where the process may not open as many files.
    pub connections: usize,
    /// Connections open at once of one client of an edge or officer listener: an IPv4 address, or 64 bits of an IPv6 one.
    pub connections_per_address: usize,
    /// Bytes of request bodies under way, of all listeners together; half of it for each key or service at most, an eighth for
    /// an address that has proven no key.
    pub body_bytes: usize,
    /// Seconds that a TLS handshake may take.
    pub handshake_seconds: u64,
    /// Seconds that a connection may be open before its first request.
    pub first_request_seconds: u64,
    /// Seconds that a connection may be open without a request after that.
    pub idle_seconds: u64,
    /// Seconds until a request's answer must begin.
    pub request_seconds: u64,
    /// Seconds that requests under way get at shutdown.
    pub shutdown_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 64,
            body_bytes: 256 << 20,
            handshake_seconds: 10,
            first_request_seconds: 30,
            idle_seconds: 300,
            request_seconds: 300,
            shutdown_seconds: 20,
        }
    }
}

/// A configuration that can't be used, in one sentence.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// Always: the same configuration fails again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

/// Reads a service's configuration.
///
/// `file` is a TOML file; `sets` are `key.path=value` pairs, values in TOML's syntax or plain strings.
///
/// # Errors
/// An unreadable file, an unknown key, a missing or ill-typed value.
pub fn load<T: DeserializeOwned + Default>(
    file: Option<&std::path::Path>,
    sets: &[String],
) -> Result<Config<T>, ConfigError> {
    let mut figment = Figment::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("cannot read {}: {error}", path.display())))?;
        check_toml(path, &text)?;
        figment = figment.merge(Toml::string(&text));
    }
    figment = figment.merge(Env::prefixed("MAILY_").ignore(&["CONFIG", "CACHE", "MODEL"]).split("__"));
    for set in sets {
        let (key, value) =
            set.split_once('=').ok_or_else(|| ConfigError(format!("--set {set}: expected KEY=VALUE")))?;
        figment = figment.merge(Serialized::default(key, toml_value(value)));
    }
    figment.extract().map_err(|error| ConfigError(one_sentence(&error)))
}

/// Tells where a file is not TOML: figment's own words are several lines and name no file.
fn check_toml(path: &std::path::Path, text: &str) -> Result<(), ConfigError> {
    let Err(error) = text.parse::<toml::Table>() else { return Ok(()) };
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) =
        (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    let reason = error.message().lines().collect::<Vec<_>>().join("; ");
    Err(ConfigError(format!("{}: line {line}, column {column}: {reason}", path.display())))
}

/// Numbers, booleans, arrays as TOML; anything else is a string, so that addresses need no quotes.
fn toml_value(text: &str) -> figment::value::Value {
    text.parse::<figment::value::Value>().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

/// Figment chains every fault; the first, with its key, says enough.
fn one_sentence(error: &figment::Error) -> String {
    let path = error.path.join(".");
    let fault = match &error.kind {
        Kind::UnknownField(key, known) => format!("unknown key {key}; known are {}", known.join(", ")),
        Kind::UnknownVariant(value, known) => format!("{value} is none of {}", known.join(", ")),
        other => other.to_string(),
    };
    if path.is_empty() { fault } else { format!("{path}: {fault}") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Own {
        queue: usize,
    }

    const GOOD: &str = r#"
        [internal]
        listen = "127.0.0.1:0"
        ca = "ca.pem"
        certificate = "c.pem"
        key = "k.pem"
        [service]
        queue = 3
    "#;

    fn read(text: &str, sets: &[&str]) -> Result<Config<Own>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        let path = file.path().display().to_string();
        load(Some(file.path()), &sets).map_err(|error| error.to_string().replace(&path, "FILE"))
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let config = read(GOOD, &["service.queue=7", "health.listen=127.0.0.1:9"]).unwrap();
        assert_eq!(config.service.queue, 7);
        assert_eq!(config.health.listen.port(), 9);
        assert_eq!(config.environment, Environment::Dev);
    }

    #[test]
    fn bad_configuration_is_one_sentence() {
        let said = |text: &str, sets: &[&str]| read(text, sets).unwrap_err();
        let mut all = String::new();
        for line in [
            said("", &[]),
            said("listen = 3", &[]),
            said(&format!("{GOOD}\nqueu = 1"), &[]),
            said(GOOD, &["internal.listen=nowhere"]),
            said(GOOD, &["environment=production"]),
            said(GOOD, &["service.queue"]),
            said("[internal", &[]),
            said("[internal]\nca = \"a\"\nkey = 1 2", &[]),
        ] {
            all.push_str(&line);
            all.push('\n');
        }
        expect![[r#"
            configuration: missing field `internal`
            configuration: listen: unknown key listen; known are environment, data, internal, edge, officer, health, telemetry, limits, vault, redis, peers, service
            configuration: service.queu: unknown key queu; known are queue
            configuration: internal.listen: invalid socket address syntax
            configuration: environment: production is none of dev, staging, prod
            configuration: --set service.queue: expected KEY=VALUE
            configuration: FILE: line 1, column 10: unclosed table, expected `]`
            configuration: FILE: line 3, column 7: string values must be quoted, expected literal string
        "#]]
        .assert_eq(&all);
    }
}
