//! Connections on which nothing is ever said.

use std::{
    io::{ErrorKind, Read as _},
    net::{Ipv4Addr, TcpStream},
};

use maily_testkit::{Service, rest};

use super::{Caller, broken};
use crate::https::tcp;

/// As many as a listener has places.
pub(super) const IDLE: u64 = 1_024;
/// As many as one client may have of them.
pub(super) const OF_ONE: usize = 64;
/// As many as Restate's endpoint has places.
pub(super) const SILENT: u64 = 32;

pub(super) fn idle_at_inference(caller: &Caller<'_>) {
    idle(caller, Service::Inference, 3);
}

pub(super) fn idle_at_compliance(caller: &Caller<'_>) {
    idle(caller, Service::Compliance, 4);
}

/// From as many addresses as it takes to fill the listener.
fn idle(caller: &Caller<'_>, service: Service, network: u8) {
    let hosts = 1..=IDLE.div_ceil(OF_ONE as u64) as u8;
    let hosts: Vec<Ipv4Addr> = hosts.map(|host| Ipv4Addr::new(127, 0, network, host)).collect();
    hold(caller, &caller.all.plan.edge(service), &hosts, OF_ONE);
}

pub(super) fn silent_at_the_endpoint(caller: &Caller<'_>) {
    let host = Ipv4Addr::new(127, 0, 2, 12);
    hold(caller, &caller.all.plan.endpoint(), &[host], SILENT as usize);
}

/// Holds so many connections from each host, and opens another in the place of each that is closed.
fn hold(caller: &Caller<'_>, address: &str, hosts: &[Ipv4Addr], each: usize) {
    let mut held: Vec<(Ipv4Addr, TcpStream)> = Vec::new();
    while caller.goes_on() {
        let before = held.len();
        held.retain_mut(|(_, stream)| is_open(stream));
        (held.len()..before).for_each(|_| caller.tally.answer("closed"));
        for host in hosts {
            let has = held.iter().filter(|(other, _)| other == host).count();
            for _ in (has..each).take_while(|_| caller.may_send()) {
                caller.tally.send();
                match tcp(Some(*host), address).and_then(|stream| {
                    stream.set_nonblocking(true)?;
                    Ok(stream)
                }) {
                    Ok(stream) => {
                        caller.tally.answer("opened");
                        held.push((*host, stream));
                    }
                    Err(error) => caller.tally.answer(broken(&error)),
                }
            }
        }
        rest();
    }
}

/// HTTP/2 says something of itself at the beginning.
fn is_open(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 256]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
