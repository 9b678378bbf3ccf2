//! `cargo xtask test`: everything that CI runs, and how many tests that were.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    time::Instant,
};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{
    check, compose, fetch, servers,
    shell::{Result, cargo, say},
    terraform::parts::{self, Parts},
    up,
};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tier {
    /// Checks, and the tests of each crate.
    Fast,
    /// What crosses services: the whole stack, peers' clients, kills.
    Real,
}

#[derive(Args)]
pub(crate) struct Options {
    /// Only one tier; both by default.
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Only test programs or tests whose name contains this.
    filter: Option<String>,
}

/// The packages of the tests that cross services, of those of `terraform/`, of the real cluster, and of docker-compose.
const REAL: [&str; 4] = ["maily-tests", TERRAFORM, CLUSTER, COMPOSE];
const TERRAFORM: &str = "maily-terraform-tests";
const CLUSTER: &str = "maily-cluster-tests";
const COMPOSE: &str = "maily-compose-tests";

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    ignored: usize,
    broken: Vec<String>,
}

/// One test program.
struct Program {
    package: String,
    name: String,
    path: PathBuf,
    dir: PathBuf,
}

impl Program {
    fn is_real(&self) -> bool {
        REAL.contains(&self.package.as_str())
    }

    /// Whether it runs beside the others, on what they leave of the processors: the tests of `terraform/` touch nothing of
    /// theirs, and the Azure provider waits minutes for Azure to become consistent.
    fn runs_beside(&self) -> bool {
        self.package == TERRAFORM
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let begun = Instant::now();
    fetch::for_up()?;
    servers::for_tests()?;
    if options.tier != Some(Tier::Real) && options.filter.is_none() {
        check::run()?;
    }
    up::build()?;
    let programs = programs(options.tier)?;
    let mut environment = environment(options.tier)?;
    if programs.iter().any(|program| program.package == COMPOSE) {
        compose::for_tests()?;
    }
    let parts = parts(&programs, options.tier);
    environment.extend(parts.environment);
    let mut tally = Tally::default();
    let (beside, others): (Vec<_>, Vec<_>) = programs.iter().partition(|program| program.runs_beside());
    let filter = options.filter.as_deref();
    let mut started = Vec::new();
    for program in beside {
        say(&format!("{} / {}, beside the others", program.package, program.name));
        let child = command(program, filter, &environment).spawn().map_err(|error| error.to_string())?;
        started.push((program, Instant::now(), child));
    }
    let ran = others.into_iter().try_for_each(|program| {
        say(&format!("{} / {}", program.package, program.name));
        let begun = Instant::now();
        let output = command(program, filter, &environment).output().map_err(|error| error.to_string())?;
        tally.read(program, &output, begun);
        Ok(())
    });
    for (program, begun, child) in started {
        say(&format!("{} / {}, which ran beside the others", program.package, program.name));
        tally.read(program, &child.wait_with_output().map_err(|error| error.to_string())?, begun);
    }
    ran.and_then(|()| finish(&tally, &parts.missing, programs.len(), begun))
}

/// The closing report.
fn finish(tally: &Tally, missing: &[String], programs: usize, begun: Instant) -> Result<ExitCode> {
    for missing in missing {
        println!("left out, for want of {missing}");
    }
    Ok(report(tally, programs, begun))
}

/// Builds the test programs. All of them in one build, whatever the tier: dependencies then have one set of
/// features, and nothing is compiled twice.
fn programs(tier: Option<Tier>) -> Result<Vec<Program>> {
    say("Building the tests");
    let mut build = cargo(&["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = build.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err("the tests do not build".to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut programs: Vec<_> = text.lines().filter_map(program).collect();
    programs.retain(|program| match tier {
        None => true,
        Some(tier) => (tier == Tier::Real) == program.is_real(),
    });
    programs.sort_by(|a, b| (a.is_real(), &a.package, &a.name).cmp(&(b.is_real(), &b.package, &b.name)));
    Ok(programs)
}

fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["profile"]["test"] != true {
        return None;
    }
    let dir = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let package = package(message["package_id"].as_str()?)?.to_owned();
    let name = message["target"]["name"].as_str()?.to_owned();
    Some(Program { package, name, path: message["executable"].as_str()?.into(), dir })
}

/// The name in `path+file:///…/libs/keys#maily-keys@0.1.0`; where the folder has the same one, cargo leaves it out:
/// `path+file:///…/xtask#0.1.0`.
fn package(id: &str) -> Option<&str> {
    let (folder, rest) = id.rsplit_once('#')?;
    rest.split_once('@').map(|(name, _)| name).or_else(|| folder.rsplit('/').next())
}

/// What the tests that cross services are told: where the peers are.
fn environment(tier: Option<Tier>) -> Result<BTreeMap<&'static str, PathBuf>> {
    let mut environment = BTreeMap::new();
    if tier != Some(Tier::Fast) {
        environment.insert("MAILY_PEERS_PYTHON", fetch::peers()?);
        environment.insert("MAILY_GO_CLIENT", fetch::go_client()?);
        environment.insert("MAILY_KUBERNETES_VALIDATE", fetch::kubernetes_validate()?);
        environment.insert("MAILY_CHECKOV", fetch::checkov()?);
    }
    Ok(environment)
}

/// Whether a package's tests are told of this: a service that they start takes any `MAILY_…` that it does not know for a
/// misspelt setting, and does not start.
fn told(package: &str, variable: &str) -> bool {
    match variable {
        "MAILY_PEERS_PYTHON" | "MAILY_GO_CLIENT" => package == "maily-tests",
        "MAILY_KUBERNETES_VALIDATE" => package == CLUSTER,
        "MAILY_CHECKOV" => [CLUSTER, TERRAFORM].contains(&package),
        _ => package == TERRAFORM,
    }
}

/// What the tests of `terraform/` run against. Elsewhere it is not even looked at.
fn parts(programs: &[Program], tier: Option<Tier>) -> Parts {
    let wanted = tier != Some(Tier::Fast) && programs.iter().any(|program| program.package == TERRAFORM);
    if wanted { parts::fetch() } else { Parts::default() }
}

fn command(
    program: &Program,
    filter: Option<&str>,
    environment: &BTreeMap<&'static str, PathBuf>,
) -> Command {
    let mut command = match program.runs_beside() {
        true => low_priority(&program.path),
        false => Command::new(&program.path),
    };
    command.current_dir(&program.dir).env("CARGO_MANIFEST_DIR", &program.dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    if let Some(filter) = filter.filter(|filter| !program.name.contains(filter)) {
        command.arg(filter);
    }
    command.env_remove(parts::NO_BUILD);
    if program.is_real() {
        command.envs(environment.iter().filter(|(variable, _)| told(&program.package, variable)));
    }
    if program.runs_beside() {
        // All of its tests at once, on however few cores: they wait more than they compute.
        command.arg("--test-threads=16");
    } else if program.is_real() {
        // Each of these has a stack of its own; two at once would only slow each other down.
        command.arg("--test-threads=1");
    }
    command
}

/// What others need goes first.
fn low_priority(program: &Path) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "10"]).arg(program);
    command
}

