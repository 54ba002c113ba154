//! The seam to a daemon beside the node that keeps results as well, and provides them to a network
//! of its own.

use gadus_model::Cid;

/// Takes results.
pub trait Sidecar: Send + Sync {
    /// A result that is whole here, to be kept there too. Returns at once: that it is there is
    /// nothing that anybody waits for, and what cannot be given to it is told in the log.
    fn offer(&self, root: Cid);
}
