//! IPv4 networks, as WAF's list has them: `192.0.2.1/32`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// An address is a network with a prefix of this length.
const WHOLE: u32 = 32;

/// An IPv4 network. Its text is its only one: bits beyond the prefix are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network {
    address: Ipv4Addr,
    prefix: u32,
}

/// A text that is no network that WAF accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IPv4 network such as 192.0.2.1/32")]
pub(crate) struct NotANetwork(String);

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address")]
pub(crate) struct NotAnAddress(String);

impl Network {
    /// An address of Spacelift's list. `None` for IPv6.
    pub(crate) fn of_address(text: &str) -> Result<Option<Self>, NotAnAddress> {
        let address = text.parse().map_err(|_| NotAnAddress(text.to_owned()))?;
        Ok(match address {
            IpAddr::V4(address) => Some(Self {
                address,
                prefix: WHOLE,
            }),
            IpAddr::V6(_) => None,
        })
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(refused)?;
        let address: Ipv4Addr = address.parse().map_err(|_| refused())?;
        let prefix: u32 = prefix.parse().map_err(|_| refused())?;
        // WAF has no network of all addresses.
        if !(1..=WHOLE).contains(&prefix) {
            return Err(refused());
        }
        let mask = u32::MAX << (WHOLE - prefix);
        Ok(Self {
            address: Ipv4Addr::from_bits(address.to_bits() & mask),
            prefix,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_one_text() {
        for (text, shown) in [
            ("192.0.2.1/32", "192.0.2.1/32"),
            ("198.51.100.7/24", "198.51.100.0/24"),
            ("203.0.113.9/1", "128.0.0.0/1"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_would_open_everything_or_means_nothing_is_no_network() {
        for wrong in [
            "",
            "192.0.2.1",
            "192.0.2.1/",
            "192.0.2.1/33",
            "0.0.0.0/0",
            "192.0.2/24",
            "2001:db8::1/128",
            "192.0.2.1/-1",
            " 192.0.2.1/32",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork(wrong.to_owned())));
        }
    }

    #[test]
    fn an_address_of_spacelift_is_a_network_of_one() {
        let of = |text: &str| Network::of_address(text).map(|network| network.map(|it| it.to_string()));
        assert_eq!(of("192.0.2.1"), Ok(Some("192.0.2.1/32".to_owned())));
        assert_eq!(of("2001:db8::1"), Ok(None));
        for wrong in ["", "0.0.0.0/0", "192.0.2.1/32", "app.spacelift.io", "192.0.2.256"] {
            assert_eq!(of(wrong), Err(NotAnAddress(wrong.to_owned())));
        }
    }
}
