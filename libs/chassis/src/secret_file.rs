//! Files with secrets: the one way to read them, whatever is in them.
//!
//! * **Nobody else may use it**: mode 0600 or stricter. The group may read it too, and no more, where that is nobody else: where
//!   root owns the file and we are somebody else (PostgreSQL's rule for its key), and where the group is the owner's own, by the same
//!   number. The first is a Secret of Kubernetes in a pod with an `fsGroup`, of mode 0440; the second is a projected token there,
//!   which belongs to the pod's user (kubelet, `pkg/volume/projected/projected.go`: "When FsGroup is set, we depend on
//!   SetVolumeOwnership to change from 0600 to 0640").
//! * The file that is open is what is judged, wherever links led (`..data`), and not the name.
//! * A pipe that nobody writes to is empty, and not waited for.
//! * It is no longer than the reader says, and read into memory that is zeroed.
//! * An error names the path and the reason, and nothing of the content.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::error::Error;

/// Bytes of a file with one secret: a token, a password, a private key.
const ONE: u64 = 64 << 10;

/// A file with secrets that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", .path.display())]
pub struct SecretFileError {
    path: PathBuf,
    source: io::Error,
}

impl SecretFileError {
    /// The file, and why.
    #[must_use]
    pub fn into_parts(self) -> (PathBuf, io::Error) {
        (self.path, self.source)
    }
}

impl From<SecretFileError> for Error {
    fn from(error: SecretFileError) -> Self {
        Self::new(error)
    }
}

/// The one secret in a file of at most 64 KiB, without white space around it.
///
/// # Errors
/// The file is missing, or others may use it, or it is too long, no UTF-8, or empty.
pub fn read_secret(path: &Path) -> Result<SecretString, SecretFileError> {
    let text = read_secret_text(path, ONE)?;
    match text.expose_secret().trim() {
        "" => Err(fault(path, invalid("it is empty"))),
        secret => Ok(secret.into()),
    }
}

/// The text of a file of at most `limit` bytes, without white space at its end.
///
/// # Errors
/// The file is missing, or others may use it, or it is too long or no UTF-8.
pub fn read_secret_text(path: &Path, limit: u64) -> Result<SecretString, SecretFileError> {
    find_secret_text(path, limit)?.ok_or_else(|| fault(path, io::ErrorKind::NotFound.into()))
}

/// As [`read_secret_text`]; `None` where there is no such file.
///
/// # Errors
/// Others may use the file, or it is too long or no UTF-8.
pub fn find_secret_text(path: &Path, limit: u64) -> Result<Option<SecretString>, SecretFileError> {
    let read = || {
        // Opening a pipe would wait for its writer, for good where there is none.
        let file = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
        let meta = file.metadata()?;
        if meta.file_type().is_fifo() {
            // A writer that is there may take its time.
            fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
        }
        if !is_private(&meta) {
            let why = "group or others may use it: chmod 600";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        // Room for all of it and for finding its end, so that growing leaves no copies behind; a pipe has no length.
        let expected = if meta.is_file() { meta.len() } else { ONE };
        let room = usize::try_from(expected.min(limit)).unwrap_or(0) + 64;
        let mut content = Zeroizing::new(Vec::with_capacity(room));
        file.take(limit + 1).read_to_end(&mut content)?;
        if content.len() as u64 > limit {
            return Err(invalid(&format!("it is longer than {limit} bytes")));
        }
        let text = str::from_utf8(&content).map_err(|_| invalid("it is not UTF-8"))?;
        Ok(SecretString::from(text.trim_end()))
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(path, error)),
    }
}

