//! Which tests are meant: a tier, names, or everything; as packages to build and as nextest's filter expression.

use std::{fs, path::Path};

use super::Tier;
use crate::{
    shell::{Result, root},
    workspace::{Package, Program, packages},
};

/// The tests that are to run.
pub(super) struct Choice {
    pub(super) tier: Option<Tier>,
    pub(super) filters: Vec<String>,
    /// Those that may have such tests; all, where nothing was named.
    pub(super) packages: Vec<Package>,
    everything: bool,
}

impl Choice {
    pub(super) fn new(tier: Option<Tier>, filters: &[String]) -> Result<Self> {
        let all = packages()?;
        if let Some(odd) = filters.iter().find(|filter| !filter.chars().all(is_name)) {
            return Err(format!(
                "{odd}: a filter is (a part of) the name of a crate, a test program or a test"
            ));
        }
        let mut chosen: Vec<Package> =
            all.iter().filter(|package| tier.is_none_or(|tier| has(&package.name, tier))).cloned().collect();
        if !filters.is_empty() {
            chosen.retain(|package| filters.iter().any(|filter| may_have(package, filter)));
        }
        if chosen.is_empty() {
            return Err(format!("no crate, test program or test is called {}", filters.join(" or ")));
        }
        let everything = chosen.len() == all.len();
        Ok(Self { tier, filters: filters.to_vec(), packages: chosen, everything })
    }

    /// Whether all of this tier is meant.
    pub(super) fn is_whole(&self, tier: Tier) -> bool {
        self.filters.is_empty() && self.tier.is_none_or(|own| own == tier) && tier != Tier::Soak
    }

    /// Whether tests of this program may be meant.
    pub(super) fn touches(&self, package: &str, program: &str) -> bool {
        let Some(own) = self.packages.iter().find(|own| own.name == package) else { return false };
        let meant = |filter: &String| {
            let first = filter.split("::").next().unwrap_or(filter);
            let source = own.programs.iter().find(|known| known.name == program);
            package.contains(filter.as_str())
                || program.contains(first)
                || source.is_none_or(|source| program_has(source, filter))
        };
        self.filters.is_empty() || self.filters.iter().any(meant)
    }

    /// What cargo is told to build.
    pub(super) fn arguments(&self) -> Vec<String> {
        if self.everything {
            return vec!["--workspace".to_owned()];
        }
        self.packages.iter().flat_map(|package| ["--package".to_owned(), package.name.clone()]).collect()
    }

    /// The tests, in nextest's language of filters.
    pub(super) fn expression(&self, left_out: &[&str]) -> String {
        let mut all = vec![match self.tier {
            Some(Tier::Soak) => SOAK.to_owned(),
            _ => format!("not {SOAK}"),
        }];
        if let Some(tier) = self.tier.filter(|tier| *tier != Tier::Soak) {
            all.push(format!("({})", of(tier)));
        }
        if !self.filters.is_empty() {
            let any: Vec<String> = self.filters.iter().flat_map(|filter| self.named(filter)).collect();
            all.push(format!("({})", any.join(" | ")));
        }
        all.extend(left_out.iter().map(|tests| format!("not ({tests})")));
        all.join(" & ")
    }

    /// What a filter may name: crates, test programs, tests; also `program::test`, as the summary and failures name them.
    /// Nextest takes the name of a program that is not there for a mistake, so only those that are there are written.
    fn named(&self, filter: &str) -> Vec<String> {
        let mut any = vec![format!("test(~{filter})")];
        let whole = self.packages.iter().filter(|package| package.name.contains(filter));
        any.extend(whole.map(|package| format!("package(={})", package.name)));
        let programs = || self.packages.iter().flat_map(|package| &package.programs).map(|known| &known.name);
        any.extend(programs().filter(|name| name.contains(filter)).map(|name| format!("binary(={name})")));
        if let Some((program, test)) = filter.split_once("::") {
            let own = programs().filter(|name| name.contains(program));
            any.extend(own.map(|name| format!("binary(={name}) & test(~{test})")));
        }
        any
    }
}

/// Tests that only the tier `soak` runs: the word is in their name or in that of their module.
pub(super) const SOAK: &str = r"test(/(^|::|_)soak(_|::|$)/)";

/// The packages of each tier that is not `fast`.
const TIERS: [(Tier, &[&str]); 3] = [
    (Tier::Real, &["maily-tests", "maily-recorded"]),
    (Tier::Cluster, &["maily-cluster-tests", "maily-compose-tests"]),
    (Tier::Terraform, &["maily-terraform-tests"]),
];

/// The tier of a package's tests.
pub(super) fn tier(package: &str) -> Tier {
    let found = TIERS.iter().find(|(_, packages)| packages.contains(&package));
    found.map_or(Tier::Fast, |(tier, _)| *tier)
}

/// Whether a package has tests of a tier; long proofs may be anywhere.
fn has(package: &str, wanted: Tier) -> bool {
    wanted == Tier::Soak || tier(package) == wanted
}

