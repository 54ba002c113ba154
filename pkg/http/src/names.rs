//! Names of hosts: a resolver in Rust. The C library's own loads whatever modules the machine is set
//! up with (`nsswitch.conf`), which a static binary cannot do: they are made for another version of
//! that library.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name as DnsName, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks `/etc/hosts`, and, for names that are not in it, the name servers of `/etc/resolv.conf`.
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
        let port = |address: IpAddr| SocketAddr::new(address, 0);
        // What the operator has written down wins, whatever a name server says or does not say.
        let written = in_hosts(&Hosts::from_system().unwrap_or_default(), name);
        if !written.is_empty() {
            return Ok(written.into_iter().map(port).collect());
        }
        let found = resolver().map_err(error)?.lookup_ip(name).await.map_err(error)?;
        Ok(found.iter().map(port).collect())
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

/// The addresses of both kinds that a name has there.
fn in_hosts(hosts: &Hosts, name: &str) -> Vec<IpAddr> {
    let Ok(name) = DnsName::from_utf8(name) else { return Vec::new() };
    let of_kind = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let found = [RecordType::AAAA, RecordType::A].into_iter().filter_map(of_kind);
    found
        .flat_map(|found| {
            found.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>()
        })
        .collect()
}

fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
    });
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
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

    #[test]
    fn what_is_written_down_is_all_that_a_name_has() {
        let mut hosts = Hosts::default();
        let file = "10.0.0.7 node node.example.test\n::1 both\n127.0.0.1 both\n";
        hosts.read_hosts_conf(file.as_bytes()).unwrap();
        let found =
            |name| in_hosts(&hosts, name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("node"), ["10.0.0.7"]);
        assert_eq!(found("node.example.test"), ["10.0.0.7"]);
        assert_eq!(found("both"), ["::1", "127.0.0.1"]);
        assert!(found("example.test").is_empty() && found("no..such").is_empty());
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_is_an_error_that_names_it() {
        let error = Names.find("no..such").await.unwrap_err();
        assert!(error.to_string().contains("'no..such'"), "{error}");
    }
}
