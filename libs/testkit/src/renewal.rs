//! Forgetting certificates or keys, so that [`crate::write_identities`] makes new ones.

use std::{fs, io::ErrorKind, path::Path};

use crate::{Error, identities::AUTHORITY, plan::Service};

/// What is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The certificates of the services and of the edge, with their keys; the authority that signs them stays.
    Certificates,
    /// The keys of people's clients, of the privacy officer, of storage, of Redis and of Restate's calls. Vault's are Vault's to renew.
    Keys,
}

impl Renewal {
    /// Files below the authority's folder.
    fn files(self) -> Vec<String> {
        match self {
            Self::Certificates => {
                let names = Service::ALL.iter().map(|service| service.name()).chain(["edge"]);
                // The certificate first: one without a key would be taken for a whole pair.
                names.flat_map(|name| ["pem", "key"].map(|ending| format!("tls/{name}.{ending}"))).collect()
            }
            Self::Keys => [
                "secrets/edge.key",
                "secrets/edge.hashes",
                "secrets/officer.key",
                "secrets/officer.hashes",
                "secrets/s3.toml",
                "secrets/s3-orchestrator.toml",
                "secrets/redis.password",
                "restate/identity.pub.pem",
                "restate/identity.pem",
            ]
            .map(ToOwned::to_owned)
            .to_vec(),
        }
    }
}

/// Removes what is to be made anew from a folder that [`crate::write_identities`] wrote.
///
/// # Errors
/// A file can't be removed.
pub fn forget_identities(dir: &Path, renewal: Renewal) -> Result<(), Error> {
    for file in renewal.files() {
        let path = dir.join(AUTHORITY).join(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(path)(error)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_identities;

    #[test]
    fn what_is_renewed_changes_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let all = [
            "client/ca.pem",
            "storage/service.pem",
            "storage/edge.key",
            "client/edge.key",
            "client/s3.toml",
            "officer/officer.key",
            "compliance/officer.hashes",
        ];
        let kept = ["vault/root-token", "storage/vault.secret-id"];
        let read = || {
            all.iter().chain(&kept).map(|name| fs::read(dir.path().join(name)).unwrap()).collect::<Vec<_>>()
        };
        let renew = |renewal| {
            forget_identities(dir.path(), renewal).unwrap();
            write_identities(dir.path(), None).unwrap();
            read()
        };
        write_identities(dir.path(), None).unwrap();
        let changed = |before: &[Vec<u8>], after: &[Vec<u8>]| -> Vec<bool> {
            before.iter().zip(after).map(|(before, after)| before != after).collect()
        };
        let first = read();
        let second = renew(Renewal::Certificates);
        assert_eq!(changed(&first, &second), [false, true, true, false, false, false, false, false, false]);
        let third = renew(Renewal::Keys);
        assert_eq!(changed(&second, &third), [false, false, false, true, true, true, true, false, false]);
    }
}
