//! Making the index again from the log: the protocol's folder as the store wants it.

use gadus_model::event::Record;
use gadus_model::view::JobView;
use gadus_model::{Limits, NodeId, OwnerId};
use gadus_protocol::RequesterConfig;
use gadus_protocol::requester::Folder;

/// Folds jobs' streams into views.
pub struct JobFolder(Folder);

impl JobFolder {
    /// A folder for a node's own jobs.
    #[must_use]
    pub fn new(node: NodeId, limits: Limits) -> Self {
        let owner = OwnerId(node);
        let config = RequesterConfig {
            node,
            owner,
            term: 0,
            boot: 0,
            limits,
            // What is signed is in the log: folding signs nothing.
            notary: std::sync::Arc::new(gadus_protocol::notary::Fake(node)),
            approved: gadus_protocol::requester::Approved::default(),
            sabotage: None,
        };
        Self(Folder::new(config))
    }
}

impl gadus_ports::Folder for JobFolder {
    fn apply(&mut self, record: Record) -> Option<JobView> {
        self.0.apply(&record).map(std::sync::Arc::unwrap_or_clone)
    }
}
