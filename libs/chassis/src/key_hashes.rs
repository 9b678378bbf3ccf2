//! The bearer keys that a listener accepts: a file of names and hashes, and what each key may do.

use std::{path::Path, sync::Arc};

use secrecy::ExposeSecret as _;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::{error::Error, scopes::Scopes, secret_file::read_secret_text};

/// Bytes of a file of keys.
const LONGEST: u64 = 1 << 20;

/// The line of a keys file for this key, without scopes: `name:hex SHA-256`.
#[must_use]
pub fn key_hash(name: &str, key: &str) -> String {
    format!("{name}:{}", hex::encode(digest(key)))
}

fn digest(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes()).as_ref());
    hash
}

#[derive(Clone, Debug)]
struct Known {
    name: String,
    hash: [u8; 32],
    scopes: Scopes,
}

/// The accepted bearer keys, as hashes.
#[derive(Clone, Debug, Default)]
pub struct KeyHashes(Arc<Vec<Known>>);

impl KeyHashes {
    /// Reads a file of lines `name:hex SHA-256`, or `name:hex SHA-256:scope,scope`. A line without scopes has all but
    /// `mail` and `admin`.
    ///
    /// # Errors
    /// A file that can't be read or that others may use, or a line of another form.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_secret_text(path, LONGEST)?;
        let mut keys = Vec::new();
        for (number, line) in
            text.expose_secret().lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
        {
            let known = parse(line.trim());
            keys.push(known.map_err(|why| Error::new(format!("{}:{}: {why}", path.display(), number + 1)))?);
        }
        Ok(Self(Arc::new(keys)))
    }

    /// The name of this key. Takes the same time for a right, a wrong and a missing key: every hash is
    /// compared, in constant time.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&str> {
        self.caller(key).map(|(name, _)| name)
    }

    /// The name of this key, and what it may do; in the same time, too.
    pub(crate) fn caller(&self, key: &str) -> Option<(&str, Scopes)> {
        self.find_by(key, |known, hash| known.ct_eq(hash)).map(|known| (known.name.as_str(), known.scopes))
    }

    /// The name that a key has here which is among the others, too.
    pub(crate) fn shared_with(&self, others: &Self) -> Option<&str> {
        let among = |known: &Known| others.0.iter().any(|other| other.hash == known.hash);
        self.0.iter().find(|known| among(known)).map(|known| known.name.as_str())
    }

    fn find_by(&self, key: &str, mut equal: impl FnMut(&[u8; 32], &[u8; 32]) -> Choice) -> Option<&Known> {
        let hash = digest(key);
        let mut found = u32::MAX;
        for (index, known) in self.0.iter().enumerate() {
            let equal = equal(&known.hash, &hash);
            found.conditional_assign(&u32::try_from(index).unwrap_or(u32::MAX), equal);
        }
        self.0.get(usize::try_from(found).ok()?)
    }
}

/// A line of a file, or what is wrong with it; the line itself is not told.
fn parse(line: &str) -> Result<Known, String> {
    let expected = || "expected NAME:HEX-SHA256, or NAME:HEX-SHA256:SCOPE,SCOPE".to_owned();
    let (name, rest) = line.split_once(':').ok_or_else(expected)?;
    let (hex, scopes) = rest.split_once(':').map_or((rest, None), |(hex, scopes)| (hex, Some(scopes)));
    let mut hash = [0; 32];
    hex::decode_to_slice(hex, &mut hash).map_err(|_| expected())?;
    let unknown = || format!("scopes are of {}, with a comma between", Scopes::names());
    let scopes =
        scopes.map_or_else(|| Ok(Scopes::unsaid()), |text| Scopes::parse(text).ok_or_else(unknown))?;
    Ok(Known { name: name.to_owned(), hash, scopes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scopes::Scope;

    fn read(text: &str) -> Result<KeyHashes, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        KeyHashes::read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wrong_key_costs_what_a_right_one_costs() {
        let lines: Vec<String> = ["one", "two", "three", "four"].map(|key| key_hash(key, key)).into();
        let keys = read(&lines.join("\n")).unwrap();
        let looked_at = |key: &str| {
            let mut times = 0;
            let found = keys.find_by(key, |known, hash| {
                times += 1;
                known.ct_eq(hash)
            });
            (found.map(|known| known.name.as_str()), times)
        };
        assert_eq!(looked_at("one"), (Some("one"), 4));
        assert_eq!(looked_at("four"), (Some("four"), 4));
        assert_eq!(looked_at("five"), (None, 4));
        assert_eq!(looked_at(""), (None, 4));
    }

    #[test]
    fn a_line_may_name_scopes() {
        let line = key_hash("ann", "one");
        let scopes = |text: &str| read(text).unwrap().caller("one").unwrap().1;
        assert_eq!(scopes(&format!("{line}:campaigns,mail\n")), Scopes::of(&[Scope::Campaigns, Scope::Mail]));
        assert_eq!(scopes(&line), Scopes::unsaid());
        assert!(!scopes(&line).allow(Scope::Mail), "a key of before fetches nobody's mail");
    }

    #[test]
    fn a_bad_line_is_named() {
        let said = read("ann:12\n").unwrap_err();
        assert!(said.ends_with(":1: expected NAME:HEX-SHA256, or NAME:HEX-SHA256:SCOPE,SCOPE"), "{said}");
        let said = read(&format!("{}:mails", key_hash("ann", "one"))).unwrap_err();
        let all = ":1: scopes are of infer, guardrails, campaigns, mail, admin, with a comma between";
        assert!(said.ends_with(all), "{said}");
    }
}
