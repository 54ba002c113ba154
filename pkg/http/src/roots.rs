//! Roots of trust.

use std::sync::OnceLock;

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::load_native_certs;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Where an operator names roots.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Those of this machine (or of `SSL_CERT_FILE` and `SSL_CERT_DIR`), read once; where it has none,
/// as an empty container has none, those of Mozilla as they were when this was built. Whoever has
/// named some trusts nobody else, and nobody at all where they cannot be read.
pub(crate) fn of_this_machine() -> Vec<Certificate> {
    static ROOTS: OnceLock<Vec<Certificate>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let found = load_native_certs();
            // One unreadable file of a hundred is no reason to trust nobody.
            for error in &found.errors {
                tracing::debug!(%error, "a root of trust is left out");
            }
            let found: Vec<_> = usable(found.certs.iter().map(AsRef::as_ref)).collect();
            if !found.is_empty() {
                return found;
            }
            if VARIABLES.iter().any(|name| std::env::var_os(name).is_some()) {
                tracing::error!(
                    "{VARIABLES:?} name no roots of trust: no https:// server is trusted"
                );
                return found;
            }
            tracing::info!("this machine has no roots of trust; those built in are used");
            usable(TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref)).collect()
        })
        .clone()
}

/// Without those that the TLS library refuses: a client with one of them in it cannot be built.
fn usable<'a>(certs: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = Certificate> {
    certs
        .filter(|der| RootCertStore::empty().add(CertificateDer::from(*der)).is_ok())
        .filter_map(|der| Certificate::from_der(der).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_built_in_can_be_used() {
        let built_in = usable(TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref)).count();
        assert!(built_in > 50 && built_in == TLS_SERVER_ROOT_CERTS.len(), "{built_in}");
    }

    #[test]
    fn what_is_no_root_is_left_out() {
        assert_eq!(usable([&b"no certificate"[..]].into_iter()).count(), 0);
    }
}
