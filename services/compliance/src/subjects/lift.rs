//! Lifting: people agreed again, to one sender, and an officer vouches for it by name.

use maily_law::EmailAddress;

use crate::Error;
use crate::ledger::{Command, Event, Lifted};
use crate::officer_types as types;
use crate::schema::{self, Lift};
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::suppression::Asker;

impl Inner {
    pub(super) async fn lift(
        &self,
        people: &[EmailAddress],
        sender: &EmailAddress,
        file: String,
        command: Command,
    ) -> Result<types::LiftReply, Error> {
        let sender = self.secrets.sender_hash(sender);
        let asker = Asker { sender: Some(sender), imported: i64::MAX };
        let mut names = Vec::new();
        let mut answer = types::LiftReply { lifted: 0, not_suppressed: 0 };
        for person in people {
            let bound = self.bound_names(person, &asker).await?;
            if bound.is_empty() {
                answer.not_suppressed += 1
            } else {
                answer.lifted += 1
            }
            names.extend(bound);
        }
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return Ok(answer);
        }
        // No objection is put on record meanwhile, in any region: what comes later is later by its moment, too.
        let mut writers = Vec::new();
        for region in self.regions.values() {
            writers.push(region.ledger.writer().await?);
        }
        let (now, behind) = (self.now(), self.behind_imports());
        let lifts: Vec<(AddressHash, Lift)> = {
            let mut suppressed = self.suppressed_mut();
            let lift = |name| (name, Lift { sender, at: suppressed.reserve(name, behind) });
            names.into_iter().map(lift).collect()
        };
        let first = writers.swap_remove(0);
        let row = |(name, lift): &(AddressHash, Lift)| (schema::lift(name, first.number()), lift.encode());
        let rows = lifts.iter().map(row).collect();
        let event = Lifted {
            addresses: lifts.iter().map(|(name, _)| name.to_vec()).collect(),
            sender: sender.to_vec(),
            command: Some(command),
            file,
            moments: lifts.iter().map(|(_, lift)| lift.at).collect(),
        };
        let written = first.append_with(now, Event::Lifted(event), rows, Vec::new()).await?;
        drop(writers);
        written.await_durable().await?;
        let mut suppressed = self.suppressed_mut();
        lifts.into_iter().for_each(|(name, lift)| suppressed.lift(name, lift));
        Ok(answer)
    }

    /// The hashes of a person whose objections bind the sender.
    async fn bound_names(&self, person: &EmailAddress, asker: &Asker) -> Result<Vec<AddressHash>, Error> {
        let mut names = self.every_name(person).await?;
        names.retain(|name| self.is_suppressed(name, asker));
        Ok(names)
    }
}
