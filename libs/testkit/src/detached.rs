//! Commands for what may outlive whoever starts it: the processes of a cluster or a stack, a daemon, a fixture's keeper.
//!
//! Rust opens its own files so that no child has them. What was *inherited* goes on to every child, though: the end of a pipe
//! that somebody reads to its end, or the file of a lock. Held by a daemon, it is held for good.

use std::{ffi::OsStr, os::unix::process::CommandExt as _, process::Command};

/// Closes every descriptor but the standard ones and becomes the program, under the same process id. By bash, for there is no
/// safe way between fork and exec, and a plain `sh` can't name descriptors above 9.
const SCRIPT: &str = r#"for file in /proc/self/fd/*; do
  number=${file##*/}
  if ((number > 2)); then exec {number}>&-; fi
done
exec "$0" "$@""#;

/// A program in a process group of its own, which Ctrl-C does not reach, and with no descriptor of ours but those that the
/// caller sets as its standard input, output and error. If it can't be executed, it ends with 126 or 127, and says why on its
/// standard error.
pub fn detached(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("bash");
    // -p: no start-up file of the environment's, and no functions from there.
    command.args(["-p", "-c", SCRIPT]).arg(program).process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        io::Read as _,
        path::Path,
        process::{Child, Stdio},
        sync::mpsc,
        thread,
        time::Duration,
    };

    use super::*;
    use crate::{Process, Running};

    /// Where the starter notes what it has started.
    const NOTE: &str = "DETACHED_TEST_NOTE";
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    #[ignore = "a child of the other test"]
    fn start_what_stays() {
        let Some(note) = env::var_os(NOTE).map(std::path::PathBuf::from) else { return };
        let log = note.with_extension("log");
        let stays = Process::start("sleep", Path::new("/bin/sleep"), &["600".to_owned()], &log).unwrap();
        let running = Running::of("sleep", stays.id()).unwrap();
        fs::write(note, serde_json::to_vec(&running).unwrap()).unwrap();
    }

    struct Stays(Running);

    impl Drop for Stays {
        fn drop(&mut self) {
            self.0.stop(Duration::from_secs(5));
        }
    }

    /// This test's own program as a starter that has the writing end of a pipe as its descriptors 3 and 12: standard output
    /// is read, and is nobody's otherwise.
    fn starter(note: &Path) -> Child {
        let mut command = Command::new("bash");
        command.args(["-p", "-c", r#"exec 3>&1 12>&1 >/dev/null; exec "$0" "$@""#]);
        command.arg(env::current_exe().unwrap());
        command.args(["--exact", "detached::tests::start_what_stays", "--ignored"]).env(NOTE, note);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_pipe_ends_with_the_starter_and_not_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("running");
        let mut starter = starter(&note);
        let mut pipe = starter.stdout.take().unwrap();
        let (send, ended) = mpsc::channel();
        thread::spawn(move || send.send(pipe.read_to_end(&mut Vec::new())));
        assert!(starter.wait().unwrap().success());
        let stays = Stays(serde_json::from_slice(&fs::read(&note).unwrap()).unwrap());
        let read = ended.recv_timeout(PATIENCE).expect("what was started holds the pipe");
        assert_eq!(read.unwrap(), 0);
        assert!(stays.0.alive(), "nothing was there that could have held it");
    }
}
