//! Lifting: people agreed again, to one sender, and an officer vouches for it by name.

use std::collections::{BTreeSet, HashMap};

use maily_law::EmailAddress;

use crate::Error;
use crate::ledger::{Command, Event, Lifted};
use crate::officer_types as types;
use crate::records::Campaign;
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
        let sender_address = sender.comparison().to_owned();
        let hashes = self.secrets.sender_hashes(sender);
        let sender = hashes.now;
        let asker = Asker { sender: Some(sender), former_sender: hashes.former, imported: i64::MAX };
        let mut people_names = Vec::with_capacity(people.len());
        for person in people {
            people_names.push(self.every_name(person).await?);
        }
        self.add_formers(&mut people_names).await?;
        let known = |campaign: &Campaign| {
            let of = campaign.sender_address.as_slice();
            of == sender || hashes.former.is_some_and(|former| of == former)
        };
        let unknown_sender = !self.campaigns.all().await?.iter().any(known);
        // No objection is put on record from here on, in any region: what binds now is what is lifted, and what comes later
        // is later by its moment, too. (A hint that is not yet durable is not lifted: it binds.)
        let mut writers = Vec::new();
        for region in self.regions.values() {
            writers.push(region.ledger.writer().await?);
        }
        let now = self.now();
        let behind = self.imports.behind(now);
        let (lifts, answer) = {
            let mut suppressed = self.suppression.write();
            let mut answer = types::LiftReply { unknown_sender, ..types::LiftReply::default() };
            let mut lifted = BTreeSet::new();
            for mut names in people_names {
                names.retain(|name| suppressed.binds(name, &asker).is_some());
                if names.is_empty() {
                    answer.not_suppressed += 1
                } else {
                    answer.lifted += 1
                }
                lifted.extend(names);
            }
            let lift = |name| (name, Lift { sender, at: suppressed.reserve(name, behind) });
            (lifted.into_iter().map(lift).collect::<Vec<(AddressHash, Lift)>>(), answer)
        };
        if lifts.is_empty() {
            return Ok(answer);
        }
        let first = writers.swap_remove(0);
        let row = |(name, lift): &(AddressHash, Lift)| (schema::lift(name, first.number()), lift.encode());
        let rows = lifts.iter().map(row).collect();
        let event = Lifted {
            addresses: lifts.iter().map(|(name, _)| name.to_vec()).collect(),
            sender: sender.to_vec(),
            command: Some(command),
            file,
            moments: lifts.iter().map(|(_, lift)| lift.at).collect(),
            sender_address,
        };
        let written = first.append_with(now, Event::Lifted(event), rows, Vec::new()).await?;
        drop(writers);
        written.await_durable().await?;
        let mut suppressed = self.suppression.write();
        lifts.into_iter().for_each(|(name, lift)| suppressed.lift(name, lift));
        Ok(answer)
    }

    /// Adds what stood for each of these people before, in whichever spelling: a row in one that nobody asked for is asked by
    /// it, too. Nothing leads from a person to it, so all that is mapped is looked through, once for all of them.
    async fn add_formers(&self, people_names: &mut [Vec<AddressHash>]) -> Result<(), Error> {
        let named = people_names.iter().enumerate();
        let people: HashMap<AddressHash, usize> =
            named.flat_map(|(at, names)| names.iter().map(move |name| (*name, at))).collect();
        for region in self.regions.values() {
            for (former, person) in region.formers().await? {
                if let Some(names) = people.get(&person).and_then(|at| people_names.get_mut(*at)) {
                    names.push(former);
                }
            }
        }
        Ok(())
    }
}
