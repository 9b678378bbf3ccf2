//! What is held about a person, and the end of it: finding, erasing, suppressing, lifting.
//!
//! A person is asked for by their address, in any spelling. The index (`e` rows of [`crate::schema`]) leads from its keyed
//! hash to every row of theirs in every region, so that a lookup costs what the person has, not what the lists have.

mod erase;
mod find;
mod lift;
mod removal;

use maily_law::EmailAddress;

use crate::ledger::Command;
use crate::schema::Channel;
use crate::secrets::AddressHash;
use crate::state::{Inner, uninterrupted};
use crate::suppression::OptOut;
use crate::{Error, State, officer_types as types};

pub(crate) use erase::Unfinished;
pub(crate) use removal::Which;

/// Longest reason, in bytes.
const MAX_REASON: usize = 1_024;
const SUPPRESS_ARTICLE: &str = "GDPR 21(2)-(3), 7(3); CASL 11; CAN-SPAM 15 U.S.C. 7704(a)(4)";

/// Who commands something, and why; it goes on record.
#[derive(Clone, Debug)]
pub struct Order {
    /// The name of the key that the call was made with.
    pub caller: String,
    /// Why: 1 to 1,024 bytes without control characters, and nothing personal.
    pub reason: String,
}

impl Order {
    pub(crate) fn command(self) -> Result<Command, Error> {
        let Self { caller, reason } = self;
        let given = !reason.trim().is_empty() && reason.len() <= MAX_REASON;
        if !given || reason.contains(char::is_control) {
            return Err(Error::Request("reason is empty, longer than 1024 bytes, or has control characters"));
        }
        // A reason that names the person would stay when everything else of theirs is gone.
        if !EmailAddress::find_all(&reason).is_empty() {
            return Err(Error::Request("reason has an address in it; it stays on record, so it must not"));
        }
        Ok(Command { caller, reason })
    }
}

impl State {
    /// Everything that is held about a person.
    ///
    /// # Errors
    /// [`Error::Request`] for what is no address.
    pub async fn find(&self, address: &str) -> Result<types::Subject, Error> {
        self.0.find(&person(address)?).await
    }

    /// Ends what is held about a person: nobody opens it from now on, and no copy or backup of it either once the epochs
    /// have turned. Their hash stays on the suppression list, with an objection for each time that this is asked for, also
    /// where nothing is held. Durable when it answers.
    ///
    /// # Errors
    /// [`Error::Request`]; [`Error::Busy`] while an import takes too long to wait for.
    pub async fn erase(&self, address: &str, order: Order) -> Result<types::EraseReply, Error> {
        let (address, command) = (person(address)?, order.command()?);
        let inner = self.0.clone();
        uninterrupted(async move { inner.erase(&address, command).await }).await
    }

    /// Puts on record that a person objects, as somebody told an officer, each time; whether they had not before.
    ///
    /// # Errors
    /// [`Error::Request`].
    pub async fn suppress(&self, address: &str, order: Order) -> Result<bool, Error> {
        let (address, command) = (person(address)?, order.command()?);
        let opt_out = OptOut {
            channel: Channel::Officer,
            article: SUPPRESS_ARTICLE,
            command: Some(command),
            told: None,
        };
        let inner = self.0.clone();
        uninterrupted(async move { inner.suppress_person(&address, &opt_out).await }).await
    }

    /// Lifts, for one sender and for lists imported from now on, what people have objected to so far; counts those whose
    /// objections bound the sender, and those who had none.
    ///
    /// # Errors
    /// [`Error::Request`]; nobody's objections are lifted then.
    pub async fn lift(
        &self,
        addresses: &[String],
        sender: &str,
        file: Option<String>,
        order: Order,
    ) -> Result<types::LiftReply, Error> {
        if addresses.is_empty() || addresses.len() > types::MAX_LIFTED {
            return Err(Error::Request("addresses are none, or more than 10000"));
        }
        let people = addresses.iter().map(|address| person(address)).collect::<Result<Vec<_>, _>>()?;
        let sender =
            EmailAddress::parse(sender.trim()).map_err(|_| Error::Request("sender is no address"))?;
        let file = file.unwrap_or_default();
        if file.len() > MAX_REASON || file.contains(char::is_control) {
            return Err(Error::Request("file is longer than 1024 bytes, or has control characters"));
        }
        if !EmailAddress::find_all(&file).is_empty() {
            return Err(Error::Request(
                "file has an address in its name; it stays on record, so it must not",
            ));
        }
        let command = order.command()?;
        let inner = self.0.clone();
        let lifting = async move { inner.lift(&people, &sender, file, command).await };
        uninterrupted(lifting).await
    }
}

fn person(address: &str) -> Result<EmailAddress, Error> {
    EmailAddress::parse(address.trim()).map_err(|_| Error::Request("address is no address"))
}

impl Inner {
    /// Every hash by which the person may be on record.
    async fn every_name(&self, address: &EmailAddress) -> Result<Vec<AddressHash>, Error> {
        let (hash, formers) = self.hashes(address);
        let mut names = self.regions.names(hash).await?;
        names.extend(formers);
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    async fn suppress_person(&self, address: &EmailAddress, opt_out: &OptOut) -> Result<bool, Error> {
        let hash = self.secrets.address_hash(address);
        self.suppression.record_opt_out(&self.regions, self.regions.first()?, hash, opt_out).await
    }
}
