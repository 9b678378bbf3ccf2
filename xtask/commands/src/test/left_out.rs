//! What is not run, and why: nothing is left out silently.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{Tier, choice::Choice};
use crate::shell::{Result, output, root};

/// Tests that are not run this time, by nextest's filter expressions; each with its reason. And checks that are no tests.
#[derive(Default)]
pub(super) struct LeftOut {
    tests: Vec<(String, String)>,
    checks: Vec<String>,
}

impl LeftOut {
    pub(super) fn add(&mut self, tests: &str, why: &str) {
        self.tests.push((tests.to_owned(), why.to_owned()));
    }

    /// Sentences that name a check and its reason.
    pub(super) fn checks(&mut self, sentences: impl IntoIterator<Item = String>) {
        self.checks.extend(sentences);
    }

    /// The filter expressions of the tests.
    pub(super) fn tests(&self) -> Vec<&str> {
        self.tests.iter().map(|(tests, _)| tests.as_str()).collect()
    }

    /// Says all of it: also the tests that are never run by themselves, with the reasons that they have in the sources.
    pub(super) fn tell(&self, choice: &Choice) -> Result<()> {
        for why in &self.checks {
            println!("left out: {why}");
        }
        for (tests, why) in &self.tests {
            println!("left out: {tests}: {why}");
        }
        if choice.filters.is_empty() && choice.tier != Some(Tier::Soak) {
            println!("left out: the long proofs; `cargo xtask test --tier soak` runs them");
        }
        let files = output(
            std::process::Command::new("git")
                .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
                .current_dir(root()),
        )?;
        let mut never: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for package in &choice.packages {
            for file in files.lines().filter(|file| file.starts_with(&format!("{}/", package.folder))) {
                let text = fs::read_to_string(root().join(file)).unwrap_or_default();
                for (name, why) in ignored(&text) {
                    never.entry(why.to_owned()).or_default().insert(format!("{} {name}", package.name));
                }
            }
        }
        for (why, tests) in &never {
            let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
            println!("not run by itself, {why}: {}", tests.join(", "));
        }
        Ok(())
    }
}

/// The ignored tests of a source file, with their reasons.
fn ignored(text: &str) -> Vec<(&str, &str)> {
    let attribute = concat!("#[ign", "ore = \"");
    let one = |(at, _): (usize, &str)| {
        let rest = text.get(at + attribute.len()..)?;
        let (why, rest) = rest.split_once("\"]")?;
        let (_, rest) = rest.split_once("fn ")?;
        Some((rest.split('(').next()?, why))
    };
    text.match_indices(attribute).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_with_their_tests() {
        let text = format!(
            "#[test]\n{}a child of the other tests\"]\nasync fn child() {{}}",
            concat!("#[ign", "ore = \"")
        );
        assert_eq!(ignored(&text), [("child", "a child of the other tests")]);
        assert!(ignored("#[test]\nfn other() {}").is_empty());
    }
}
