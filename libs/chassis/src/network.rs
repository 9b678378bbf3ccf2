//! IP networks, as a configuration names them.

use std::{net::IpAddr, str::FromStr};

use serde::Deserialize;

/// `10.1.0.0/16`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{text} {why}");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong("is no IP network, such as 10.1.0.0/16"))?;
        if address.to_canonical() != address {
            return Err(wrong("is an IPv4 address in IPv6's form: write it as one of IPv4"));
        }
        let bits = match bits {
            None => width(address),
            Some(bits) => bits.parse().map_err(|_| wrong("has a length that is no number"))?,
        };
        if !(1..=width(address)).contains(&bits) {
            return Err(wrong("is no part of the Internet: its length is out of range"));
        }
        if prefix(address, bits) != prefix(address, width(address)) {
            return Err(wrong("has bits behind its length"));
        }
        Ok(Self { address, bits })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Network {
    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && prefix(address, self.bits) == prefix(self.address, self.bits)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first `bits` of an address, with zeros behind them.
fn prefix(address: IpAddr, bits: u32) -> u128 {
    let all = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    all & u128::MAX.checked_shl(128 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<Network, String> {
        text.parse()
    }

    #[test]
    fn an_address_lies_in_its_network() {
        let within = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(within("10.1.0.0/16", "10.1.255.3") && within("10.1.0.0/16", "::ffff:10.1.0.1"));
        assert!(!within("10.1.0.0/16", "10.2.0.0") && !within("10.1.0.0/16", "a01::"));
        assert!(within("10.1.2.3", "10.1.2.3") && !within("10.1.2.3", "10.1.2.4"));
        assert!(within("2001:db8::/33", "2001:db8:7fff::1") && !within("2001:db8::/33", "2001:db8:8000::"));
    }

    #[test]
    fn nonsense_is_none() {
        for bad in
            ["", "lan", "10.0.0.0/", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1/8", "::ffff:10.0.0.0/104"]
        {
            assert!(network(bad).is_err(), "{bad}");
        }
    }
}
