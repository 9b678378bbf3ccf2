//! What a recording is made with beside the request: everything that decides what is asked and what is accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::digest::digest;

/// Where, below the workspace, prompts and rails are.
const SOURCES: [&str; 7] = [
    // The campaign whose copies the tests run: brief, voice, offer, seed, and its own rails.
    "services/orchestrator/samples/spring-sale/campaign.yaml",
    "services/orchestrator/samples/spring-sale/brand.md",
    "services/orchestrator/samples/spring-sale/guardrails",
    // The copywriter's prompts, how it draws, and which candidate it takes.
    "services/orchestrator/src/copy",
    // The rails, what they read texts with, and how their configuration and the judges' prompts are read.
    "services/guardrails/src/rails",
    "services/guardrails/src/text",
    "services/guardrails/src/config",
];
/// Keeps what the context of the last recording was, to tell what has changed.
const FILE: &str = "context.json";

/// Each part, by its path below the workspace, with its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Context(BTreeMap<String, String>);

impl Context {
    /// That of this workspace, and of the checkpoint with this fingerprint.
    ///
    /// # Errors
    /// A part can't be read.
    pub fn of(workspace: &Path, checkpoint: &str) -> io::Result<Self> {
        let mut parts = BTreeMap::from([("the checkpoint".to_owned(), checkpoint.to_owned())]);
        for source in SOURCES {
            for file in files(&workspace.join(source))? {
                let name = file.strip_prefix(workspace).unwrap_or(&file).to_string_lossy().into_owned();
                parts.insert(name, digest(&meant(&file, &fs::read_to_string(&file)?)));
            }
        }
        Ok(Self(parts))
    }

    /// The one that was kept in this folder.
    #[must_use]
    pub fn kept(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// The file that keeps it.
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The digest of all of it.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// The names of the parts that are not the same in `other`.
    #[must_use]
    pub fn changed(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }
}

/// The files of a folder and of those in it; or the one file.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        // They decide nothing.
        if path.file_name().is_none_or(|name| name != "tests.rs" && name != "tests") {
            all.extend(files(&path)?);
        }
    }
    Ok(all)
}

/// The lines of a file that count: of Rust neither comments nor the tests at its end.
fn meant<'a>(path: &Path, text: &'a str) -> Vec<&'a str> {
    if path.extension().is_none_or(|ending| ending != "rs") {
        return text.lines().collect();
    }
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources, in a workspace of their own.
    fn copy() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for source in SOURCES {
            for file in files(&maily_testkit::workspace().join(source)).unwrap() {
                let to = dir.path().join(file.strip_prefix(maily_testkit::workspace()).unwrap());
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(file, to).unwrap();
            }
        }
        dir
    }

    fn change(dir: &tempfile::TempDir, file: &str, from: &str, to: &str) {
        let path = dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    #[test]
    fn every_change_of_prompts_and_rails_is_seen_and_named() {
        let of = |dir: &tempfile::TempDir| Context::of(dir.path(), "fp").unwrap();
        let before = of(&copy());
        assert_eq!(before, Context::of(&maily_testkit::workspace(), "fp").unwrap());
        for (file, from, to) in [
            (
                "services/orchestrator/samples/spring-sale/guardrails/config.yml",
                "body_max: 1200",
                "body_max: 1100",
            ),
            ("services/orchestrator/samples/spring-sale/campaign.yaml", "Save 20%", "Save 30%"),
            ("services/orchestrator/src/copy/prompt.rs", "Few words, friendly", "Few words, kind"),
            ("services/guardrails/src/rails/subject.rs", "fn ", "async fn "),
            ("services/guardrails/src/text/lexicon.txt", "\n", "\nword\n"),
        ] {
            let dir = copy();
            change(&dir, file, from, to);
            let after = of(&dir);
            assert_eq!(after.changed(&before), [file]);
            assert_ne!(after.digest(), before.digest());
        }
        let other = Context::of(copy().path(), "another").unwrap();
        assert_eq!(other.changed(&before), ["the checkpoint"]);
    }

    #[test]
    fn comments_and_tests_are_no_prompts() {
        let dir = copy();
        let before = Context::of(dir.path(), "fp").unwrap();
        change(&dir, "services/orchestrator/src/copy/rank.rs", "//!", "//! More words.\n//!");
        fs::write(dir.path().join("services/guardrails/src/rails/facts/tests.rs"), "").unwrap();
        fs::create_dir_all(dir.path().join("services/guardrails/src/config/tests")).unwrap();
        fs::write(dir.path().join("services/guardrails/src/config/tests/more.rs"), "").unwrap();
        assert_eq!(Context::of(dir.path(), "fp").unwrap(), before);
    }
}
