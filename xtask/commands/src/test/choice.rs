//! Which tests are meant: a tier, names, or everything; as packages to build and as nextest's filter expression.

use std::{fs, path::Path};

use super::Tier;
use crate::{
    disk::Room,
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
        // As nextest names tests: `maily-tests::tls a_check`, `maily-xtask::bin/maily-xtask test::a_check`.
        let filters: Vec<String> =
            filters.iter().map(|filter| filter.trim().replace(' ', "::").replace("::bin/", "::")).collect();
        if let Some(odd) = filters.iter().find(|filter| !is_filter(filter)) {
            return Err(format!(
                "{odd}: a filter is (a part of) the name of a crate, a test program or a test, or all three: crate::program::test"
            ));
        }
        let mut chosen: Vec<Package> =
            all.iter().filter(|package| tier.is_none_or(|tier| has(&package.name, tier))).cloned().collect();
        if !filters.is_empty() {
            let contracts = contracts();
            chosen.retain(|package| filters.iter().any(|filter| may_have(package, &all, &contracts, filter)));
        }
        if chosen.is_empty() {
            return Err(format!("no crate, test program or test is called {}", filters.join(" or ")));
        }
        let everything = chosen.len() == all.len();
        Ok(Self { tier, filters, packages: chosen, everything })
    }

    /// Whether all of this tier is meant.
    pub(super) fn is_whole(&self, tier: Tier) -> bool {
        self.filters.is_empty() && self.tier.is_none_or(|own| own == tier) && tier != Tier::Soak
    }

    /// What has to be free before it is built and run; nothing for tests that are named: they may be few, and what is removed
    /// for room is built again.
    pub(super) fn room(&self) -> Option<Room> {
        match (self.filters.is_empty(), self.tier) {
            (true, None) => Some(Room::of_everything()),
            (true, Some(_)) => Some(Room::of_a_tier()),
            (false, _) => None,
        }
    }

    /// Whether tests of this program may be meant.
    pub(super) fn touches(&self, package: &str, program: &str) -> bool {
        let Some(own) = self.packages.iter().find(|own| own.name == package) else { return false };
        let meant = |filter: &String| {
            let (whole, filter) = split(&self.packages, filter);
            if whole.is_some_and(|whole| whole.name != package) {
                return false;
            }
            let first = filter.split("::").next().unwrap_or(filter);
            let source = own.programs.iter().find(|known| known.name == program);
            package.contains(filter)
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

    /// What a filter may name: crates, test programs, tests; also `program::test`, and each of them behind the whole name of a
    /// crate. Nextest takes the name of a program that is not there for a mistake, so only those that are there are written.
    fn named(&self, filter: &str) -> Vec<String> {
        let (whole, filter) = split(&self.packages, filter);
        let own: Vec<&Package> = whole.map_or_else(|| self.packages.iter().collect(), |whole| vec![whole]);
        if filter.is_empty() {
            return own.iter().map(|package| format!("package(={})", package.name)).collect();
        }
        let mut any = vec![self.test(filter)];
        if whole.is_none() {
            let named = own.iter().filter(|package| package.name.contains(filter));
            any.extend(named.map(|package| format!("package(={})", package.name)));
        }
        let programs = || own.iter().flat_map(|package| &package.programs).map(|known| &known.name);
        any.extend(programs().filter(|name| name.contains(filter)).map(|name| format!("binary(={name})")));
        if let Some((program, test)) = filter.split_once("::") {
            let test = self.test(test);
            let own = programs().filter(|name| name.contains(program));
            any.extend(own.map(|name| format!("binary(={name}) & {test}")));
            // So nextest names the tests beside the code of a program that has the crate's name.
            if whole.is_some_and(|whole| whole.name == program) {
                any.push(test);
            }
        }
        match whole {
            Some(whole) => vec![format!("package(={}) & ({})", whole.name, any.join(" | "))],
            None => any,
        }
    }

    /// Tests of this name; where there is none, those whose names have it in them.
    fn test(&self, name: &str) -> String {
        let last = name.rsplit("::").next().unwrap_or(name);
        let mut found = false;
        for package in &self.packages {
            visit(&root().join(&package.folder), &mut |_, text| found |= tests(text).contains(&last));
        }
        match found {
            true => format!("test(/(^|::){name}$/)"),
            false => format!("test(~{name})"),
        }
    }
}

/// The crate whose whole name a filter is or begins with, with or without `maily-`; and the rest.
fn split<'a, 'b>(packages: &'a [Package], filter: &'b str) -> (Option<&'a Package>, &'b str) {
    let (first, rest) = filter.split_once("::").unwrap_or((filter, ""));
    let prefixed = format!("maily-{first}");
    let named = packages.iter().find(|package| package.name == first || package.name == prefixed);
    // `maily-tests` has programs of the same names as crates: `storage::a_check` may be either's.
    match named.filter(|_| rest.is_empty() || first.starts_with("maily-")) {
        Some(package) => (Some(package), rest),
        None => (None, filter),
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

/// Names with `::` between them.
fn is_filter(filter: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    filter.split("::").all(is_name)
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

/// Whether the sources of a package have a test, a module of tests or a program of such a name: only what is meant is built.
fn may_have(package: &Package, all: &[Package], contracts: &[String], filter: &str) -> bool {
    let (whole, filter) = split(all, filter);
    if let Some(whole) = whole {
        return whole.name == package.name;
    }
    let last = filter.rsplit("::").next().unwrap_or(filter);
    if package.name.contains(filter) || package.programs.iter().any(|program| program.name.contains(last)) {
        return true;
    }
    let of_a_contract = contracts.iter().any(|name| name.contains(last));
    let mut found = false;
    visit(&root().join(&package.folder), &mut |path, text| {
        let is_named =
            |part: Option<&std::ffi::OsStr>| part.is_some_and(|part| part.to_string_lossy().contains(last));
        let module = is_named(path.file_stem()) || is_named(path.parent().and_then(Path::file_name));
        found |= module && text.contains("test]")
            || names(text).any(|name| name.contains(last))
            || of_a_contract && text.contains("_suite!(");
    });
    found
}

/// The checks that services and fakes run alike (`tests/contracts`): in their own sources they have no names.
fn contracts() -> Vec<String> {
    let mut all = Vec::new();
    visit(&root().join("tests/contracts"), &mut |_, text| {
        let checks = text.lines().filter_map(|line| line.trim().strip_prefix("pub async fn "));
        all.extend(checks.filter_map(|rest| Some(rest.split(['(', '<']).next()?.to_owned())));
    });
    all
}

/// The names of tests, and of modules, in a source file.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let modules = text.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("pub ").unwrap_or(line.trim()).strip_prefix("mod ")?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    });
    let has_tests = text.contains("test]");
    tests(text).into_iter().chain(modules.filter(move |_| has_tests))
}

/// The names of the functions that an attribute makes a test.
fn tests(text: &str) -> Vec<&str> {
    let mut marked = false;
    let mut all = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.contains("test]") || line.contains("test(");
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            all.extend(rest.split(['(', '<']).next());
            marked = false;
        }
    }
    all
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
    fn nothing_is_removed_for_tests_that_are_named() {
        assert!(chosen(None, &["maily-law"]).room().is_none());
        assert!(chosen(Some(Tier::Real), &["tls"]).room().is_none());
        assert!(chosen(Some(Tier::Soak), &[]).room().is_some() && chosen(None, &[]).room().is_some());
    }

    #[test]
    fn a_name_builds_only_the_crates_that_have_it() {
        assert_eq!(names_of(&chosen(None, &["maily-law"])), ["maily-law"]);
        assert_eq!(names_of(&chosen(None, &["a_name_builds_only_the_crates_that_have_it"])), ["maily-xtask"]);
        assert!(names_of(&chosen(None, &["tls"])).contains(&"maily-tests"));
        let two = chosen(None, &["maily-law", "maily-xtask"]);
        assert_eq!(two.arguments(), ["--package", "maily-law", "--package", "maily-xtask"]);
        assert!(two.expression(&[]).contains("(package(=maily-law) | package(=maily-xtask))"));
        let expression = chosen(None, &["tls::tls_1_2_is_refused_everywhere"]).expression(&[]);
        assert!(
            expression.contains("binary(=tls) & test(/(^|::)tls_1_2_is_refused_everywhere$/)"),
            "{expression}"
        );
    }

    /// `law` is also in the name of a function of the orchestrator.
    #[test]
    fn a_crates_name_without_its_prefix_is_that_crate() {
        let law = chosen(None, &["law"]);
        assert_eq!(names_of(&law), ["maily-law"]);
        assert!(law.expression(&[]).ends_with("(package(=maily-law))"), "{}", law.expression(&[]));
        assert!(!law.touches("maily-orchestrator", ""));
    }

    #[test]
    fn a_test_is_found_as_nextest_and_the_summary_name_it() {
        let name = "a_test_is_found_as_nextest_and_the_summary_name_it";
        for named in [
            format!("maily-xtask::bin/maily-xtask test::choice::tests::{name}"),
            format!("maily-xtask::maily-xtask::test::choice::tests::{name}"),
            format!("maily-xtask::{name}"),
            name.to_owned(),
        ] {
            let choice = chosen(None, &[&named]);
            assert_eq!(names_of(&choice), ["maily-xtask"], "{named}");
            let test = named.rsplit("maily-xtask").next().unwrap().trim_start_matches(['/', ':', ' ']);
            let expression = choice.expression(&[]);
            assert!(expression.contains(&format!("test(/(^|::){test}$/)")), "{named}: {expression}");
        }
        let tls = chosen(None, &["maily-tests::tls tls_1_2_is_refused_everywhere"]);
        assert_eq!(names_of(&tls), ["maily-tests"]);
        assert!(tls.touches("maily-tests", "tls") && !tls.touches("maily-tests", "vault"));
    }

    #[test]
    fn a_check_of_a_contract_is_found_where_it_is_run() {
        let choice = chosen(None, &["a_request_that_is_none_is_refused"]);
        assert!(names_of(&choice).contains(&"maily-inference"), "{:?}", names_of(&choice));
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
        for odd in ["no_such_test_anywhere_", "test(/x/)", "a&b", "a::b:"].map(|odd| [odd, "1"].concat()) {
            assert!(Choice::new(None, &[odd]).is_err());
        }
        for empty in ["", " ", "::", "law::", "::law"] {
            assert!(Choice::new(None, &[empty.to_owned()]).is_err(), "{empty:?} is everything");
        }
    }

    #[test]
    fn what_is_left_out_is_not_run() {
        let expression = chosen(Some(Tier::Terraform), &[]).expression(&["test(~azure)"]);
        assert!(expression.ends_with(" & not (test(~azure))"), "{expression}");
    }
}
