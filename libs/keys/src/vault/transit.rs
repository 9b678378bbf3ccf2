//! The calls to Vault's Transit engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use maily_crypto::{DataKey, Error as CryptoError};
use tokio::sync::Notify;
use vaultrs::api::transit::requests::{
    CreateKeyRequest, DecryptDataRequest, EncryptDataRequest, GenerateHmacRequest, TrimKeyRequest,
    UpdateKeyConfigurationRequest,
};
use vaultrs::api::transit::responses::ReadKeyData;
use vaultrs::api::transit::{HashAlgorithm, KeyType};
use vaultrs::error::ClientError;
use vaultrs::transit::{data, generate, key};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::login::Session;
use crate::{Error, Scope, WrappedKey};

/// One mount of the Transit engine, under the newest login.
pub(super) struct Transit {
    mount: String,
    session: RwLock<Arc<Session>>,
    /// The root keys that were used, each with the newest of what it wraps: what the keeper proves again.
    used: Mutex<BTreeMap<String, Option<Sample>>>,
    /// Asks the keeper to look now: Vault refused something.
    pub(super) refused: Notify,
}

/// Something that a root key wraps.
#[derive(Clone, PartialEq, Eq)]
struct Sample {
    version: u32,
    ciphertext: String,
}

/// What Vault knows of a key.
struct Versions {
    newest: u32,
    /// Below it nothing is unwrapped any more.
    lowest: u32,
}

