//! Files that hold secrets: read only if nobody else may use them, replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::Error;

/// The content of the file at `path`, if it is at most `limit` bytes and of mode 0600 or stricter; `None` if there is no such file.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let fault = |source| Error::File { path: path.display().to_string(), source };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fault)?,
    };
    let meta = file.metadata().map_err(fault)?;
    if meta.permissions().mode() & 0o077 != 0 {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "group or others may use it: chmod 600");
        return Err(fault(source));
    }
    if meta.len() > limit {
        return Err(Error::Invalid(format!("{} is longer than {limit} bytes", path.display())));
    }
    // With room for all of it, so that growing leaves no copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut content).map_err(fault)?;
    Ok(Some(content))
}

/// Puts `content` in the place of the file at `path`: whole or not at all, and on the disk when this returns.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let staged = path.with_extension("new");
    match fs::remove_file(&staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&staged, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
