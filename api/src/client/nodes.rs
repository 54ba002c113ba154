//! The nodes that a requester knows.

use super::{Client, ClientError};
use crate::types::{GetNodeResponse, ListNodesResponse, NodeState};

const NODES: [&str; 4] = ["api", "v1", "orchestrator", "nodes"];

impl Client {
    /// All nodes.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn nodes(&self) -> Result<Vec<NodeState>, ClientError> {
        let answer: ListNodesResponse = self.get(self.url(&NODES, &[])).await?;
        Ok(answer.nodes)
    }

    /// One node, by its id, a unique prefix of it, or its name.
    ///
    /// # Errors
    /// `Refused` with 404 when there is none.
    pub async fn node(&self, reference: &str) -> Result<NodeState, ClientError> {
        let path = [&NODES[..], &[reference]].concat();
        let answer: GetNodeResponse = self.get(self.url(&path, &[])).await?;
        Ok(answer.node)
    }
}
