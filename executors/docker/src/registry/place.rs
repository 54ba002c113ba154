//! Where an image's registry is, and where it may send us.

use std::net::IpAddr;

use gadus_model::{Failure, FailureKind};
use reqwest::Url;

/// The registry of names that have none.
const HUB: [&str; 2] = ["docker.io", "index.docker.io"];
const HUB_HOST: &str = "registry-1.docker.io";

/// An image in its registry.
pub(super) struct Place {
    /// The registry, as names have it.
    pub(super) registry: String,
    /// Its name within the registry.
    pub(super) path: String,
    /// Where its manifest is.
    pub(super) manifest: Url,
}

impl Place {
    /// Of `registry/path` and a tag. Registries on this machine are asked in the clear, as docker
    /// does, and all others over TLS.
    ///
    /// # Errors
    /// `Invalid` for a registry that is no host.
    pub(super) fn of(repository: &str, tag: &str) -> Result<Self, Failure> {
        let (registry, path) = repository.split_once('/').unwrap_or((repository, ""));
        let host = if HUB.contains(&registry) { HUB_HOST } else { registry };
        let local = Url::parse(&format!("http://{host}")).is_ok_and(|url| is_local(&url));
        let scheme = if local { "http" } else { "https" };
        let manifest = Url::parse(&format!("{scheme}://{host}/v2/{path}/manifests/{tag}"));
        let manifest = manifest.map_err(|e| {
            let what = format!("'{registry}' is no registry: {e}");
            Failure::new(FailureKind::Invalid, what).with_hint("write it as HOST or HOST:PORT")
        })?;
        Ok(Self { registry: registry.to_owned(), path: path.to_owned(), manifest })
    }
}

/// Whether it is a place on this machine that is talked to in the clear.
pub(super) fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    url.scheme() == "http" && (host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback()))
}

pub(super) fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

/// Whether one place may redirect to another: never out into the clear, and never to this machine
/// from elsewhere.
pub(super) fn may_lead(from: &Url, to: &Url) -> bool {
    (is_secure(from) && is_secure(to)) || (is_local(from) && is_local(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Reference;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn place(name: &str) -> Result<String, Failure> {
        let Reference::Name { repository, tag, .. } = Reference::parse(name)? else {
            panic!("{name} is a name")
        };
        Place::of(&repository, &tag).map(|place| place.manifest.to_string())
    }

    #[test]
    fn names_lead_to_their_registry() {
        let cases = [
            ("busybox", "https://registry-1.docker.io/v2/library/busybox/manifests/latest"),
            ("index.docker.io/a/b:1", "https://registry-1.docker.io/v2/a/b/manifests/1"),
            ("ghcr.io/a/b/c:1.2", "https://ghcr.io/v2/a/b/c/manifests/1.2"),
            ("10.0.0.1:5000/a:1", "https://10.0.0.1:5000/v2/a/manifests/1"),
        ];
        for (name, url) in cases {
            assert_eq!(place(name).unwrap(), url);
        }
        assert_eq!(place("a.b:99999/c").unwrap_err().kind, FailureKind::Invalid);
    }

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for name in
            ["localhost/a", "localhost:5000/a", "127.0.0.1:5000/a", "127.9.9.9/a", "[::1]:5/a"]
        {
            assert!(place(name).unwrap().starts_with("http://"), "{name}");
        }
        for name in ["localhost.evil.com/a", "127.0.0.1.evil.com/a", "0.0.0.0:5000/a", "[::2]:5/a"]
        {
            assert!(place(name).unwrap().starts_with("https://"), "{name}");
        }
    }

    #[test]
    fn a_redirect_never_leads_to_less_safety() {
        let (there, elsewhere) = (url("https://a.b/v2/x"), url("https://c.d/y"));
        let (here, clear) = (url("http://127.0.0.1:5/x"), url("http://a.b/v2/x"));
        assert!(may_lead(&there, &elsewhere) && may_lead(&here, &url("http://localhost:6/y")));
        for (from, to) in [(&there, &clear), (&there, &here), (&here, &clear), (&here, &there)] {
            assert!(!may_lead(from, to), "{from} to {to}");
        }
    }
}
