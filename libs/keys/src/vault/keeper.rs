//! Keeps the login alive, proves that Vault still serves our keys, and withdraws them when it does not.

use std::sync::Arc;
use std::time::Duration;

use maily_chassis::Vault as Config;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use vaultrs::token;

use super::fault::Fault;
use super::login::{Door, Session};
use super::transit::Transit;
use crate::{Error, Standing};

/// How long the first login is tried: Vault may be starting too.
const FIRST: Duration = Duration::from_secs(30);
/// Between two looks while Vault is away.
const SOON: Duration = Duration::from_secs(1);

struct Keeper {
    door: Door,
    transit: Arc<Transit>,
    standing: watch::Sender<Option<String>>,
    every: Duration,
    grace: Duration,
    /// When a proof that succeeded began.
    proven: Instant,
    /// Whether the last look failed; said once.
    away: bool,
}

/// Logs in and starts keeping.
pub(super) async fn start(
    config: &Config,
    mount: &str,
) -> Result<(Arc<Transit>, Standing, JoinHandle<()>), Error> {
    let door = Door::new(config)?;
    let transient = |fault: &Fault| !matches!(fault, Fault::Away(_));
    let session = maily_chassis::retry::retry(FIRST, transient, || door.login()).await;
    let session = session.map_err(|fault| match fault {
        Fault::Away(why) => Error::RootsUnavailable(format!("Vault: {why}")),
        Fault::Refused | Fault::Bad(_) => {
            Error::RootsRefused(format!("the login by {}", config.auth.name()))
        }
    })?;
    let transit = Arc::new(Transit::new(mount, session));
    let (sender, standing) = watch::channel(None);
    let keeper = Keeper {
        door,
        transit: Arc::clone(&transit),
        standing: sender,
        every: Duration::from_secs(config.check_seconds),
        grace: Duration::from_secs(config.grace_seconds),
        proven: Instant::now(),
        away: false,
    };
    Ok((transit, standing, tokio::spawn(keeper.run())))
}

impl Keeper {
    async fn run(mut self) {
        loop {
            self.wait().await;
            let begun = Instant::now();
            // The bound holds also while a call hangs.
            let looked = match self.is_withdrawn() {
                true => Ok(self.look().await),
                false => timeout_at(self.proven + self.grace, self.look()).await,
            };
            match looked {
                Ok(Ok(())) => self.good(begun),
                Ok(Err(fault)) => self.bad(&fault),
                Err(_) => self.bad(&Fault::Away("it does not answer".to_owned())),
            }
        }
    }

    /// Until the next look is due: regularly, when the login is to be renewed, when Vault refused something, when
    /// the time of grace is over.
    async fn wait(&self) {
        let now = Instant::now();
        let mut due = now + if self.away { SOON.min(self.every) } else { self.every };
        if !self.away && let Some(renewal) = self.transit.session().renew_at() {
            due = due.min(renewal);
        }
        if !self.is_withdrawn() {
            due = due.min(self.proven + self.grace);
        }
        tokio::select! {
            () = sleep_until(due) => {}
            // Not more often than while it is away.
            () = self.transit.refused.notified() => sleep_until(due.min(now + SOON)).await,
        }
    }

    /// Renews the login if it is time, and proves each root key in use; after a refusal once more, with a new login.
    async fn look(&self) -> Result<(), Fault> {
        self.renew().await?;
        match self.prove().await {
            Err(Fault::Refused) => {
                self.transit.set_session(self.door.login().await?);
                self.prove().await
            }
            proven => proven,
        }
    }

    /// A login that can't be renewed is replaced; one that still holds survives a failure to do so.
    async fn renew(&self) -> Result<(), Fault> {
        let session = self.transit.session();
        if session.renew_at().is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        match self.renewed(&session).await {
            Ok(renewed) => self.transit.set_session(renewed),
            Err(_) if !session.has_ended() => tracing::warn!("Vault did not renew the login yet"),
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    async fn renewed(&self, session: &Session) -> Result<Session, Fault> {
        match self.door.renew(session).await {
            Ok(Some(renewed)) => Ok(renewed),
            Ok(None) | Err(Fault::Refused | Fault::Bad(_)) => self.door.login().await,
            Err(away) => Err(away),
        }
    }

    async fn prove(&self) -> Result<(), Fault> {
        let session = self.transit.session();
        token::lookup_self(&session.client).await.map_err(|error| Fault::of(&error))?;
        for name in self.transit.used() {
            self.transit.prove(&name).await?;
        }
        Ok(())
    }

    fn good(&mut self, begun: Instant) {
        self.proven = begun;
        if std::mem::take(&mut self.away) {
            tracing::info!("Vault serves our keys again");
        }
        self.standing.send_if_modified(|standing| standing.take().is_some());
    }

    fn bad(&mut self, fault: &Fault) {
        if !std::mem::replace(&mut self.away, true) {
            tracing::warn!(fault = ?fault, grace = ?self.grace, "Vault does not serve our keys");
        }
        let refused = !matches!(fault, Fault::Away(_));
        let reason = match refused {
            true => "Vault refuses our keys".to_owned(),
            false => format!("Vault has not served our keys for {} s", self.grace.as_secs()),
        };
        let over = refused || Instant::now() >= self.proven + self.grace;
        if over && !self.is_withdrawn() {
            tracing::error!(reason, "keys are withdrawn: every request is refused");
            self.standing.send_replace(Some(reason));
        }
    }

    fn is_withdrawn(&self) -> bool {
        self.standing.borrow().is_some()
    }
}