fn of(tier: Tier) -> String {
    let named = |packages: &[&str]| {
        let all: Vec<String> = packages.iter().map(|name| format!("package(={name})")).collect();
        all.join(" | ")
    };
    match TIERS.iter().find(|(own, _)| *own == tier) {
        Some((_, packages)) => named(packages),
        None => TIERS
            .iter()
            .map(|(_, packages)| format!("not ({})", named(packages)))
            .collect::<Vec<_>>()
            .join(" & "),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':')
}

/// Whether the sources of one test program have such a name.
fn program_has(program: &Program, filter: &str) -> bool {
    let mut found = false;
    let last = filter.rsplit("::").next().unwrap_or(filter);
    let mut look = |_: &Path, text: &str| found |= names(text).any(|name| name.contains(last));
    match program.source.parent().filter(|_| program.source.ends_with("main.rs")) {
        Some(folder) => visit(folder, &mut look),
        None => look(&program.source, &fs::read_to_string(&program.source).unwrap_or_default()),
    }
    found
}

/// Whether the sources of a package have a test, a module or a program of such a name: only what is meant is built.
fn may_have(package: &Package, filter: &str) -> bool {
    let last = filter.rsplit("::").next().unwrap_or(filter);
    if package.name.contains(filter) {
        return true;
    }
    let mut found = package.programs.iter().any(|program| program.name.contains(last));
    visit(&root().join(&package.folder), &mut |path, text| {
        let stem = path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(last));
        let folder = path.parent().and_then(Path::file_name);
        found |= stem
            || folder.is_some_and(|folder| folder.to_string_lossy().contains(last))
            || names(text).any(|name| name.contains(last));
    });
    found
}

/// The names of functions and modules in a source file.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let after = |word: &'static str| {
        text.match_indices(word).filter_map(move |(at, _)| {
            let rest = &text[at + word.len()..];
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        })
    };
    after("fn ").chain(after("mod "))
}

/// Every Rust file of a package's folder, without packages below it.
fn visit(folder: &Path, each: &mut impl FnMut(&Path, &str)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() && !path.join("Cargo.toml").exists() {
            visit(&path, each);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            each(&path, &fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(tier: Option<Tier>, filters: &[&str]) -> Choice {
        let filters: Vec<String> = filters.iter().map(|filter| (*filter).to_owned()).collect();
        Choice::new(tier, &filters).unwrap()
    }

    fn names_of(choice: &Choice) -> Vec<&str> {
        choice.packages.iter().map(|package| package.name.as_str()).collect()
    }

    #[test]
    fn everything_is_the_whole_workspace_without_the_long_proofs() {
        let choice = chosen(None, &[]);
        assert_eq!(choice.arguments(), ["--workspace"]);
        assert_eq!(choice.expression(&[]), format!("not {SOAK}"));
        assert!(
            choice.is_whole(Tier::Fast) && choice.is_whole(Tier::Terraform) && !choice.is_whole(Tier::Soak)
        );
    }

    #[test]
    fn a_name_builds_only_the_crates_that_have_it() {
        assert_eq!(names_of(&chosen(None, &["maily-law"])), ["maily-law"]);
        assert_eq!(names_of(&chosen(None, &["a_name_builds_only_the_crates_that_have_it"])), ["maily-xtask"]);
        assert!(names_of(&chosen(None, &["tls"])).contains(&"maily-tests"));
        let two = chosen(None, &["maily-law", "maily-xtask"]);
        assert_eq!(two.arguments(), ["--package", "maily-law", "--package", "maily-xtask"]);
        assert!(two.expression(&[]).contains("(test(~maily-law) | package(=maily-law) | test(~maily-xtask)"));
        let expression = chosen(None, &["tls::tls_1_2_is_refused"]).expression(&[]);
        assert!(expression.contains("binary(=tls) & test(~tls_1_2_is_refused)"), "{expression}");
    }

    #[test]
    fn a_tier_has_its_packages_and_no_others() {
        assert_eq!(names_of(&chosen(Some(Tier::Terraform), &[])), ["maily-terraform-tests"]);
        let fast = chosen(Some(Tier::Fast), &[]);
        assert!(names_of(&fast).contains(&"maily-law") && !names_of(&fast).contains(&"maily-tests"));
        assert!(fast.expression(&[]).contains("not (package(=maily-tests)"));
    }

    #[test]
    fn what_is_nobodys_name_is_refused() {
        for odd in ["no_such_test_anywhere_", "test(/x/)", "a b"].map(|odd| [odd, "1"].concat()) {
            assert!(Choice::new(None, &[odd]).is_err());
        }
    }

    #[test]
    fn what_is_left_out_is_not_run() {
        let expression = chosen(Some(Tier::Terraform), &[]).expression(&["test(~azure)"]);
        assert!(expression.ends_with(" & not (test(~azure))"), "{expression}");
    }
}
