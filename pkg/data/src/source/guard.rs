//! Which addresses may be dialled. A URL in a job is a stranger's word, and the machine that
//! follows it sits in networks that the stranger cannot reach: its own loopback, its neighbours,
//! the cloud's metadata service. So every address that a name resolves to is looked at, the
//! addresses that were looked at are the ones that are dialled (no second look-up that could say
//! something else), and each redirect is looked at again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use gadus_http::Names;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What is not public of IPv4
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>), multicast and class E.
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The only public part of IPv6 that is handed out
/// (<https://www.iana.org/assignments/ipv6-address-space>).
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public of that
/// (<https://www.iana.org/assignments/iana-ipv6-special-registry>): protocol assignments with
/// Teredo among them, documentation, 6to4, segment routing.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Where connections may go.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allowed: Arc<[IpNet]>,
}

impl Guard {
    /// Public addresses, and those of networks that the operator has allowed.
    pub(super) fn new(allowed: &[IpNet]) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Whether an address may be dialled.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allowed.iter().any(|net| net.contains(&address))
    }

    /// Looks at a URL before anything is resolved.
    ///
    /// # Errors
    /// Why it is not followed.
    pub(super) fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("'{}' is neither http nor https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "it has a password in it, which everybody who sees the job would see".into()
            );
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err("it names no host".to_owned()),
        };
        // Names are looked at when they are resolved.
        match literal {
            Some(address) if !self.allows(address) => Err(not_public(address)),
            Some(_) | None => Ok(()),
        }
    }
}

/// Why an address is not dialled.
fn not_public(address: IpAddr) -> String {
    format!("{address} is no public address")
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = Names.find(name.as_str()).await?;
            // One that is not public, and the whole name is not to be trusted.
            match found.iter().find(|found| !guard.allows(found.ip())) {
                Some(refused) => Err(Box::from(NotPublic(not_public(refused.ip())))),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// A name that resolves to what may not be dialled.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotPublic(pub(super) String);

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|(net, bits)| in_v4(address, *net, *bits)),
        IpAddr::V6(address) => {
            in_v6(address, GLOBAL_V6.0, GLOBAL_V6.1)
                && !NOT_PUBLIC_V6.iter().any(|(net, bits)| in_v6(address, *net, *bits))
        }
    }
}

fn in_v4(address: Ipv4Addr, net: Ipv4Addr, bits: u8) -> bool {
    Ipv4Net::new(net, bits).is_ok_and(|net| net.contains(&address))
}

fn in_v6(address: Ipv6Addr, net: Ipv6Addr, bits: u8) -> bool {
    Ipv6Net::new(net, bits).is_ok_and(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(), String> {
        Guard::new(&[]).check(&Url::parse(url).unwrap())
    }

    #[test]
    fn public_addresses_pass() {
        for url in [
            "https://example.org/a",
            "http://1.1.1.1/",
            "http://172.32.0.1:8080/",
            "http://[2606:4700::1111]/",
            "http://[::ffff:8.8.8.8]/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_not_public_is_refused_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://017700000001/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://100.64.0.1/",
            "http://100.127.255.255/",
            "http://169.254.169.254/latest/meta-data",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:7f00:1::]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd12::1]/",
            "http://[fec0::1]/",
            "http://[ff02::1]/",
            "http://[2001:db8::1]/",
        ] {
            let why = check(url).unwrap_err();
            assert!(why.contains("no public address"), "{url}: {why}");
        }
    }

    #[test]
    fn other_schemes_and_passwords_are_refused() {
        for (url, why) in [
            ("ftp://example.org/a", "neither http nor https"),
            ("file:///etc/passwd", "neither http nor https"),
            ("gopher://example.org/", "neither http nor https"),
            ("http://user:secret@example.org/", "password"),
        ] {
            assert!(check(url).unwrap_err().contains(why), "{url}");
        }
    }

    #[test]
    fn an_operator_may_allow_networks() {
        let guard = Guard::new(&["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let allows = |address: &str| guard.allows(address.parse().unwrap());
        assert!(allows("10.1.2.3") && allows("fd00::1") && allows("::ffff:10.1.2.3"));
        assert!(!allows("10.2.0.1") && !allows("127.0.0.1") && !allows("::1"));
    }

    #[tokio::test]
    async fn names_are_held_to_the_same() {
        let resolve = |guard: Guard| async move {
            guard.resolve("localhost".parse().unwrap()).await.map(Iterator::count)
        };
        let refused = resolve(Guard::new(&[])).await.unwrap_err();
        assert!(refused.downcast_ref::<NotPublic>().is_some(), "{refused}");
        let own = ["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        assert!(resolve(Guard::new(&own)).await.unwrap() > 0);
    }
}
