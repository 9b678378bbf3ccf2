//! The keyed hashes by which addresses are known, the same for ever and in every region of a tenant.

use aws_lc_rs::hmac;
use maily_crypto::{DataKey, mac};
use maily_keys::{RootKeys, Scope};
use maily_law::{Country, EmailAddress};

use crate::Error;

/// An address as the suppression list knows it: 128 bits of an HMAC under a key of its own.
pub(crate) type AddressHash = [u8; 16];

/// A sender's address, likewise.
pub(crate) type SenderHash = [u8; 16];

/// Both hashes by which a sender may be on record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderHashes {
    pub(crate) now: SenderHash,
    /// Of revision 3, where that differs.
    pub(crate) former: Option<SenderHash>,
}

/// The tenant's secrets for keyed hashes.
pub(crate) struct Secrets {
    suppression: DataKey,
    lists: DataKey,
    /// Authenticates unsubscribe tokens.
    pub(crate) tokens: DataKey,
    /// Proves that a hint of an opt-out is from a process of this tenant.
    pub(crate) hints: DataKey,
    /// Encrypts the database of campaigns.
    pub(crate) campaigns: DataKey,
    /// Whether hashes are those of revision 3.
    #[cfg(test)]
    pub(crate) as_revision_3: std::sync::atomic::AtomicBool,
}

impl Secrets {
    pub(crate) async fn open(roots: &dyn RootKeys, tenant: &str) -> Result<Self, Error> {
        let scope = Scope::new(tenant, "all", "compliance")?;
        Ok(Self {
            suppression: roots.mac(&scope, "suppression").await?,
            lists: roots.mac(&scope, "list digest").await?,
            tokens: roots.mac(&scope, "unsubscribe token").await?,
            hints: roots.mac(&scope, "opt-out hint").await?,
            campaigns: roots.mac(&scope, "campaign blocks").await?,
            #[cfg(test)]
            as_revision_3: std::sync::atomic::AtomicBool::default(),
        })
    }

    /// Of a person, however the address is spelled.
    pub(crate) fn address_hash(&self, address: &EmailAddress) -> AddressHash {
        self.hash(self.compared(address))
    }

    /// What was in its place before for this spelling, where that differs: three at most.
    pub(crate) fn former_hashes(&self, address: &EmailAddress) -> Vec<AddressHash> {
        let formers = address.formers().iter().filter(|former| *former != self.compared(address));
        formers.map(|former| self.hash(former)).collect()
    }

    fn compared<'a>(&self, address: &'a EmailAddress) -> &'a str {
        #[cfg(test)]
        if self.as_revision_3.load(std::sync::atomic::Ordering::SeqCst) && address.needs_smtputf8() {
            return address.formers().last().map_or(address.comparison(), String::as_str);
        }
        address.comparison()
    }

    /// Of a sender, whose hash says nothing of the person with the same address.
    pub(crate) fn sender_hash(&self, address: &EmailAddress) -> SenderHash {
        self.hash_of_sender(self.compared(address))
    }

    /// Likewise, with what was in its place in revision 3.
    pub(crate) fn sender_hashes(&self, address: &EmailAddress) -> SenderHashes {
        // Senders were never known by their spelling: a hash of that is nobody's.
        let former = address.formers().last().map(|former| self.hash_of_sender(former));
        SenderHashes { now: self.sender_hash(address), former }
    }

    fn hash_of_sender(&self, address: &str) -> SenderHash {
        let mut hash = SenderHash::default();
        hash.copy_from_slice(&mac(&self.suppression, &[b"sender ", address.as_bytes()])[..16]);
        hash
    }

    fn hash(&self, address: &str) -> AddressHash {
        let mut hash = AddressHash::default();
        hash.copy_from_slice(&mac(&self.suppression, &[address.as_bytes()])[..16]);
        hash
    }

    /// The digest of a list judged at `as_of` for a sender in `country` (revision 1 had none) with an address (since revision
    /// 3), to be fed the list's bytes.
    pub(crate) fn list_digest(
        &self,
        as_of: &str,
        country: Option<Country>,
        address: Option<&SenderHash>,
    ) -> hmac::Context {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.lists.expose()));
        context.update(&(as_of.len() as u64).to_be_bytes());
        context.update(as_of.as_bytes());
        if let Some(country) = country {
            context.update(country.code().as_bytes());
        }
        if let Some(address) = address {
            context.update(address);
        }
        context
    }
}