fn fault(path: &Path, source: io::Error) -> SecretFileError {
    SecretFileError { path: path.to_owned(), source }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn is_private(meta: &Metadata) -> bool {
    is_for(nix::unistd::geteuid().as_raw(), meta.uid(), meta.gid(), meta.mode())
}

/// Whether a file of this owner, group and mode is for `user` alone.
fn is_for(user: u32, owner: u32, group: u32, mode: u32) -> bool {
    let given_by_root = owner == 0 && user != 0;
    let group_of_its_own = owner == user && group == owner;
    mode & if given_by_root || group_of_its_own { 0o037 } else { 0o077 } == 0
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        os::{
            fd::AsRawFd as _,
            unix::fs::{PermissionsExt as _, symlink},
        },
    };

    use super::*;

    #[test]
    fn the_group_reads_where_it_is_nobody_else() {
        for (user, owner, group, mode, good) in [
            (1000, 1000, 100, 0o600, true),
            (0, 0, 0, 0o400, true),
            (65532, 0, 65532, 0o440, true), // a Secret in a pod with an fsGroup
            (65532, 65532, 65532, 0o640, true), // a projected token there
            (65532, 0, 65532, 0o640, true), // the same where the pod's containers have several users
            (1000, 1000, 1000, 0o640, true), // a user's own group, as Debian makes one for each
            (1000, 1000, 100, 0o640, false), // `users`, who could be anybody
            (0, 0, 65532, 0o440, false),    // we are root: the group is somebody else
            (65532, 1000, 65532, 0o640, false), // another user's
            (65532, 0, 65532, 0o444, false), // the default of a mounted Secret
            (65532, 65532, 65532, 0o644, false),
            (65532, 0, 65532, 0o460, false),
            (65532, 65532, 65532, 0o660, false), // a volume whose modes were changed recursively
            (65532, 65532, 65532, 0o604, false),
        ] {
            assert_eq!(is_for(user, owner, group, mode | 0o100_000), good, "{user} {owner}:{group} {mode:o}");
        }
    }

    fn said<T>(read: Result<T, SecretFileError>) -> String {
        read.map(drop).map_or_else(|error| error.to_string(), |()| "read".to_owned())
    }

    #[test]
    fn what_can_not_be_used_is_named_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let name = path.display().to_string();
        let absent = said(read_secret(&path));
        assert!(absent.starts_with(&format!("cannot read {name}: ")), "{absent}");
        assert!(find_secret_text(&path, ONE).unwrap().is_none());
        for (content, mode, why) in [
            (&b"hidden"[..], 0o644, "group or others may use it: chmod 600"),
            (b"hidden", 0o660, "group or others may use it: chmod 600"),
            (b"hid\xffden", 0o600, "it is not UTF-8"),
            (b" \n", 0o600, "it is empty"),
            (&[b'h'; (64 << 10) + 1], 0o600, "it is longer than 65536 bytes"),
        ] {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(said(read_secret(&path)), format!("cannot read {name}: {why}"), "{mode:o}");
        }
        assert!(said(read_secret(dir.path())).starts_with("cannot read "), "a folder");
    }

    #[test]
    fn a_secret_is_whole_and_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\n hidden\r\n\n").unwrap();
        assert_eq!(read_secret(file.path()).unwrap().expose_secret(), "hidden");
        // Lines keep their numbers.
        assert_eq!(read_secret_text(file.path(), 11).unwrap().expose_secret(), "\n hidden");
        assert!(said(read_secret_text(file.path(), 10)).ends_with("it is longer than 10 bytes"));
        assert!(!format!("{:?}", read_secret(file.path()).unwrap()).contains("hidden"));
    }

    #[test]
    fn a_pipe_is_read_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        let (said_so, says) = std::sync::mpsc::channel();
        let reads = path.clone();
        std::thread::spawn(move || said_so.send(said(read_secret(&reads))));
        let said = says.recv_timeout(std::time::Duration::from_secs(20)).expect("nobody writes, and it ends");
        assert!(said.ends_with("it is empty"), "{said}");
        // As a shell passes what a command says.
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"hidden\n").unwrap();
        drop(writer);
        let passed = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
        assert_eq!(read_secret(&passed).unwrap().expose_secret(), "hidden");
    }

    #[test]
    fn what_a_link_leads_to_is_judged() {
        let dir = tempfile::tempdir().unwrap();
        let (data, path) = (dir.path().join("1"), dir.path().join("token"));
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("token"), "hidden").unwrap();
        symlink("1", dir.path().join("..data")).unwrap();
        symlink("..data/token", &path).unwrap();
        let set = |mode| {
            std::fs::set_permissions(data.join("token"), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o400);
        assert_eq!(read_secret(&path).unwrap().expose_secret(), "hidden");
        set(0o444);
        assert!(said(read_secret(&path)).ends_with("chmod 600"));
    }
}
