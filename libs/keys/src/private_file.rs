//! Files that hold secrets: read only if nobody else may use them, replaced whole or not at all.
//!
//! The rule is PostgreSQL's for its key: mode 0600 or stricter, or readable by the group too where root owns the file
//! and we are somebody else, which is how Kubernetes mounts a Secret for a pod that runs as no root.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::Error;

/// The content of the file at `path`, if it is at most `limit` bytes and nobody else may use it; `None` if there is no such file.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let fault = |source| Error::File { path: path.display().to_string(), source };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fault)?,
    };
    let meta = file.metadata().map_err(fault)?;
    if !is_private(meta.uid(), nix::unistd::geteuid().as_raw(), meta.mode()) {
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

/// Whether a file of `owner` with this mode is for `user` alone.
fn is_private(owner: u32, user: u32, mode: u32) -> bool {
    let given_by_root = owner == 0 && user != 0;
    mode & if given_by_root { 0o037 } else { 0o077 } == 0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_may_give_a_file_through_the_group() {
        assert!(is_private(1000, 1000, 0o100_600) && is_private(0, 0, 0o100_400));
        assert!(is_private(0, 65532, 0o100_440), "a Secret in a pod");
        assert!(!is_private(65532, 65532, 0o100_440), "our own file: the group could be anybody");
        assert!(!is_private(0, 0, 0o100_440));
        assert!(!is_private(0, 65532, 0o100_444) && !is_private(0, 65532, 0o100_460));
    }
}
