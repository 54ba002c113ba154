//! What all HTTP clients of gadus have in common, so that one static binary does on any machine:
//! names, roots of trust and cryptography come with it.

mod names;
mod roots;

use reqwest::ClientBuilder;

pub use self::names::{Names, NoAddress};

/// A client that trusts what this machine trusts.
pub fn client() -> ClientBuilder {
    plain().tls_certs_only(roots::of_this_machine())
}

/// A client for `http://` alone, which trusts nobody: reading roots of trust takes longer than most
/// requests.
pub fn client_without_tls() -> ClientBuilder {
    plain().tls_certs_only([])
}

fn plain() -> ClientBuilder {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The first one stays; an error means that another thread has set it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    ClientBuilder::new()
        .dns_resolver(Names::shared())
        .user_agent(concat!("gadus/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_built_without_anything_of_the_machine() {
        client().build().unwrap();
        client_without_tls().build().unwrap();
    }
}
