//! What an image is called: the git revision, and for a tree that differs from it, also what it differs by.

use std::process::Command;

use aws_lc_rs::digest;

use crate::shell::{Result, output, root};

/// The revision that is built.
pub(crate) struct Version {
    revision: String,
    /// Of the difference to the revision, if there is one.
    difference: Option<String>,
    /// When the revision was committed, in seconds since 1970.
    seconds: u64,
    created: String,
}

impl Version {
    /// Reads it from git.
    pub(crate) fn read() -> Result<Self> {
        let revision = git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let seconds = git(&["log", "-1", "--format=%ct"])?.trim().parse().unwrap_or(0);
        let created = git(&["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"])?;
        Ok(Self { revision, difference: difference()?, seconds, created: created.trim().to_owned() })
    }

    /// `1afb9d71afb9`, or `1afb9d71afb9-dirty-5c969b81`: another difference is another tag, so that a tag never moves.
    pub(crate) fn tag(&self) -> String {
        let short = self.revision.get(..12).unwrap_or(&self.revision);
        match &self.difference {
            None => short.to_owned(),
            Some(hash) => format!("{short}-dirty-{hash}"),
        }
    }

    pub(crate) fn revision(&self) -> &str {
        &self.revision
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.seconds
    }

    /// The same as text (RFC 3339).
    pub(crate) fn created(&self) -> String {
        self.created.clone()
    }
}

/// Eight digits of a hash of every change that is not committed, files unknown to git included.
fn difference() -> Result<Option<String>> {
    if git(&["status", "--porcelain"])?.is_empty() {
        return Ok(None);
    }
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(git(&["diff", "--binary", "HEAD"])?.as_bytes());
    for file in git(&["ls-files", "--others", "--exclude-standard"])?.lines() {
        hash.update(file.as_bytes());
        hash.update(&std::fs::read(root().join(file)).unwrap_or_default());
    }
    Ok(Some(hex::encode(&hash.finish().as_ref()[..4])))
}

fn git(arguments: &[&str]) -> Result<String> {
    output(Command::new("git").args(arguments).current_dir(root()).env("TZ", "UTC"))
        .map_err(|error| format!("{error}; an image is named after the git revision"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(difference: Option<&str>) -> Version {
        Version {
            revision: "1afb9d7c0ffee0123456789".to_owned(),
            difference: difference.map(ToOwned::to_owned),
            seconds: 0,
            created: String::new(),
        }
    }

    #[test]
    fn a_dirty_tree_says_so() {
        assert_eq!(version(None).tag(), "1afb9d7c0ffe");
        assert_eq!(version(Some("5c969b81")).tag(), "1afb9d7c0ffe-dirty-5c969b81");
    }

    #[test]
    fn git_knows_this_tree() {
        let version = Version::read().unwrap();
        assert_eq!(version.revision().len(), 40);
        assert!(
            version.created().ends_with('Z') && version.seconds() > 1_600_000_000,
            "{}",
            version.created()
        );
    }
}
