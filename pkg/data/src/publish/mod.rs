//! Results go to places outside the network of content.
//!
//! | | |
//! |---|---|
//! | `local` | an archive that this node serves at its API |
//! | `s3` | buckets that the operator has named |
//! | `walk` | a result as files, one after the other |
//! | `archive` | a result as a tar, compressed with gzip |

mod archive;
mod config;
mod local;
mod s3;
mod walk;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use gadus_model::{Failure, FailureKind, Place, PublisherSpec};
use gadus_ports::{Publication, Publisher};

pub use self::config::{BucketsConfig, LocalConfig, PublishConfig};
use self::local::Local;
use self::s3::Buckets;
use crate::{EmbeddedContent, S3Config};

/// All publishers of a node.
#[derive(Clone)]
pub struct NodePublishers {
    inner: Arc<Inner>,
}

struct Inner {
    local: Option<Local>,
    buckets: Option<Buckets>,
}

impl NodePublishers {
    /// Publishers of what a store has, for a node whose API listens at an address. `account` is the
    /// section `s3`, which holds where that of the publisher says nothing.
    ///
    /// # Errors
    /// For what of the config does not fit, with its key.
    pub fn new(
        content: &EmbeddedContent,
        config: &PublishConfig,
        account: &S3Config,
        api: SocketAddr,
    ) -> Result<Self, String> {
        let local = Local::new(content.clone(), &config.local, api)?;
        let buckets = Buckets::new(content.clone(), &config.s3, account)?;
        Ok(Self { inner: Arc::new(Inner { local, buckets }) })
    }

    fn local(&self) -> Result<&Local, Failure> {
        self.inner.local.as_ref().ok_or_else(|| {
            failed("this node serves no archives")
                .with_hint("have the operator see to [publishers.local]")
        })
    }

    fn buckets(&self) -> Result<&Buckets, Failure> {
        self.inner.buckets.as_ref().ok_or_else(|| {
            failed("this node publishes into no buckets")
                .with_hint("have the operator name some in publishers.s3.buckets")
        })
    }
}

#[async_trait]
impl Publisher for NodePublishers {
    fn kinds(&self) -> Vec<String> {
        let Inner { local, buckets } = self.inner.as_ref();
        let kinds = [local.as_ref().map(|_| "local"), buckets.as_ref().map(|_| "s3")];
        kinds.into_iter().flatten().map(str::to_owned).collect()
    }

    fn check(&self, to: &PublisherSpec) -> Result<(), Failure> {
        match to {
            PublisherSpec::Ipfs => Ok(()),
            PublisherSpec::Local => self.local().map(|_| ()),
            PublisherSpec::S3(target) => self.buckets()?.target(target).map(|_| ()),
        }
    }

    async fn publish(&self, publication: Publication) -> Result<Place, Failure> {
        match &publication.to {
            PublisherSpec::Ipfs => Err(failed("a result that goes to ipfs is brought nowhere")),
            PublisherSpec::Local => self.local()?.publish(&publication),
            PublisherSpec::S3(target) => self.buckets()?.publish(&publication, target).await,
        }
    }

    async fn open_to_all(&self, place: Place) -> Place {
        match &self.inner.buckets {
            Some(buckets) => buckets.signed(&place).await.unwrap_or(place),
            None => place,
        }
    }
}

/// What is told of a result that was not published.
fn failed(why: impl Into<String>) -> Failure {
    Failure::new(FailureKind::PublishFailed, why)
}
