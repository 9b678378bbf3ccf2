//! Accepting connections, whatever happens: also when the process has no file descriptor left.
//!
//! Without a descriptor `accept` fails and leaves the connection where it is, so that it fails again at once, and whoever
//! waits there waits for good (libev's manual, "The special problem of accept()ing when you can't"). A descriptor that is
//! kept for this is given up then, and the connection that does least gives way for the next.

use std::{fs::File, io, net::SocketAddr, time::Duration};

use nix::errno::Errno;
use tokio::net::{TcpListener, TcpStream};

use crate::places::Places;

/// How long others get to give up theirs.
const PAUSE: Duration = Duration::from_millis(20);

/// A listener with a descriptor in reserve.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    reserve: Option<File>,
}

impl Acceptor {
    /// Puts a descriptor by for it.
    #[must_use]
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, reserve: reserve() }
    }

    /// The next connection; `places` are asked for one where there is no descriptor for it.
    pub async fn accept(&mut self, places: &Places) -> (TcpStream, SocketAddr) {
        loop {
            if self.reserve.is_none() {
                self.reserve = reserve();
            }
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_exhausted(&error) => {
                    places.recall();
                    // The next one gets it. Where it is gone already, others need a moment.
                    if self.reserve.take().is_some()
                        && let Ok(accepted) = self.listener.accept().await
                    {
                        return accepted;
                    }
                    tracing::warn!("no file descriptor is left for a connection");
                }
                // Of a connection that ended before it was taken, most likely.
                Err(error) => tracing::debug!(%error, "a connection could not be accepted"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

fn is_exhausted(error: &io::Error) -> bool {
    let errors = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    error.raw_os_error().is_some_and(|code| errors.contains(&Errno::from_raw(code)))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::places::Bounds;

    /// Descriptors are the process's, so this test starts itself again as a process of its own.
    #[test]
    fn a_connection_is_taken_when_no_descriptor_is_left() {
        const CHILD: &str = "MAILY_TEST_DESCRIPTORS";
        if std::env::var_os(CHILD).is_some() {
            return tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(without_descriptors());
        }
        let name = "accept::tests::a_connection_is_taken_when_no_descriptor_is_left";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let out = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
    }

    async fn without_descriptors() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut acceptor = Acceptor::new(listener);
        let places = Places::new(Bounds { all: 8, each: 8, at_work_too: false });
        let silent = places.take(None).unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 64, most).unwrap();
        let files: Vec<_> = std::iter::from_fn(reserve).collect();
        assert!(files.len() < 64);
        let (mut stream, _) = acceptor.accept(&places).await;
        stream.write_all(b"hello").await.unwrap();
        let mut said = [0; 5];
        client.read_exact(&mut said).await.unwrap();
        assert!(silent.recalled().is_cancelled(), "who does least gives up theirs");
        // With nothing in reserve it goes on as soon as there is something again.
        assert!(acceptor.reserve.is_none());
        drop(stream);
        let _client = TcpStream::connect(address).await.unwrap();
        let accepting = acceptor.accept(&places);
        let freeing = async move {
            tokio::task::yield_now().await;
            drop(files);
        };
        tokio::join!(accepting, freeing);
    }
}
