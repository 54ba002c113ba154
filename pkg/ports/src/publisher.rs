//! The seam to places outside the network of content where results are brought.

use async_trait::async_trait;
use gadus_model::{Cid, ExecutionId, Failure, JobId, NodeId, Place, PublisherSpec};

/// A result and where it is to be brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Whose result.
    pub execution: ExecutionId,
    /// Of which job.
    pub job: JobId,
    /// The node that made it: this one.
    pub node: NodeId,
    /// Its root, public in the node's store.
    pub result: Cid,
    /// Where to.
    pub to: PublisherSpec,
}

/// Brings results to places outside.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// What it can bring results to, by Bacalhau's names of publishers, sorted.
    fn kinds(&self) -> Vec<String>;

    /// Whether a result may be brought there from here, as far as that is known without asking
    /// anybody: asked before the work that makes it.
    ///
    /// # Errors
    /// `PublishFailed`, with what would help.
    fn check(&self, to: &PublisherSpec) -> Result<(), Failure>;

    /// Brings a whole result there and says where it can be had. What was brought there before by
    /// the same execution is replaced. What fails for a moment is tried again within; what is
    /// told is final.
    ///
    /// # Errors
    /// `PublishFailed`, with what would help.
    async fn publish(&self, publication: Publication) -> Result<Place, Failure>;

    /// A place as a client without credentials can read it, for a while: a bucket's object becomes
    /// a signed link. Any other place, or where this node cannot sign, is what it was.
    async fn open_to_all(&self, place: Place) -> Place;
}

/// Where a node's API serves a result as an archive (`local`). The CID tells what it is, so that
/// nothing need be remembered; the execution is a name for people.
#[must_use]
pub fn archive_path(result: &Cid, execution: &ExecutionId) -> String {
    format!("/api/v1/archives/{result}/{execution}.tar.gz")
}
