//! Names of hosts: a resolver in Rust. The C library's own loads whatever modules the machine is set
//! up with (`nsswitch.conf`), which a static binary cannot do: they are made for another version of
//! that library.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks `/etc/hosts`, and then the name servers of `/etc/resolv.conf`.
///
/// Both are read for each name, since a machine that moves has other servers; clients keep their
/// connections, so that names are not looked up often. Without `/etc/resolv.conf` nobody is asked:
/// `localhost` and what is in `/etc/hosts` are still found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names;

impl Names {
    /// For a client's builder.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        Arc::new(Self)
    }

    /// All addresses of a name, with port 0. At least one.
    ///
    /// # Errors
    /// Nobody knows the name, or nobody who could know it answers.
    pub async fn find(self, name: &str) -> Result<Vec<SocketAddr>, NoAddress> {
        let error = |error| NoAddress::new(name, &error);
        let found = resolver().map_err(error)?.lookup_ip(name).await.map_err(error)?;
        Ok(found.iter().map(|address| SocketAddr::new(address, 0)).collect())
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = *self;
        Box::pin(async move {
            let found = names.find(name.as_str()).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
    });
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    builder.build()
}

/// Why a name leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// Whoever could know it says that it does not exist, or has no address.
    #[error("there is no host '{name}'")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Nobody could say.
    #[error("the host '{name}' cannot be looked up: {why}")]
    NotAsked {
        /// The name.
        name: String,
        /// What the network said.
        why: String,
    },
}

impl NoAddress {
    fn new(name: &str, error: &NetError) -> Self {
        let name = name.to_owned();
        if error.is_no_records_found() {
            return Self::Unknown { name };
        }
        let why = if matches!(error, NetError::Timeout) {
            "no name server answered in time".to_owned()
        } else if matches!(error, NetError::NoConnections) {
            "no name server can be reached (/etc/resolv.conf)".to_owned()
        } else {
            error.to_string()
        };
        Self::NotAsked { name, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_needs_no_server() {
        let found = Names.find("localhost").await.unwrap();
        assert!(found.iter().any(|found| found.ip().is_ipv4()), "{found:?}");
        assert!(found.iter().all(|found| found.ip().is_loopback()), "{found:?}");
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_is_an_error_that_names_it() {
        let error = Names.find("no..such").await.unwrap_err();
        assert!(error.to_string().contains("'no..such'"), "{error}");
    }
}
