//! Root keys in one file of mode 0600, for a machine without Vault.
//!
//! Whoever reads the file reads everything below it, so production refuses it. Several processes may share one: each
//! change is made under a lock, on the file's newest state, and replaces the file as a whole.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use maily_chassis::{WorkError, blocking, find_secret_text};
use maily_crypto::{Cipher, DataKey, derive};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, RootKeys, Scope, WrappedKey, private_file};

/// More is not a keyring of ours: some 20,000 scopes.
const MAX_BYTES: u64 = 16 << 20;

/// Root keys in a file.
#[derive(Clone)]
pub struct LocalKeyring(Arc<Inner>);

struct Inner {
    path: PathBuf,
    state: Mutex<Keyring>,
}

impl std::fmt::Debug for LocalKeyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LocalKeyring").field(&self.0.path).finish()
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyring {
    format: u8,
    roots: BTreeMap<String, Root>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    newest: u32,
    versions: BTreeMap<u32, Secret>,
    mac: Secret,
}

struct Secret(DataKey);

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64.encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own messages would quote the value, which here is a key.
        let refused = || serde::de::Error::custom("a key is not 32 bytes of base64");
        let text = Zeroizing::new(String::deserialize(deserializer).map_err(|_| refused())?);
        let bytes = Zeroizing::new(BASE64.decode(text.as_bytes()).map_err(|_| refused())?);
        Ok(Self(DataKey::try_from(bytes.as_slice()).map_err(|_| refused())?))
    }
}

impl Root {
    fn new() -> Result<Self, Error> {
        let versions = BTreeMap::from([(1, Secret(DataKey::generate()?))]);
        Ok(Self { newest: 1, versions, mac: Secret(DataKey::generate()?) })
    }

    fn version(&self, scope: &Scope, version: u32) -> Result<&DataKey, Error> {
        match self.versions.get(&version) {
            Some(secret) => Ok(&secret.0),
            None => Err(Error::RootVersionGone { scope: scope.to_string(), version }),
        }
    }
}

impl LocalKeyring {
    /// Reads the keyring at `path`; a missing file is an empty keyring, written when the first root key is made.
    ///
    /// # Errors
    /// [`Error::File`] when it can't be read or others may use it, [`Error::Invalid`] when it is no keyring.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let state = Mutex::new(read(&path)?);
        Ok(Self(Arc::new(Inner { path, state })))
    }

    /// Answers from the state in memory, and from the file's newest where that does not know the answer.
    async fn look<T: Send + 'static>(
        &self,
        scope: &Scope,
        find: impl Fn(&Root) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if let Some(root) = self.0.lock().roots.get(&scope.to_string())
            && let Ok(found) = find(root)
        {
            return Ok(found);
        }
        self.change(scope, move |root| find(root)).await
    }

    /// Changes a scope's root key, which is made if there is none, and answers when the change is on the disk.
    async fn change<T: Send + 'static>(
        &self,
        scope: &Scope,
        change: impl FnOnce(&mut Root) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (inner, name) = (Arc::clone(&self.0), scope.to_string());
        let changed = blocking(move || inner.change(&name, change)).await;
        changed.map_err(|error| match error {
            WorkError::Panicked => Error::Panicked,
            WorkError::Interrupted => Error::RootsUnavailable("the keyring's thread ended".into()),
        })?
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Keyring> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Root) -> Result<T, Error>) -> Result<T, Error> {
        let fault = |source| Error::File { path: self.path.display().to_string(), source };
        let mut state = self.lock();
        let _alone = lock_file(&self.path).map_err(fault)?;
        let mut newest = read(&self.path)?;
        let before = encode(&newest)?;
        if !newest.roots.contains_key(name) {
            newest.roots.insert(name.into(), Root::new()?);
        }
        let root = newest.roots.get_mut(name).ok_or(maily_crypto::Error::Failed)?;
        let answer = change(root)?;
        let after = encode(&newest)?;
        if *before != *after {
            private_file::replace(&self.path, &after).map_err(fault)?;
        }
        // Only now: what a key that is not on the disk wraps is lost with the process.
        *state = newest;
        Ok(answer)
    }
}

fn encode(keyring: &Keyring) -> Result<Zeroizing<Vec<u8>>, Error> {
    let write = |to: &mut dyn io::Write| serde_json::to_writer_pretty(to, keyring);
    let refused = |_| Error::Invalid("the keyring can't be written".into());
    // Its length first: a buffer that grows leaves copies behind.
    let mut length = Length(0);
    write(&mut length).map_err(refused)?;
    let mut text = Zeroizing::new(Vec::with_capacity(length.0));
    write(&mut *text).map_err(refused)?;
    Ok(text)
}

/// Counts what would be written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The keyring at `path`, or an empty one.
fn read(path: &Path) -> Result<Keyring, Error> {
    let Some(text) = find_secret_text(path, MAX_BYTES)? else {
        return Ok(Keyring { format: 1, roots: BTreeMap::new() });
    };
    let keyring: Keyring = serde_json::from_str(text.expose_secret()).map_err(|error| {
        Error::Invalid(format!("{} is not a keyring: line {}", path.display(), error.line()))
    })?;
    if keyring.format != 1 {
        return Err(Error::Invalid(format!("{} has a format that this version can't read", path.display())));
    }
    Ok(keyring)
}

