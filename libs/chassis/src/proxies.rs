//! Who a client is behind the proxies in front of a listener: only what a trusted proxy says of it counts.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::HeaderMap;

use crate::{config::Edge, error::Error, network::Network};

/// Whoever stands in front by more proxies than this is not known by a list of them either.
const MOST_HOPS: usize = 16;
const FORWARDED: &str = "x-forwarded-for";

/// The proxies in front of a listener; by default none, and everybody is who connects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    trusted: Arc<Vec<Network>>,
    says: Says,
}

/// Where a proxy says for whom it calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Says {
    #[default]
    Nowhere,
    /// In this entry of `X-Forwarded-For`, counted from the right, where the nearest proxy adds its own.
    InHeader(usize),
    /// Before all else on the connection.
    First,
}

impl Proxies {
    /// What a listener's section says of them.
    ///
    /// # Errors
    /// Settings that mean nothing together.
    pub(crate) fn new(section: &str, config: &Edge) -> Result<Self, Error> {
        let wrong = |what: &str| Err(Error::new(format!("configuration: {section}.{what}")));
        let says = match (config.forwarded_hop, config.proxy_protocol) {
            (None, false) => Says::Nowhere,
            (None, true) => Says::First,
            (Some(hop), false) if (1..=MOST_HOPS).contains(&hop) => Says::InHeader(hop),
            (Some(_), false) => {
                return wrong("forwarded_hop is not 1 to 16: 1 is the entry that the nearest proxy wrote");
            }
            (Some(_), true) => return wrong("forwarded_hop and proxy_protocol exclude each other"),
        };
        match (config.trusted_proxies.is_empty(), says == Says::Nowhere) {
            (true, false) => wrong("trusted_proxies is missing: who may say for whom they call"),
            (false, true) => wrong("trusted_proxies needs forwarded_hop or proxy_protocol"),
            _ => Ok(Self { trusted: Arc::new(config.trusted_proxies.clone()), says }),
        }
    }

    /// Whether connections from here are of clients behind a proxy.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Whether a connection from here begins with the PROXY protocol.
    pub(crate) fn speaks_first(&self, peer: IpAddr) -> bool {
        self.says == Says::First && self.trusts(peer)
    }

    /// Whose a request is that came from `peer`. Where its proxy does not say, the proxy itself is counted: that limits more,
    /// never less.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        match self.says {
            Says::InHeader(hop) if self.trusts(peer) => forwarded(headers, hop).unwrap_or(peer),
            _ => peer,
        }
    }
}

/// An entry of every `X-Forwarded-For` of a request together, from the right. Those further left are the client's own words.
fn forwarded(headers: &HeaderMap, hop: usize) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED).iter().map(|line| line.to_str());
    let lines = lines.collect::<Result<Vec<_>, _>>().ok()?;
    let entry = lines.iter().rev().flat_map(|line| line.rsplit(',')).nth(hop - 1)?.trim();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    entry.parse().ok().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(trusted: &[&str], forwarded_hop: Option<usize>, proxy_protocol: bool) -> Edge {
        let mut section = Edge::new("127.0.0.1:0".parse().unwrap(), "c".into(), "k".into());
        section.trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
        (section.forwarded_hop, section.proxy_protocol) = (forwarded_hop, proxy_protocol);
        section
    }

    #[test]
    fn only_a_trusted_proxy_says_who_a_client_is() {
        let client = |hop: usize, peer: &str, lines: &[&str]| {
            let proxies = Proxies::new("edge", &section(&["10.0.0.0/8"], Some(hop), false)).unwrap();
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED, line.parse().unwrap());
            }
            proxies.client(peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(
            client(1, "10.0.0.1", &["6.6.6.6, 1.2.3.4"]),
            "1.2.3.4",
            "the left one is the client's word"
        );
        assert_eq!(client(2, "10.0.0.1", &["6.6.6.6,1.2.3.4", "10.9.9.9"]), "1.2.3.4", "lines are one list");
        assert_eq!(client(1, "10.0.0.1", &["1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(client(1, "10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client(1, "10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client(1, "1.1.1.1", &["9.9.9.9"]), "1.1.1.1", "a stranger's word");
        for nothing in [&[][..], &[""], &["unknown"], &["1.2.3.4, "]] {
            assert_eq!(client(1, "10.0.0.1", nothing), "10.0.0.1", "{nothing:?}");
        }
        assert_eq!(client(3, "10.0.0.1", &["1.2.3.4"]), "10.0.0.1", "fewer entries than proxies");
    }

    #[test]
    fn nonsense_is_refused() {
        let said = |trusted: &[&str], hop, first| {
            Proxies::new("edge", &section(trusted, hop, first)).map(drop).map_err(|error| error.to_string())
        };
        assert!(said(&[], None, false).is_ok() && said(&["10.0.0.1"], None, true).is_ok());
        for (trusted, hop, first, named) in [
            (&[][..], Some(1), false, "edge.trusted_proxies is missing"),
            (&[], None, true, "edge.trusted_proxies is missing"),
            (&["10.0.0.1"], None, false, "edge.trusted_proxies needs"),
            (&["10.0.0.1"], Some(0), false, "edge.forwarded_hop is not"),
            (&["10.0.0.1"], Some(17), false, "edge.forwarded_hop is not"),
            (&["10.0.0.1"], Some(1), true, "edge.forwarded_hop and"),
        ] {
            let refused = said(trusted, hop, first).unwrap_err();
            assert!(refused.starts_with(&format!("configuration: {named}")), "{refused}");
        }
    }
}
