//! A real Restate server: a process of its own, which may be killed and started again on its data.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rcgen::{KeyPair, PKCS_ED25519};

/// The running server.
pub(crate) struct Restate {
    dir: PathBuf,
    child: Child,
}

impl Restate {
    pub(crate) fn start(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        std::fs::write(dir.join("identity.pem"), key.serialize_pem()).unwrap();
        std::fs::write(dir.join("identity.pub.pem"), key.public_key_pem()).unwrap();
        let config = format!(
            "node-name = \"n\"\nbase-dir = {dir:?}\nlisten-mode = \"unix\"\ndisable-telemetry = true\n\
             default-num-partitions = 2\nrocksdb-total-memory-size = \"128 MiB\"\n\
             [worker.storage]\nrocksdb-disable-wal-compression = true\nrocksdb-disable-l0-l1-compression = true\n\
             [log-server]\nrocksdb-disable-wal-compression = true\nrocksdb-disable-l0-l1-compression = true\n\
             [worker.invoker]\n\
             request-identity-private-key-pem-file = {:?}\n",
            dir.join("identity.pem")
        );
        std::fs::write(dir.join("restate.toml"), config).unwrap();
        Self { dir: dir.to_owned(), child: spawn(dir) }
    }

    pub(crate) fn admin(&self) -> String {
        format!("unix:{}", self.dir.join("n/admin.sock").display())
    }

    pub(crate) fn ingress(&self) -> String {
        format!("unix:{}", self.dir.join("n/ingress.sock").display())
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.dir.join("identity.pub.pem")
    }

    /// SIGKILL, and up again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.dir);
    }

    /// Everything that the server keeps and says, for looking for what should not be there.
    pub(crate) fn kept(&self) -> Vec<u8> {
        fn read(dir: &Path, into: &mut Vec<u8>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => read(&path, into),
                    // Sockets can't be read.
                    false => into.extend(std::fs::read(&path).unwrap_or_default()),
                }
            }
        }
        let mut bytes = Vec::new();
        read(&self.dir, &mut bytes);
        bytes
    }
}

fn spawn(dir: &Path) -> Child {
    let program = maily_testkit::cache::restate();
    assert!(program.exists(), "{} is missing: `cargo xtask up` fetches it", program.display());
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log")).unwrap();
    Command::new(program)
        .args(["--no-logo", "--config-file"])
        .arg(dir.join("restate.toml"))
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Restate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
