//! Files that appear whole or not at all, and private ones.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use crate::error::Error;

/// Makes a folder that only its owner may enter.
pub(crate) fn private_dir(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::file(path))
}

/// Writes a file (mode 0600) beside its place and moves it there.
///
/// # Errors
/// The folder can't be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let part = path.with_extension("part");
    let write = || {
        let _ = fs::remove_file(&part);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(Error::file(path))
}