impl Tally {
    /// Takes in how a program ended.
    fn read(&mut self, program: &Program, output: &Output, begun: Instant) {
        let text = String::from_utf8_lossy(&output.stdout);
        self.add(&text);
        for line in text.lines().filter(|line| line.contains(" ... ignored")) {
            eprintln!("    {line}");
        }
        if !output.status.success() {
            print!("{text}");
            self.broken.push(format!("{} / {}", program.package, program.name));
        } else if let Some(line) = text.lines().rev().find(|line| line.starts_with("test result")) {
            eprintln!("    {line} [{:.1} s]", begun.elapsed().as_secs_f32());
        }
    }

    /// Reads libtest's closing line.
    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| line.starts_with("test result:")) {
            let count = |what: &str| -> usize {
                let before = line.split(what).next().unwrap_or_default().trim();
                before.rsplit([' ', ';', '.']).next().and_then(|number| number.parse().ok()).unwrap_or(0)
            };
            self.passed += count(" passed");
            self.failed += count(" failed");
            self.ignored += count(" ignored");
        }
    }
}

fn report(tally: &Tally, programs: usize, begun: Instant) -> ExitCode {
    let minutes = begun.elapsed().as_secs_f32() / 60.0;
    println!("\n{programs} test programs in {minutes:.1} min");
    for name in &tally.broken {
        println!("failed: {name}");
    }
    // A program that crashed prints no closing line, but has failed.
    let failed = tally.failed.max(tally.broken.len());
    println!("{} passed, {failed} failed, {} skipped", tally.passed, tally.ignored);
    match failed == 0 && tally.passed > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_package() {
        assert_eq!(package("path+file:///a/libs/keys#maily-keys@0.1.0"), Some("maily-keys"));
        assert_eq!(package("path+file:///a/xtask#0.1.0"), Some("xtask"));
    }

    #[test]
    fn reads_libtests_closing_line() {
        let mut tally = Tally::default();
        tally.add("running 3 tests\ntest result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out");
        tally.add(
            "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!((tally.passed, tally.failed, tally.ignored), (17, 3, 1));
    }
}
