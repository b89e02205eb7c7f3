//! IPv4 networks, as WAF's list has them: `192.0.2.1/32`.

use std::net::IpAddr;

use ipnet::Ipv4Net;

/// A text that is no network that WAF accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IPv4 network such as 192.0.2.1/32")]
pub(crate) struct NotANetwork(String);

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address")]
pub(crate) struct NotAnAddress(String);

/// A network, with zeros beyond its prefix, so that it has one text only.
pub(crate) fn parse(text: &str) -> Result<Ipv4Net, NotANetwork> {
    let network: Option<Ipv4Net> = text.parse().ok();
    // WAF has no network of all addresses.
    let network = network.filter(|network| network.prefix_len() > 0);
    let network = network.ok_or_else(|| NotANetwork(text.to_owned()))?;
    Ok(network.trunc())
}

/// An address of Spacelift's list. `None` for IPv6.
pub(crate) fn of_address(text: &str) -> Result<Option<Ipv4Net>, NotAnAddress> {
    match text.parse() {
        Ok(IpAddr::V4(address)) => Ok(Some(address.into())),
        Ok(IpAddr::V6(_)) => Ok(None),
        Err(_) => Err(NotAnAddress(text.to_owned())),
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
            assert_eq!(parse(text).unwrap().to_string(), shown);
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
            assert_eq!(parse(wrong), Err(NotANetwork(wrong.to_owned())));
        }
    }

    #[test]
    fn an_address_of_spacelift_is_a_network_of_one() {
        let of = |text: &str| of_address(text).map(|network| network.map(|it| it.to_string()));
        assert_eq!(of("192.0.2.1"), Ok(Some("192.0.2.1/32".to_owned())));
        assert_eq!(of("2001:db8::1"), Ok(None));
        for wrong in ["", "0.0.0.0/0", "192.0.2.1/32", "app.spacelift.io", "192.0.2.256"] {
            assert_eq!(of(wrong), Err(NotAnAddress(wrong.to_owned())));
        }
    }
}