/// Holds the keyring for this process until the file is dropped.
fn lock_file(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

#[async_trait]
impl RootKeys for LocalKeyring {
    async fn wrap(&self, scope: &Scope, key: &DataKey) -> Result<WrappedKey, Error> {
        let name = scope.clone();
        let newest = move |root: &Root| Ok((root.newest, root.version(&name, root.newest)?.clone()));
        // Another process may have rotated, so the newest version is what the file says.
        let (version, root) = self.change(scope, move |root| newest(root)).await?;
        let bytes = Cipher::new(&root)?.seal(scope.to_string().as_bytes(), key.expose())?;
        Ok(WrappedKey { version, bytes })
    }

    async fn unwrap(&self, scope: &Scope, wrapped: &WrappedKey) -> Result<DataKey, Error> {
        let (name, version) = (scope.clone(), wrapped.version);
        let root = self.look(scope, move |root| root.version(&name, version).cloned()).await?;
        Ok(Cipher::new(&root)?.open_key(scope.to_string().as_bytes(), &wrapped.bytes)?)
    }

    async fn rotate(&self, scope: &Scope) -> Result<u32, Error> {
        self.change(scope, |root| {
            root.newest += 1;
            root.versions.insert(root.newest, Secret(DataKey::generate()?));
            Ok(root.newest)
        })
        .await
    }

    async fn destroy_below(&self, scope: &Scope, version: u32) -> Result<(), Error> {
        let name = scope.to_string();
        self.change(scope, move |root| {
            if version > root.newest {
                return Err(Error::Invalid(format!("root key {name} has no version {version}")));
            }
            root.versions.retain(|at, secret| {
                let keep = *at >= version;
                if !keep {
                    secret.0.zeroize();
                }
                keep
            });
            Ok(())
        })
        .await
    }

    async fn mac(&self, scope: &Scope, purpose: &str) -> Result<DataKey, Error> {
        let purpose = purpose.to_owned();
        self.look(scope, move |root| Ok(derive(&root.mac.0, &[b"maily mac", purpose.as_bytes()])?)).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn scope() -> Scope {
        Scope::new("acme", "eu", "people").unwrap()
    }

    #[tokio::test]
    async fn keeps_the_suite() {
        let dir = tempfile::tempdir().unwrap();
        crate::roots_suite::all(&LocalKeyring::open(dir.path().join("keyring.json")).unwrap()).await;
    }

    #[tokio::test]
    async fn survives_a_restart_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/keyring.json");
        let key = DataKey::generate().unwrap();
        let wrapped = LocalKeyring::open(&path).unwrap().wrap(&scope(), &key).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = LocalKeyring::open(&path).unwrap();
        assert_eq!(again.unwrap(&scope(), &wrapped).await.unwrap().expose(), key.expose());
        assert!(!fs::read_to_string(&path).unwrap().contains(&BASE64.encode(key.expose())));
    }

    #[tokio::test]
    async fn a_file_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        LocalKeyring::open(&path).unwrap().rotate(&scope()).await.unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        let refused = LocalKeyring::open(&path).unwrap_err();
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }

    #[tokio::test]
    async fn a_key_that_is_not_on_the_disk_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let keyring = LocalKeyring::open(&path).unwrap();
        // A folder in the way of the staged file: nothing can be written, as on a full disk.
        fs::create_dir(path.with_extension("new")).unwrap();
        let key = DataKey::generate().unwrap();
        for _ in 0..2 {
            assert!(keyring.mac(&scope(), "suppression").await.is_err());
            assert!(keyring.wrap(&scope(), &key).await.is_err());
            assert!(keyring.rotate(&scope()).await.is_err());
        }
        fs::remove_dir(path.with_extension("new")).unwrap();
        let mac = keyring.mac(&scope(), "suppression").await.unwrap();
        let wrapped = keyring.wrap(&scope(), &key).await.unwrap();
        assert_eq!(wrapped.version, 1);
        let again = LocalKeyring::open(&path).unwrap();
        assert_eq!(again.mac(&scope(), "suppression").await.unwrap().expose(), mac.expose());
        assert_eq!(again.unwrap(&scope(), &wrapped).await.unwrap().expose(), key.expose());
    }

    #[tokio::test]
    async fn a_torn_file_is_refused_without_quoting_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        LocalKeyring::open(&path).unwrap().rotate(&scope()).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for torn in [
            text.split_at(text.len() / 2).0,
            "{\"format\":1,\"roots\":{\"a\":{\"newest\":1,\"versions\":{\"1\":\"c2VjcmV0\"},\"mac\":\"x\"}}}",
        ] {
            fs::write(&path, torn).unwrap();
            let refused = LocalKeyring::open(&path).unwrap_err().to_string();
            assert!(refused.contains("is not a keyring"), "{refused}");
            assert!(!refused.contains("c2VjcmV0"), "{refused}");
        }
    }

    #[tokio::test]
    async fn two_processes_share_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let (one, two) = (LocalKeyring::open(&path).unwrap(), LocalKeyring::open(&path).unwrap());
        let key = DataKey::generate().unwrap();
        let old = one.wrap(&scope(), &key).await.unwrap();
        assert_eq!(two.rotate(&scope()).await.unwrap(), 2);
        let new = one.wrap(&scope(), &key).await.unwrap();
        assert_eq!(new.version, 2);
        assert_eq!(two.unwrap(&scope(), &old).await.unwrap().expose(), key.expose());
    }
}
