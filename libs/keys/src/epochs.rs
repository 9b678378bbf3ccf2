//! Epoch keys in memory, and wrapping under them.

use std::collections::BTreeMap;

use maily_crypto::{Cipher, DataKey};

use crate::Error;

/// The epochs that rows may still be wrapped in: one, or two while an epoch turns. None while keys are withdrawn.
#[derive(Default)]
pub(crate) struct Epochs {
    keys: BTreeMap<u64, Epoch>,
    /// Why no key may serve.
    withdrawn: Option<String>,
}

struct Epoch {
    cipher: Cipher,
    /// The root key's version that wraps the epoch key.
    root_version: u32,
}

impl Epochs {
    /// Forgets every key; until [`Self::restore`] every call fails, and none says that an epoch has ended.
    pub(crate) fn withdraw(&mut self, why: &str) {
        *self = Self { keys: BTreeMap::new(), withdrawn: Some(why.to_owned()) };
    }

    /// Puts what was unwrapped again in the place of what was forgotten.
    pub(crate) fn restore(&mut self, epochs: Self) {
        *self = epochs;
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.is_some()
    }

    /// `Ok` while keys may serve.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.withdrawn.as_ref().map_or(Ok(()), |why| Err(Error::RootsUnavailable(why.clone())))
    }

    pub(crate) fn insert(&mut self, epoch: u64, key: &DataKey, root_version: u32) -> Result<(), Error> {
        self.check()?;
        self.keys.insert(epoch, Epoch { cipher: Cipher::new(key)?, root_version });
        Ok(())
    }

    /// The epoch that keys are wrapped in now, with the version of its root key.
    pub(crate) fn current(&self) -> Option<(u64, u32)> {
        self.keys.last_key_value().map(|(number, epoch)| (*number, epoch.root_version))
    }

    /// The epochs that must end.
    pub(crate) fn old(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.keys.keys().copied().collect();
        numbers.pop();
        numbers
    }

    pub(crate) fn end(&mut self, epochs: &[u64]) {
        self.keys.retain(|number, _| !epochs.contains(number));
    }

    /// `epoch ‖ sealed key`, 68 bytes.
    pub(crate) fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Vec<u8>, Error> {
        self.check()?;
        let (number, epoch) = self.keys.last_key_value().ok_or(maily_crypto::Error::Failed)?;
        let mut out = number.to_be_bytes().to_vec();
        out.extend(epoch.cipher.seal(&bound(*number, context), key.expose())?);
        Ok(out)
    }

    pub(crate) fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, Error> {
        self.check()?;
        let (number, sealed) = split(wrapped)?;
        let epoch = self.keys.get(&number).ok_or(Error::EpochEnded(number))?;
        Ok(epoch.cipher.open_key(&bound(number, context), sealed)?)
    }

    /// The same key wrapped in the current epoch; `None` where it already is.
    pub(crate) fn rewrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.check()?;
        if self
            .current()
            .is_some_and(|(current, _)| split(wrapped).is_ok_and(|(number, _)| number == current))
        {
            return Ok(None);
        }
        self.wrap(&self.unwrap(wrapped, context)?, context).map(Some)
    }
}

fn split(wrapped: &[u8]) -> Result<(u64, &[u8]), Error> {
    let (number, sealed) = wrapped.split_first_chunk::<8>().ok_or(maily_crypto::Error::Authentication)?;
    Ok((u64::from_be_bytes(*number), sealed))
}

fn bound(epoch: u64, context: &[u8]) -> Vec<u8> {
    [b"maily epoch ", epoch.to_be_bytes().as_slice(), context].concat()
}
