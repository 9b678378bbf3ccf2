//! `--probe`: whether the service that runs here is ready, for images without a shell or an HTTP client.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use crate::error::Error;

const DEADLINE: Duration = Duration::from_secs(2);
/// A reason is a sentence.
const LONGEST: u64 = 4096;

/// Asks `/readyz` of the health listener at `listen`.
///
/// # Errors
/// Why it is not ready; exit code 69.
pub(crate) fn run(listen: SocketAddr) -> Result<(), Error> {
    let answer = ask(reachable(listen))
        .map_err(|error| Error::unavailable(format!("{listen} gives no answer ({})", error.kind())))?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(Error::unavailable(answer.lines().last().unwrap_or("not ready, without a reason"))),
    }
}

/// A listener on every address is asked on loopback.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    // In one piece: who answers before the last one came resets the connection when it closes.
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// A listener that answers once.
    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut piece = [0; 256];
                let read = stream.read(&mut piece).unwrap();
                assert_ne!(read, 0, "the request has no end");
                request.extend_from_slice(&piece[..read]);
            }
            assert!(request.starts_with(b"GET /readyz "));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn ready_is_success_and_anything_else_a_sentence() {
        assert!(run(answering("HTTP/1.1 200 OK\r\n\r\nok\n")).is_ok());
        let refused = run(answering("HTTP/1.1 503 Service Unavailable\r\n\r\nVault is away\n")).unwrap_err();
        assert_eq!((refused.to_string().as_str(), refused.code()), ("Vault is away", 69));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(run(closed).unwrap_err().to_string().contains("gives no answer"));
    }
}
