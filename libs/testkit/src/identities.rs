//! Certificates and secrets for a platform in containers: a folder for each service, with its own and nobody else's.
//!
//! A folder holds what its container finds in `/etc/maily/secrets`: `ca.pem`, `service.pem`, `service.key`, `edge.pem`,
//! `edge.key`, `edge.hashes`, and for those who need them `officer.hashes`, `s3.toml` and `identity.pub.pem`.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use crate::{
    authority::Authority,
    error::Error,
    files::{private_dir, write_private},
    plan::Service,
    restate::Restate,
    secrets,
};

/// Where the authority's own key and the originals are kept; no service may see this folder.
pub(crate) const AUTHORITY: &str = "authority";

/// Writes `DIR/SERVICE`, `DIR/restate`, `DIR/client` (for people), `DIR/officer` (for the privacy officer), and `DIR/redis`,
/// `DIR/vault` and `DIR/s3` for what may run beside the services, from `DIR/authority`, which is made once.
///
/// With a group, files are readable by it (mode 0440): that is how they are handed to a user who is not ours.
///
/// # Errors
/// A file can't be read or written, or may not be given to that group.
pub fn write_identities(dir: &Path, group: Option<u32>) -> Result<(), Error> {
    let origin = dir.join(AUTHORITY);
    let authority = Authority::open(origin.join("tls"))?;
    let (made, restate) = (origin.join("secrets"), Restate::new(origin.join("restate")));
    secrets::ensure(&made)?;
    restate.prepare()?;
    let writer = Writer { dir, group };
    let edge = authority.edge(&edge_names())?;
    for service in Service::ALL {
        let name = service.name();
        writer.copy(&authority.ca(), &format!("{name}/ca.pem"))?;
        writer.pair(&authority.service(name)?, &format!("{name}/service"))?;
        writer.pair(&edge, &format!("{name}/edge"))?;
        writer.copy(&made.join("edge.hashes"), &format!("{name}/edge.hashes"))?;
    }
    writer.copy(&made.join("officer.hashes"), "compliance/officer.hashes")?;
    writer.copy(&authority.ca(), "officer/ca.pem")?;
    writer.copy(&made.join("officer.key"), "officer/officer.key")?;
    writer.copy(&made.join("s3.toml"), "storage/s3.toml")?;
    writer.copy(&made.join("s3-orchestrator.toml"), "orchestrator/s3.toml")?;
    writer.copy(&restate.public_key(), "orchestrator/identity.pub.pem")?;
    writer.copy(&restate.private_key(), "restate/identity.pem")?;
    writer.copy(&authority.ca(), "client/ca.pem")?;
    writer.copy(&made.join("edge.key"), "client/edge.key")?;
    writer.write(&secrets::clients_credential(&made)?, "client/s3.toml")?;
    beside(&writer, &made)
}

/// What the services and a Redis and a Vault for development know each other by, and the keys of a store for backups.
fn beside(writer: &Writer, made: &Path) -> Result<(), Error> {
    let password = secrets::once(&made.join("redis.password"))?;
    writer.write(&secrets::redis_users(&password), "redis/users.acl")?;
    for service in Service::ALL {
        writer.copy(&made.join("redis.password"), &format!("{}/redis.password", service.name()))?;
    }
    secrets::once(&made.join("vault.root-token"))?;
    writer.copy(&made.join("vault.root-token"), "vault/root-token")?;
    for service in [Service::Storage, Service::Compliance].map(Service::name) {
        let secret = made.join(format!("vault.{service}"));
        secrets::once(&secret)?;
        writer.copy(&secret, &format!("{service}/vault.secret-id"))?;
        writer.copy(&secret, &format!("vault/{service}.secret-id"))?;
    }
    let (id, secret) =
        (secrets::once(&made.join("backups.id"))?, secrets::once(&made.join("backups.secret"))?);
    writer.write(&format!("ROOT_ACCESS_KEY={id}\nROOT_SECRET_KEY={secret}\n"), "s3/keys")
}

/// Names by which containers and pods reach an edge listener.
fn edge_names() -> Vec<String> {
    let endings = ["", ".maily", ".maily.svc", ".maily.svc.cluster.local"];
    Service::ALL
        .iter()
        .flat_map(|service| endings.map(|ending| format!("{}{ending}", service.name())))
        .collect()
}

struct Writer<'a> {
    dir: &'a Path,
    group: Option<u32>,
}

impl Writer<'_> {
    fn pair(&self, (certificate, key): &(PathBuf, PathBuf), to: &str) -> Result<(), Error> {
        self.copy(certificate, &format!("{to}.pem"))?;
        self.copy(key, &format!("{to}.key"))
    }

    fn copy(&self, from: &Path, to: &str) -> Result<(), Error> {
        self.place(&fs::read(from).map_err(Error::file(from))?, to)
    }

    fn write(&self, text: &str, to: &str) -> Result<(), Error> {
        self.place(text.as_bytes(), to)
    }

    fn place(&self, content: &[u8], to: &str) -> Result<(), Error> {
        let to = self.dir.join(to);
        for folder in to.ancestors().skip(1).take_while(|folder| *folder != self.dir) {
            private_dir(folder)?;
            self.hand_over(folder, 0o750)?;
        }
        write_private(&to, content)?;
        self.hand_over(&to, 0o440)
    }

    fn hand_over(&self, path: &Path, mode: u32) -> Result<(), Error> {
        let Some(group) = self.group else { return Ok(()) };
        chown(path, None, Some(group)).map_err(Error::file(path))?;
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_gets_its_own_key_and_a_second_time_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
        write_identities(dir.path(), None).unwrap();
        let first = read("storage/service.key");
        write_identities(dir.path(), None).unwrap();
        assert_eq!(read("storage/service.key"), first);
        assert_ne!(read("compliance/service.key"), first);
        assert_eq!(read("client/ca.pem"), read("inference/ca.pem"));
        assert_ne!(read("client/edge.key"), read("officer/officer.key"));
        // People's clients have no key to everybody's data, and no service but one knows who has.
        assert!(!dir.path().join("client/officer.key").exists());
        let s3 = |name: &str| String::from_utf8(read(name)).unwrap();
        let names = |name: &str| s3(name).matches("\nname = ").count();
        assert_eq!(
            (names("storage/s3.toml"), names("client/s3.toml"), names("orchestrator/s3.toml")),
            (2, 1, 1)
        );
        assert!(s3("client/s3.toml").contains("name = \"local\""));
        assert!(!dir.path().join("orchestrator/officer.hashes").exists());
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("storage/s3.toml"), mode("storage")), (0o600, 0o700));
        // What signs every certificate, and Restate's calls, is nobody's but its owner's.
        for service in Service::ALL {
            let names: Vec<_> = fs::read_dir(dir.path().join(service.name()))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            assert!(!names.iter().any(|name| name == "ca.key" || name == "identity.pem"), "{names:?}");
        }
    }

    #[test]
    fn a_group_may_read_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let own = std::os::unix::fs::MetadataExt::gid(&fs::metadata(dir.path()).unwrap());
        write_identities(dir.path(), Some(own)).unwrap();
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("restate/identity.pem"), mode("restate")), (0o440, 0o750));
        assert_eq!(mode("authority"), 0o700);
        write_identities(dir.path(), Some(own)).unwrap();
    }
}
