//! What a command leaves behind: a file that appears whole or not at all, and text that a terminal can be given.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::Path,
};

use maily_client::{Failure, IO, USAGE};
use serde_json::Value;

/// Refuses a place where something is already.
pub(crate) fn check_new(path: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(taken(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failure(path, &error)),
    }
}

/// Writes a file that only its owner may read. What has come there meanwhile stays.
pub(crate) fn write_new(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".maily-").tempfile_in(folder)?;
        file.write_all(text)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => taken(path),
        _ => failure(path, &error),
    })
}

fn taken(path: &Path) -> Failure {
    Failure::new(USAGE, format_args!("{}: is there already; name another file", path.display()))
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(IO, format_args!("{}: {error}", path.display()))
}

/// JSON on one line, the same value for whoever reads it; what a terminal would act on or hide is escaped.
pub(crate) fn json(value: &Value) -> String {
    let hidden = |c: char| c.is_control() || maily_law::is_invisible(c);
    let mut line = String::new();
    // All of it stands in strings, for the rest of JSON is ASCII that can be seen.
    for c in value.to_string().chars() {
        match hidden(c) {
            true => {
                let escape = |unit: &mut u16| format!("\\u{unit:04x}");
                line.extend(c.encode_utf16(&mut [0; 2]).iter_mut().map(escape));
            }
            false => line.push(c),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_new_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ann.json");
        check_new(&path).unwrap();
        write_new(&path, b"{}").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(check_new(&path).unwrap_err().code, USAGE);
        assert_eq!(write_new(&path, b"other").unwrap_err().code, USAGE);
        let dangling = dir.path().join("dangling");
        symlink("/absent/target", &dangling).unwrap();
        assert_eq!(check_new(&dangling).unwrap_err().code, USAGE);
        assert_eq!(fs::read(&path).unwrap(), b"{}");
        assert_eq!(write_new(&dir.path().join("absent/ann.json"), b"{}").unwrap_err().code, IO);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing half written is left");
    }

    #[test]
    fn json_stays_what_it_is_and_can_be_shown() {
        let value: Value = serde_json::json!({"z": "jörg\u{202e}\u{9b}\n\u{e0001}", "a": 7});
        let line = json(&value);
        assert_eq!(line, "{\"z\":\"jörg\\u202e\\u009b\\n\\udb40\\udc01\",\"a\":7}\n");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
