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
    /// Whether the login should have been renewed and was not; said once.
    late: bool,
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
        Fault::Refused | Fault::Bad(_) => Error::RootsRefused(format!("the login by {}", config.auth.name())),
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
        late: false,
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
        let bound = (!self.is_withdrawn()).then(|| self.proven + self.grace);
        let every = if self.away { SOON.min(self.every) } else { self.every };
        let due = due(now, every, self.transit.session().renew_at(), bound);
        tokio::select! {
            () = sleep_until(due) => {}
            // Not more often than while it is away.
            () = self.transit.refused.notified() => sleep_until(due.min(now + SOON)).await,
        }
    }

    /// Renews the login if it is time, and proves each root key in use; after a refusal once more, with a new login.
    async fn look(&mut self) -> Result<(), Fault> {
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
    async fn renew(&mut self) -> Result<(), Fault> {
        let session = self.transit.session();
        if session.renew_at().is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        match self.renewed(&session).await {
            Ok(renewed) => {
                self.late = false;
                self.transit.set_session(renewed);
            }
            Err(fault) if !session.has_ended() => {
                if !std::mem::replace(&mut self.late, true) {
                    tracing::warn!(fault = ?fault, "Vault does not renew the login; trying again until it ends");
                }
            }
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

/// When to look next: every so often, sooner for a renewal, but not again and again for one that fails; and at the
/// bound, where there is one.
fn due(now: Instant, every: Duration, renewal: Option<Instant>, bound: Option<Instant>) -> Instant {
    let due = now + every;
    let due = renewal.map_or(due, |at| due.min(at.max(now + SOON)));
    bound.map_or(due, |bound| due.min(bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_that_fails_is_not_tried_without_a_pause() {
        let now = Instant::now();
        let (every, ago, far) = (Duration::from_secs(10), now, now + Duration::from_secs(60));
        let later = now + Duration::from_secs(5);
        assert_eq!(due(later, every, None, None), later + every);
        assert_eq!(due(later, every, Some(ago), None), later + SOON);
        assert_eq!(due(now, every, Some(later), Some(far)), later);
        assert_eq!(due(now, every, Some(far), None), now + every);
        assert_eq!(due(now, every, Some(ago), Some(now)), now, "the bound is held");
    }
}
