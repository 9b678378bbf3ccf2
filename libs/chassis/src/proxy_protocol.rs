//! The PROXY protocol, versions 1 and 2, as a receiver: the first bytes of a connection say whose it is.
//!
//! HAProxy's `doc/proxy-protocol.txt` (2020/03/05) defines it. Whether it is spoken is configured and never guessed, as section 2
//! demands; nothing of what comes behind it is read here.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, with its line's end (section 2.1).
const LONGEST_LINE: usize = 107;
/// The longest rest of version 2. Addresses take 36 bytes; clouds add a few short values (section 2.2).
const LONGEST_REST: usize = 1024;

/// The client that a proxy connects for; `None` where it connects for itself, or doesn't know.
///
/// # Errors
/// Something else than the PROXY protocol, or the connection.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    // The shortest header of version 1 has 15 bytes, so this reads nothing beyond one.
    let mut begin = [0; SIGNATURE.len()];
    stream.read_exact(&mut begin).await?;
    if begin == *SIGNATURE { second(stream).await } else { first(stream, &begin).await }
}

async fn first(stream: &mut (impl AsyncRead + Unpin), begin: &[u8]) -> io::Result<Option<SocketAddr>> {
    if !begin.starts_with(b"PROXY ") {
        return Err(malformed());
    }
    let mut line = begin.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() == LONGEST_LINE {
            return Err(malformed());
        }
        line.push(stream.read_u8().await?);
    }
    let line = std::str::from_utf8(&line).map_err(|_| malformed())?;
    let words: Vec<_> = line.trim_end_matches("\r\n").split(' ').collect();
    let (source, is_version, port) = match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => return Ok(None),
        ["PROXY", "TCP4", source, _, port, _] => (source, IpAddr::is_ipv4 as fn(&IpAddr) -> bool, port),
        ["PROXY", "TCP6", source, _, port, _] => (source, IpAddr::is_ipv6 as fn(&IpAddr) -> bool, port),
        _ => return Err(malformed()),
    };
    let source: IpAddr = source.parse().map_err(|_| malformed())?;
    let port = port.parse().map_err(|_| malformed())?;
    is_version(&source).then(|| Some(SocketAddr::new(source, port))).ok_or_else(malformed)
}

async fn second(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = usize::from(stream.read_u16().await?);
    if length > LONGEST_REST {
        return Err(malformed());
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match (command, family) {
        // LOCAL: the proxy's own, to see whether we live.
        (0x20, _) => Ok(None),
        (0x21, 0x11) => address::<4>(&rest).map(Some),
        (0x21, 0x21) => address::<16>(&rest).map(Some),
        // Of no family that has an address here.
        (0x21, _) => Ok(None),
        _ => Err(malformed()),
    }
}

/// The source: two addresses of so many bytes, then two ports.
fn address<const BYTES: usize>(rest: &[u8]) -> io::Result<SocketAddr>
where
    IpAddr: From<[u8; BYTES]>,
{
    let source = rest.first_chunk::<BYTES>().ok_or_else(malformed)?;
    let port = rest.get(2 * BYTES..).and_then(|ports| ports.first_chunk::<4>()).ok_or_else(malformed)?;
    Ok(SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes([port[0], port[1]])))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no header of the PROXY protocol")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a header says, and what is left behind it.
    async fn said(header: &[u8]) -> (io::Result<Option<SocketAddr>>, Vec<u8>) {
        let bytes = [header, b"HELLO"].concat();
        let mut stream = bytes.as_slice();
        let said = read(&mut stream).await;
        (said, stream.to_vec())
    }

    fn second(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn both_versions_say_who_connects_and_nothing_more_is_read() {
        let four = [192, 0, 2, 1, 192, 0, 2, 2, 0x10, 0x00, 0x01, 0xbb];
        let six = [&[0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[7], &[0; 16], &[0, 80, 1, 0xbb]].concat();
        let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(LONGEST_LINE - 16));
        for (header, client) in [
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 4096 443\r\n".to_vec(), Some("192.0.2.1:4096")),
            (b"PROXY TCP6 2001:db8::7 ::1 80 443\r\n".to_vec(), Some("[2001:db8::7]:80")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (longest.into_bytes(), None),
            (second(0x21, 0x11, &four), Some("192.0.2.1:4096")),
            (second(0x21, 0x11, &[&four[..], &[4, 0, 1, 0]].concat()), Some("192.0.2.1:4096")),
            (second(0x21, 0x21, &six), Some("[2001:db8::7]:80")),
            (second(0x21, 0x31, &[0; 216]), None),
            (second(0x20, 0x00, &[]), None),
        ] {
            let (said, left) = said(&header).await;
            assert_eq!(said.unwrap(), client.map(|client| client.parse().unwrap()), "{header:?}");
            assert_eq!(left, b"HELLO", "{header:?}");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused_and_nothing_endless_is_read() {
        let endless = format!("PROXY UNKNOWN {}", "f".repeat(10_000));
        for bad in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0".to_vec(),
            b"PROXY TCP4 2001:db8::7 ::1 80 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 192.0.2.2 99999 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1\r\n".to_vec(),
            endless.into_bytes(),
            second(0x11, 0x11, &[0; 12]),
            second(0x22, 0x11, &[0; 12]),
            second(0x21, 0x11, &[0; 11]),
            second(0x21, 0x11, &[0; LONGEST_REST + 1]),
        ] {
            assert!(said(&bad).await.0.is_err(), "{bad:?}");
        }
        assert!(read(&mut &b"PROXY UNKN"[..]).await.is_err(), "it breaks off");
    }
}
