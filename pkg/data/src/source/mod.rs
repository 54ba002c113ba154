//! Data from elsewhere becomes content: once, when it is asked for, and by its CID from then on.
//!
//! | | |
//! |---|---|
//! | `guard` | which addresses may be dialled: a URL is somebody else's word |
//! | `http` | files at URLs |
//! | `s3` | objects of buckets |
//! | `download` | limits and words of one download, for both |
//! | `local` | files and directories of this machine that the operator has allowed |
//! | `once` | those who want the same thing share one download |

mod download;
mod guard;
mod http;
mod limits;
mod local;
mod once;
mod s3;
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
use self::s3::S3;
use crate::EmbeddedContent;
use crate::s3::S3Config;

/// All sources of a node.
#[derive(Clone)]
pub struct NodeSources {
    inner: Arc<Inner>,
}

struct Inner {
    content: EmbeddedContent,
    config: SourceConfig,
    http: Http,
    s3: S3,
    /// Downloads at a time; more wait their turn.
    room: Semaphore,
    once: Once,
}

impl NodeSources {
    /// Sources that make content of a store.
    ///
    /// # Errors
    /// What the TLS library says when it cannot be set up, and what of the section `s3` does not
    /// fit.
    pub fn new(
        content: EmbeddedContent,
        config: SourceConfig,
        account: &S3Config,
    ) -> Result<Self, String> {
        let http = Http::new(&config)?;
        let s3 = S3::new(&config, account)?;
        let room = Semaphore::new(config.downloads_max);
        let once = Once::default();
        Ok(Self { inner: Arc::new(Inner { content, config, http, s3, room, once }) })
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
                Origin::S3(origin) => inner.s3.pin(&inner.content, origin).await,
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
