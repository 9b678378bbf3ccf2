//! The S3 access keys of people and services, in a TOML file of mode 0600:
//!
//! ```toml
//! [[key]]
//! id = "orchestrator"            # 3 to 128 of A-Z a-z 0-9 - _
//! secret = "at least 16 bytes"
//! name = "orchestrator"          # for the audit log; with this name its own buckets are open without rules
//! regions = ["eu", "us"]         # where it may be used
//!
//! [[key]]
//! id = "reports"
//! secret = "another of 16 bytes"
//! name = "reports"
//! regions = ["eu"]
//! # what it may do, and nothing else; every bucket but the orchestrator's is "*"
//! allow = [{ bucket = "reports", prefix = "2026/", actions = ["read", "write", "delete", "list"] }]
//! ```

use std::path::Path;

use maily_chassis::read_secret_text;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::Error;

const MAX_BYTES: u64 = 1 << 20;

/// One access key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// Its public name in signatures.
    pub id: String,
    /// What signs.
    pub secret: SecretString,
    /// Whose it is.
    pub name: String,
    /// The residency regions it may be used in.
    pub regions: Vec<String>,
    /// What it may do, and nothing else: without this nothing, but for the orchestrator's key in the buckets kept for it.
    #[serde(default)]
    pub allow: Option<Vec<AccessRule>>,
}

/// Something that an access key may do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// The bucket's name, or `*`.
    pub bucket: String,
    /// How the objects' names begin.
    #[serde(default)]
    pub prefix: String,
    /// What may be done with them.
    pub actions: Vec<AccessAction>,
}

/// What may be done with objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessAction {
    /// To get them, and to copy from them.
    Read,
    /// To put them, in parts too, and to copy to them.
    Write,
    /// To delete them.
    Delete,
    /// To see their names.
    List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    key: Vec<AccessKey>,
}

/// Reads a file of access keys.
///
/// # Errors
/// [`Error::File`] when it can't be read or others may use it, [`Error::Invalid`] when it is not such a file; neither
/// quotes it.
pub fn read_access_keys(path: &Path) -> Result<Vec<AccessKey>, Error> {
    let refused = |what: &str| Error::Invalid(format!("{}: {what}", path.display()));
    let content = read_secret_text(path, MAX_BYTES)?;
    let text = content.expose_secret();
    let keys: Keys = toml::from_str(text).map_err(|error| refused(&place(text, &error)))?;
    for (index, key) in keys.key.iter().enumerate() {
        if let Some(fault) = fault(key, keys.key.get(..index).unwrap_or_default()) {
            return Err(refused(&format!("key {}: {fault}", index + 1)));
        }
    }
    Ok(keys.key)
}

/// Where the file is wrong. The parser's own message would quote the line, which may hold a secret.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = |start: usize| text.get(..start.min(text.len())).unwrap_or_default();
    let line = error.span().map_or(0, |span| before(span.start).lines().count().max(1));
    format!("is not a list of [[key]] with id, secret, name and regions (line {line})")
}

fn fault(key: &AccessKey, before: &[AccessKey]) -> Option<&'static str> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if !(3..=128).contains(&key.id.len()) || !key.id.bytes().all(plain) {
        Some("id is not 3 to 128 letters, digits, - or _")
    } else if key.secret.expose_secret().len() < 16 {
        Some("secret is shorter than 16 bytes")
    } else if before.iter().any(|other| other.id == key.id) {
        Some("id is there twice")
    } else if key.allow.iter().flatten().any(|rule| rule.bucket.is_empty() || rule.actions.is_empty()) {
        Some("allow has a rule without a bucket or without actions")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(text: &str) -> Result<Vec<AccessKey>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        read_access_keys(&path).map_err(|error| error.to_string())
    }

    const GOOD: &str =
        "[[key]]\nid = \"abc\"\nsecret = \"0123456789abcdef\"\nname = \"n\"\nregions = [\"eu\"]\n";

    #[test]
    fn reads_keys_and_refuses_faults_without_quoting() {
        assert_eq!(read(GOOD).unwrap()[0].regions, ["eu"]);
        assert!(read(&format!("{GOOD}{GOOD}")).unwrap_err().contains("key 2: id is there twice"));
        let torn = read("[[key]]\nid = \"abc\"\nsecret = 0123456789abcdef\n").unwrap_err();
        assert!(torn.contains("line 3") && !torn.contains("0123456789abcdef"), "{torn}");
        assert!(read(&GOOD.replace("0123456789abcdef", "short")).unwrap_err().contains("shorter"));
        assert!(read(&GOOD.replace("abc", "a/c")).unwrap_err().contains("id is not"));
    }
    #[test]
    fn a_key_may_be_told_what_it_may_do() {
        assert!(read(GOOD).unwrap()[0].allow.is_none());
        let with = |rule: &str| read(&format!("{GOOD}allow = [{rule}]\n"));
        let keys = with("{ bucket = \"b\", prefix = \"p/\", actions = [\"read\", \"list\"] }").unwrap();
        let rule = &keys[0].allow.as_ref().unwrap()[0];
        assert_eq!((rule.bucket.as_str(), rule.prefix.as_str()), ("b", "p/"));
        assert_eq!(rule.actions, [AccessAction::Read, AccessAction::List]);
        assert!(with("{ bucket = \"b\", actions = [\"erase\"] }").is_err());
        assert!(with("{ bucket = \"b\", actions = [] }").unwrap_err().contains("without actions"));
        assert!(with("{ actions = [\"read\"] }").is_err());
        assert!(with("").unwrap()[0].allow.as_ref().is_some_and(Vec::is_empty), "nothing is allowed");
    }
}