impl Transit {
    pub(super) fn new(mount: &str, session: Session) -> Self {
        Self {
            mount: mount.to_owned(),
            session: RwLock::new(Arc::new(session)),
            used: Mutex::default(),
            refused: Notify::new(),
        }
    }

    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_session(&self, session: Session) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(session);
    }

    /// The names of the root keys in use.
    pub(super) fn used(&self) -> Vec<String> {
        self.lock_used().keys().cloned().collect()
    }

    pub(super) async fn wrap(&self, scope: &Scope, key: &DataKey) -> Result<WrappedKey, Error> {
        let name = self.root(scope).await?;
        let ciphertext = self.encrypt(&name, key).await.map_err(|fault| self.error(fault, "wrap a key"))?;
        let version = version_of(&ciphertext).ok_or_else(unreadable)?;
        self.remember(&name, version, &ciphertext);
        Ok(WrappedKey { version, bytes: ciphertext.into_bytes() })
    }

    pub(super) async fn unwrap(&self, scope: &Scope, wrapped: &WrappedKey) -> Result<DataKey, Error> {
        let ciphertext = std::str::from_utf8(&wrapped.bytes).map_err(|_| CryptoError::Authentication)?;
        if version_of(ciphertext) != Some(wrapped.version) {
            return Err(CryptoError::Authentication.into());
        }
        let name = self.root(scope).await?;
        match self.decrypt(&name, ciphertext).await {
            Ok(key) => {
                self.remember(&name, wrapped.version, ciphertext);
                Ok(key)
            }
            // Vault has one status for what is too old and what was never its own.
            Err(Fault::Bad(_)) => Err(self.gone(&name, wrapped.version).await?),
            Err(fault) => Err(self.error(fault, "unwrap a key")),
        }
    }

    pub(super) async fn rotate(&self, scope: &Scope) -> Result<u32, Error> {
        let name = self.root(scope).await?;
        let session = self.session();
        let rotated = key::rotate(&session.client, &self.mount, &name).await;
        self.check(rotated, "rotate a root key")?;
        Ok(self.versions(&name).await?.newest)
    }

    pub(super) async fn destroy_below(&self, scope: &Scope, version: u32) -> Result<(), Error> {
        let name = self.root(scope).await?;
        let known = self.versions(&name).await?;
        if version > known.newest {
            return Err(Error::Invalid(format!("root key {name} has no version {version}")));
        }
        // Before it is gone, so that no proof that fails for it counts.
        self.forget_below(&name, version);
        let session = self.session();
        // What is allowed only rises; a trim that was cut off half-way is done again.
        let version = u64::from(version.max(known.lowest));
        let mut config = UpdateKeyConfigurationRequest::builder();
        config.min_decryption_version(version).min_encryption_version(version);
        let raised = key::update(&session.client, &self.mount, &name, Some(&mut config)).await;
        self.check(raised, "end a root key's old versions")?;
        let mut trim = TrimKeyRequest::builder();
        trim.mount(self.mount.as_str()).name(name.as_str()).min_available_version(version);
        let trim = trim.build().map_err(|_| CryptoError::Failed)?;
        let trimmed = vaultrs::api::exec_with_empty(&session.client, trim).await;
        self.check(trimmed, "trim a root key")
    }

    pub(super) async fn mac(&self, scope: &Scope, purpose: &str) -> Result<DataKey, Error> {
        let name = format!("{scope}.mac");
        self.ensure(&name).await?;
        let session = self.session();
        let mut options = GenerateHmacRequest::builder();
        options.key_version(1_u64).algorithm(HashAlgorithm::Sha2_256);
        let input = BASE64.encode([b"maily mac ", purpose.as_bytes()].concat());
        let answer = generate::hmac(&session.client, &self.mount, &name, &input, Some(&mut options)).await;
        let hmac = Zeroizing::new(self.check(answer, "derive a secret")?.hmac);
        let bytes = hmac.strip_prefix("vault:v1:").and_then(|text| BASE64.decode(text).ok());
        Ok(DataKey::try_from(Zeroizing::new(bytes.ok_or_else(unreadable)?).as_slice())?)
    }

    /// The proof that this root key still serves us: it wraps and unwraps a random key, and unwraps what it wrapped for
    /// us before, which a key made anew under the same name does not.
    pub(super) async fn prove(&self, name: &str) -> Result<(), Fault> {
        let broken = || Fault::Away("a key came back different".to_owned());
        let key = DataKey::generate().map_err(|_| broken())?;
        let ciphertext = self.encrypt(name, &key).await?;
        if self.decrypt(name, &ciphertext).await?.expose() != key.expose() {
            return Err(broken());
        }
        let Some(sample) = self.sample(name) else { return Ok(()) };
        match self.decrypt(name, &sample.ciphertext).await {
            // A turn has destroyed its version meanwhile.
            Err(Fault::Bad(_)) if self.sample(name).as_ref() != Some(&sample) => Ok(()),
            unwrapped => unwrapped.map(drop),
        }
    }

    fn sample(&self, name: &str) -> Option<Sample> {
        self.lock_used().get(name).cloned().flatten()
    }

    fn remember(&self, name: &str, version: u32, ciphertext: &str) {
        if let Some(sample) = self.lock_used().get_mut(name)
            && sample.as_ref().is_none_or(|known| known.version <= version)
        {
            *sample = Some(Sample { version, ciphertext: ciphertext.to_owned() });
        }
    }

    fn forget_below(&self, name: &str, version: u32) {
        if let Some(sample) = self.lock_used().get_mut(name) {
            sample.take_if(|known| known.version < version);
        }
    }

    async fn encrypt(&self, name: &str, key: &DataKey) -> Result<String, Fault> {
        let session = self.session();
        let plaintext = Zeroizing::new(BASE64.encode(key.expose()));
        let mut options = EncryptDataRequest::builder();
        options.associated_data(BASE64.encode(name));
        let answer = data::encrypt(&session.client, &self.mount, name, &plaintext, Some(&mut options)).await;
        answer.map(|answer| answer.ciphertext).map_err(|error| Fault::of(&error))
    }

    async fn decrypt(&self, name: &str, ciphertext: &str) -> Result<DataKey, Fault> {
        let session = self.session();
        let mut options = DecryptDataRequest::builder();
        options.associated_data(BASE64.encode(name));
        let answer = data::decrypt(&session.client, &self.mount, name, ciphertext, Some(&mut options)).await;
        let text = Zeroizing::new(answer.map_err(|error| Fault::of(&error))?.plaintext);
        let bytes = BASE64.decode(text.as_bytes()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| DataKey::try_from(bytes.as_slice()).ok());
        key.ok_or_else(|| Fault::Away("its answer can't be read".to_owned()))
    }

    /// The name of a scope's root key, which exists afterwards.
    async fn root(&self, scope: &Scope) -> Result<String, Error> {
        let name = scope.to_string();
        if !self.lock_used().contains_key(&name) {
            self.ensure(&name).await?;
            self.lock_used().entry(name.clone()).or_default();
        }
        Ok(name)
    }

    fn lock_used(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Sample>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a key unless it is there; whoever makes the keys himself may forbid this one.
    async fn ensure(&self, name: &str) -> Result<(), Error> {
        let session = self.session();
        let mut options = CreateKeyRequest::builder();
        options.key_type(KeyType::Aes256Gcm96);
        let made = key::create(&session.client, &self.mount, name, Some(&mut options)).await;
        match made.map_err(|error| Fault::of(&error)) {
            Ok(()) | Err(Fault::Refused) => Ok(()),
            Err(fault) => Err(self.error(fault, "make a root key")),
        }
    }

    async fn versions(&self, name: &str) -> Result<Versions, Error> {
        let session = self.session();
        let answer = key::read(&session.client, &self.mount, name).await;
        let known = self.check(answer, "read a root key's versions")?;
        let newest = match known.keys {
            ReadKeyData::Symmetric(versions) => newest(&versions),
            ReadKeyData::Asymmetric(_) => None,
        };
        let lowest = u32::try_from(known.min_decryption_version).ok();
        match (newest, lowest) {
            (Some(newest), Some(lowest)) => Ok(Versions { newest, lowest }),
            _ => Err(unreadable()),
        }
    }

    /// Why a wrapped key of this version can't be unwrapped.
    async fn gone(&self, name: &str, version: u32) -> Result<Error, Error> {
        let known = self.versions(name).await?;
        let there = (known.lowest..=known.newest).contains(&version);
        let gone = Error::RootVersionGone { scope: name.to_owned(), version };
        Ok(if there { CryptoError::Authentication.into() } else { gone })
    }

    fn check<T>(&self, answer: Result<T, ClientError>, what: &str) -> Result<T, Error> {
        answer.map_err(|error| self.error(Fault::of(&error), what))
    }

    fn error(&self, fault: Fault, what: &str) -> Error {
        if fault == Fault::Refused {
            self.refused.notify_one();
        }
        fault.into_error(what)
    }
}

/// The version in `vault:vVERSION:…`.
fn version_of(ciphertext: &str) -> Option<u32> {
    let (version, _) = ciphertext.strip_prefix("vault:v")?.split_once(':')?;
    version.parse().ok()
}

fn newest(versions: &HashMap<String, u64>) -> Option<u32> {
    versions.keys().filter_map(|version| version.parse().ok()).max()
}

fn unreadable() -> Error {
    Error::RootsUnavailable("Vault's answer can't be read".to_owned())
}
