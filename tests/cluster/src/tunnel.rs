//! A port of this machine that leads to a Service: certificates name `localhost`, and a Service's address changes with it.

use std::{
    io::copy,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread::spawn,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Opens it; it stays open until the test ends.
///
/// # Panics
/// No port is free.
#[must_use]
pub fn open(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || {
        for near in listener.incoming().flatten() {
            // A service that is not there is a connection that ends at once, as without a tunnel.
            if let Ok(far) = TcpStream::connect_timeout(&to, PATIENCE) {
                join(&near, &far);
            }
        }
    });
    address
}

/// Copies both ways until both have ended.
fn join(near: &TcpStream, far: &TcpStream) {
    for (from, to) in [(near, far), (far, near)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
        spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
