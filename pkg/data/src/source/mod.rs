//! Data from elsewhere becomes content: once, when it is asked for, and by its CID from then on.
//!
//! | | |
//! |---|---|
//! | `guard` | which addresses may be dialled: a URL is somebody else's word |
//! | `http` | files at URLs |
//! | `local` | files and directories of this machine that the operator has allowed |
//! | `once` | those who want the same thing share one download |

mod guard;
mod http;
mod limits;
mod local;
mod once;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use gadus_ports::source::SharedContentError;
use gadus_ports::{ContentError, Origin, Pinned, SourceError, Sources};
use tokio::sync::Semaphore;

use self::http::Http;
pub(crate) use self::http::client;
pub use self::limits::SourceConfig;
use self::once::Once;
use crate::EmbeddedContent;

/// All sources of a node.
#[derive(Clone)]
pub struct NodeSources {
    inner: Arc<Inner>,
}

struct Inner {
    content: EmbeddedContent,
    config: SourceConfig,
    http: Http,
    /// Downloads at a time; more wait their turn.
    room: Semaphore,
    once: Once,
}

impl NodeSources {
    /// Sources that make content of a store.
    ///
    /// # Errors
    /// What the TLS library says when it cannot be set up.
    pub fn new(content: EmbeddedContent, config: SourceConfig) -> Result<Self, String> {
        let http = Http::new(&config)?;
        let room = Semaphore::new(config.downloads_max);
        Ok(Self { inner: Arc::new(Inner { content, config, http, room, once: Once::default() }) })
    }
}

#[async_trait]
impl Sources for NodeSources {
    async fn pin(&self, origin: &Origin) -> Result<Pinned, SourceError> {
        let (inner, wanted) = (self.inner.clone(), origin.clone());
        let fetch = async move {
            // It is never closed.
            let _place = inner.room.acquire().await;
            match &wanted {
                Origin::Url { url, sha256 } => {
                    inner.http.pin(&inner.content, url, sha256.as_ref()).await
                }
                Origin::Path(path) => local::pin(&inner.content, &inner.config, path).await,
            }
        };
        self.inner.once.share(origin, fetch).await
    }
}

fn stored(origin: &str, error: ContentError) -> SourceError {
    let content = SharedContentError(Arc::new(error));
    SourceError::Content { origin: origin.to_owned(), content }
}
