//! Random keys for people's clients, for the privacy officer and for storage, made once per data folder.

use std::{fs, path::Path};

use aws_lc_rs::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    error::Error,
    files::{private_dir, write_private},
};

/// A random secret of `bytes` bytes, URL-safe.
pub(crate) fn random(bytes: usize) -> Result<String, Error> {
    let mut buffer = vec![0; bytes];
    SystemRandom::new()
        .fill(&mut buffer)
        .map_err(|_| Error::File { path: "/dev/urandom".into(), source: std::io::ErrorKind::Other.into() })?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

/// Makes the keys of the edge and of the officer listener and the storage credentials in `dir`, unless they are there.
pub(crate) fn ensure(dir: &Path) -> Result<(), Error> {
    private_dir(dir)?;
    bearer(dir, "edge", "local", ":infer,guardrails,campaigns,mail")?;
    bearer(dir, "officer", "officer", "")?;
    let credentials = dir.join("s3.toml");
    if !credentials.exists() {
        let all = format!("{}\n{}{RULES}", credential("orchestrator")?, credential("local")?);
        let own = all.split_inclusive("\n\n").next().unwrap_or_default().to_owned();
        write_private(&dir.join("s3-orchestrator.toml"), own.as_bytes())?;
        write_private(&credentials, all.as_bytes())?;
    } else {
        rules(&credentials)?;
    }
    Ok(())
}

/// What the key for people's clients may do.
const RULES: &str = "allow = [{ bucket = \"*\", actions = [\"read\", \"write\", \"delete\", \"list\"] }]\n";

/// Gives the key for people's clients its rules where the file is of before they were needed, and as [`ensure`] made it.
fn rules(credentials: &Path) -> Result<(), Error> {
    let all = read(credentials)?;
    let clients = all.rsplit("[[key]]").next().unwrap_or_default();
    match !all.contains("\nallow") && clients.contains("\nname = \"local\"\n") {
        true => write_private(credentials, format!("{all}\n{RULES}").as_bytes()),
        false => Ok(()),
    }
}

/// Makes `LISTENER.key`, and `LISTENER.hashes` in which it has this name and these scopes. A line of before scopes, alone in
/// its file, is given them.
fn bearer(dir: &Path, listener: &str, name: &str, scopes: &str) -> Result<(), Error> {
    let (key_file, hashes) = (dir.join(format!("{listener}.key")), dir.join(format!("{listener}.hashes")));
    let line = |key: &str| format!("{name}:{}", hex::encode(digest::digest(&digest::SHA256, key.as_bytes())));
    if key_file.exists() {
        let line = line(&read(&key_file)?);
        if !scopes.is_empty() && hashes.exists() && read(&hashes)? == line {
            write_private(&hashes, format!("{line}{scopes}\n").as_bytes())?;
        }
    } else {
        let key = format!("maily_{}", random(32)?);
        // The hashes first: a key that no service accepts would look like a right one.
        write_private(&hashes, format!("{}{scopes}\n", line(&key)).as_bytes())?;
        write_private(&key_file, key.as_bytes())?;
    }
    Ok(())
}

fn credential(name: &str) -> Result<String, Error> {
    let (id, secret) = (random(15)?, random(30)?);
    Ok(format!(
        "[[key]]\nid = \"MAILY{id}\"\nsecret = \"{secret}\"\nname = \"{name}\"\nregions = [\"eu\", \"uk\", \"ch\", \"us\", \"ca\"]\n"
    ))
}

/// The S3 key for people's clients alone, of those that [`ensure`] made.
pub(crate) fn clients_credential(dir: &Path) -> Result<String, Error> {
    let all = read(&dir.join("s3.toml"))?;
    Ok(format!("[[key]]{}\n", all.rsplit("[[key]]").next().unwrap_or_default()))
}

/// The random secret in a file, made if it is missing.
pub(crate) fn once(path: &Path) -> Result<String, Error> {
    if !path.exists() {
        write_private(path, random(32)?.as_bytes())?;
    }
    read(path)
}

/// Redis' list of users (its ACL file): one, who may use what begins with our prefix, and nothing that administers the
/// server. It holds the password's hash only.
pub(crate) fn redis_users(password: &str) -> String {
    let hash = hex::encode(digest::digest(&digest::SHA256, password.as_bytes()));
    format!("user default off\nuser maily on #{hash} ~maily* &maily* +@all -@admin -@dangerous\n")
}

/// Reads a secret file that [`ensure`] made.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_before_rules_is_given_them_and_others_are_left() {
        let dir = tempfile::tempdir().unwrap();
        ensure(dir.path()).unwrap();
        let path = dir.path().join("s3.toml");
        let made = fs::read_to_string(&path).unwrap();
        assert_eq!(made.matches(RULES).count(), 1);
        assert!(
            made.ends_with(RULES)
                && !read(&dir.path().join("s3-orchestrator.toml")).unwrap().contains("allow")
        );
        write_private(&path, made.replace(RULES, "").as_bytes()).unwrap();
        ensure(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), made);
        let own = made.replace("\"*\"", "\"reports\"");
        write_private(&path, own.as_bytes()).unwrap();
        ensure(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own);
    }

    #[test]
    fn a_line_of_before_scopes_is_given_them_and_others_are_left() {
        let dir = tempfile::tempdir().unwrap();
        ensure(dir.path()).unwrap();
        let hashes = dir.path().join("edge.hashes");
        let made = read(&hashes).unwrap();
        let old = made.strip_suffix(":infer,guardrails,campaigns,mail").unwrap();
        write_private(&hashes, format!("{old}\n").as_bytes()).unwrap();
        ensure(dir.path()).unwrap();
        assert_eq!(read(&hashes).unwrap(), made);
        let own = format!("{old}:infer\n{old}");
        write_private(&hashes, own.as_bytes()).unwrap();
        ensure(dir.path()).unwrap();
        assert_eq!(read(&hashes).unwrap(), own);
    }
}
