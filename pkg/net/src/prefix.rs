//! The public network that an address lies in: who rents many addresses in one place is taken for
//! one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// The first 24 bits of a public IPv4 address, the first 48 of an IPv6 one; none for what is not
/// public, such as loopback and one's own network.
pub(crate) fn of(address: &Multiaddr) -> Option<String> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum has dozens of other protocols")]
    let ip = address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
        _ => None,
    })?;
    match ip.to_canonical() {
        IpAddr::V4(ip) => of_v4(ip),
        IpAddr::V6(ip) => of_v6(ip),
    }
}

fn of_v4(ip: Ipv4Addr) -> Option<String> {
    let [a, b, c, _] = ip.octets();
    // 100.64.0.0/10 is what providers put their customers into.
    let is_shared = a == 100 && b & 0xc0 == 64;
    let is_public =
        !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified());
    (is_public && !is_shared).then(|| format!("{a}.{b}.{c}.0/24"))
}

fn of_v6(ip: Ipv6Addr) -> Option<String> {
    let [a, b, c, ..] = ip.segments();
    let is_own = ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_unique_local()
        || ip.is_unicast_link_local();
    (!is_own).then(|| format!("{a:x}:{b:x}:{c:x}::/48"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_networks_are_told_apart_and_ones_own_is_none() {
        for (address, prefix) in [
            ("/ip4/203.0.113.7/tcp/4101", Some("203.0.113.0/24")),
            ("/ip4/203.0.113.200/udp/4101/quic-v1", Some("203.0.113.0/24")),
            ("/ip4/203.0.114.7/tcp/4101", Some("203.0.114.0/24")),
            ("/ip6/2001:db8:1:2::7/tcp/1", Some("2001:db8:1::/48")),
            ("/ip6/::ffff:203.0.113.7/tcp/1", Some("203.0.113.0/24")),
            ("/ip4/127.0.0.1/tcp/1", None),
            ("/ip4/10.1.2.3/tcp/1", None),
            ("/ip4/172.20.0.1/tcp/1", None),
            ("/ip4/192.168.1.2/tcp/1", None),
            ("/ip4/169.254.0.1/tcp/1", None),
            ("/ip4/100.64.0.1/tcp/1", None),
            ("/ip6/::1/tcp/1", None),
            ("/ip6/fd00::1/tcp/1", None),
            ("/ip6/fe80::1/tcp/1", None),
            ("/dns4/example.org/tcp/1", None),
        ] {
            assert_eq!(of(&address.parse().unwrap()).as_deref(), prefix, "{address}");
        }
    }
}
