//! Logging in to Vault, and the session that a login gives.

use std::time::Duration;

use maily_chassis::{SecretFileError, Vault as Config, VaultAuth, read_secret};
use rustify::clients::reqwest::Client as Http;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use vaultrs::api::{AuthInfo, EndpointMiddleware};
use vaultrs::auth::{approle, kubernetes};
use vaultrs::client::{VaultClient, VaultClientSettings, VaultClientSettingsBuilder};
use vaultrs::token;

use super::fault::Fault;
use crate::Error;

/// Seconds that one call may take.
const CALL: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);

/// How to reach Vault and log in to it.
pub(super) struct Door {
    config: Config,
    http: reqwest::Client,
    settings: VaultClientSettings,
}

/// A login: a client with a token, and when that ends.
pub(super) struct Session {
    pub(super) client: VaultClient,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
    /// What the login gave; a renewal that gives much less is near the end of what renewals can do.
    given: Duration,
}

impl Door {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let fault = |what: &str| Error::Invalid(format!("configuration: vault.{what}"));
        // Answers only from Vault itself: no redirects, no proxies from the environment.
        let mut http = reqwest::Client::builder()
            .timeout(CALL)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(path) = &config.ca {
            let pem = std::fs::read(path)
                .map_err(|source| Error::File { path: path.display().to_string(), source })?;
            let bundle = reqwest::Certificate::from_pem_bundle(&pem);
            http = http.tls_certs_only(bundle.map_err(|_| fault("ca holds no usable certificate"))?);
        } else if config.address.scheme() == "http" {
            http = http.tls_certs_only([]);
        }
        let settings = VaultClientSettingsBuilder::default()
            .address(config.address.as_str())
            .ca_certs(Vec::new())
            .identity(None)
            .token("")
            .verify(true)
            .namespace(config.namespace.clone())
            .build()
            .map_err(|_| fault("address can't be used"))?;
        let http = http.build().map_err(|_| fault("ca can't be used"))?;
        Ok(Self { config: config.clone(), http, settings })
    }

    /// Logs in with what the credential's file holds now: Kubernetes replaces it from time to time.
    pub(super) async fn login(&self) -> Result<Session, Fault> {
        let Config { auth, role, credential, .. } = &self.config;
        let mount = self.config.auth_mount.as_deref().unwrap_or(auth.name());
        let client = self.client("");
        let secret = read_secret(credential).map_err(unreadable)?;
        let answer = match auth {
            VaultAuth::Kubernetes => kubernetes::login(&client, mount, role, secret.expose_secret()).await,
            VaultAuth::AppRole => approle::login(&client, mount, role, secret.expose_secret()).await,
        };
        match answer.map_err(|error| Fault::of(&error)) {
            Ok(info) => Ok(self.session(&info)),
            // How Vault says that a role or a secret id is wrong.
            Err(Fault::Bad(400 | 404)) => Err(Fault::Refused),
            Err(fault) => Err(fault),
        }
    }

    /// Makes a session last longer; `None` when only a new login can.
    pub(super) async fn renew(&self, session: &Session) -> Result<Option<Session>, Fault> {
        let info = token::renew_self(&session.client, None).await.map_err(|error| Fault::of(&error))?;
        let mut renewed = self.session(&info);
        if renewed.given * 2 < session.given {
            return Ok(None);
        }
        renewed.given = session.given;
        Ok(Some(renewed))
    }

    fn session(&self, info: &AuthInfo) -> Session {
        let given = Duration::from_secs(info.lease_duration);
        let after = |part: u32| (!given.is_zero()).then(|| Instant::now() + given / 3 * part);
        Session { client: self.client(&info.client_token), renew_at: after(2), ends_at: after(3), given }
    }

    fn client(&self, token: &str) -> VaultClient {
        let middle = EndpointMiddleware {
            token: token.to_owned(),
            version: "v1".to_owned(),
            wrap: None,
            namespace: self.config.namespace.clone(),
        };
        let http = Http::new(self.settings.address.as_str(), self.http.clone());
        VaultClient { http, middle, settings: self.settings.clone() }
    }
}

impl Session {
    /// When to renew it; never, if it does not end.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        self.renew_at
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ends_at.is_some_and(|end| Instant::now() >= end)
    }
}

fn unreadable(error: SecretFileError) -> Fault {
    Fault::Away(error.to_string())
}
