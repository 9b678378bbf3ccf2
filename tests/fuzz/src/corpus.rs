//! The inputs that a target begins with: kept ones (`tests/fuzz/corpus/NAME`), and samples that are elsewhere in the
//! repository.

use std::{fs, path::Path};

use crate::targets::Kind;

/// All inputs of a target, always in the same order.
///
/// # Errors
/// One can't be read, or there is none.
pub fn of(kind: &Kind) -> Result<Vec<Vec<u8>>, String> {
    let mut all = (kind.seeds)()?;
    all.extend(folder(&maily_testkit::workspace().join("tests/fuzz/corpus").join(kind.name))?);
    match all.is_empty() {
        true => Err(format!("{} has no input to begin with", kind.name)),
        false => Ok(all),
    }
}

/// Every file of a folder, by name; none where there is no folder.
///
/// # Errors
/// One can't be read.
pub fn folder(folder: &Path) -> Result<Vec<Vec<u8>>, String> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// A file of the repository, by its path below the root.
///
/// # Errors
/// It can't be read.
pub fn sample(path: &str) -> Result<Vec<u8>, String> {
    read(&maily_testkit::workspace().join(path))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
