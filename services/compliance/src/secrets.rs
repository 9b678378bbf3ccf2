//! The keyed hashes by which addresses are known, the same for ever and in every region of a tenant.

use aws_lc_rs::hmac;
use maily_keys::{DataKey, RootKeys, Scope, mac};
use maily_law::{Country, EmailAddress};

use crate::Error;

/// An address as the suppression list knows it: 128 bits of an HMAC under a key of its own.
pub(crate) type AddressHash = [u8; 16];

/// A sender's address, likewise.
pub(crate) type SenderHash = [u8; 16];

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
        })
    }

    /// Of a person, however the address is spelled.
    pub(crate) fn address_hash(&self, address: &EmailAddress) -> AddressHash {
        self.hash(address.comparison())
    }

    /// What was in its place before for this spelling, where that differs: two at most.
    pub(crate) fn former_hashes(&self, address: &EmailAddress) -> Vec<AddressHash> {
        address.formers().iter().map(|former| self.hash(former)).collect()
    }

    /// Of a sender, whose hash says nothing of the person with the same address.
    pub(crate) fn sender_hash(&self, address: &EmailAddress) -> SenderHash {
        let mut hash = SenderHash::default();
        let whole = mac(&self.suppression, &[b"sender ", address.comparison().as_bytes()]);
        hash.copy_from_slice(&whole[..16]);
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
