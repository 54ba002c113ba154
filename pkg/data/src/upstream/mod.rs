//! Stores farther away than the network's own nodes, in the order of the config: a Kubo daemon
//! beside this node (`kubo:`), trustless gateways (`gateway:`). They are asked for what no peer has.
//! Nothing they say is believed: every block is held to its CID, and one that lies is left.
//!
//! | | |
//! |---|---|
//! | `gateway` | blocks of an IPFS Trustless Gateway, over HTTP |
//! | `kubo` | blocks of a Kubo daemon, over its RPC; and trees that it keeps for us |
//! | `offers` | results, given to a Kubo daemon |
//! | `stream` | an upstream as a fetch talks to peers: several requests at a time, answers in order |

mod gateway;
mod kubo;
mod offers;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::Cid;

pub use self::kubo::{Kubo, NotTaken};
pub use self::offers::KuboOffers;
pub(crate) use self::stream::{Trouble, UpstreamStream};
use crate::config::ContentConfig;

/// A store that may have a block.
#[async_trait]
pub(crate) trait Upstream: Send + Sync {
    /// As the config names it.
    fn name(&self) -> &str;

    /// A block, unchecked; `None` where it has none.
    ///
    /// # Errors
    /// Why nothing can be had from it now.
    async fn block(&self, cid: &Cid) -> Result<Option<Bytes>, String>;
}

/// All of a node, the nearest first.
pub(crate) type Upstreams = Vec<Arc<dyn Upstream>>;

/// The upstreams of a config.
///
/// # Errors
/// Which URI makes no sense, and why.
pub(crate) fn of_config(config: &ContentConfig) -> Result<Upstreams, String> {
    let beside = Some(&config.ipfs).filter(|url| !url.is_empty()).map(|url| format!("kubo:{url}"));
    beside.iter().chain(&config.upstreams).map(|uri| open(uri, config)).collect()
}

fn open(uri: &str, config: &ContentConfig) -> Result<Arc<dyn Upstream>, String> {
    let wait = Duration::from_millis(config.upstream_wait_ms);
    let bad = |why: String| format!("'{uri}': {why}");
    match uri.split_once(':') {
        Some(("gateway", url)) => Ok(Arc::new(gateway::Gateway::new(uri, url, wait).map_err(bad)?)),
        Some(("kubo", url)) => Ok(Arc::new(Kubo::new(url, wait).map_err(bad)?)),
        _ => Err(bad("an upstream is kubo:http://HOST:PORT or gateway:https://HOST".to_owned())),
    }
}
