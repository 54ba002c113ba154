//! The nodes that a requester knows.

use reqwest::Method;

use super::{Client, ClientError};
use crate::types::{
    BanRequest, GetNodeResponse, ListNodesResponse, ListTrustResponse, NodeState, TrustInfo,
};

const NODES: [&str; 4] = ["api", "v1", "orchestrator", "nodes"];

const TRUST: [&str; 4] = ["api", "v1", "orchestrator", "trust"];

impl Client {
    /// All nodes.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn nodes(&self) -> Result<Vec<NodeState>, ClientError> {
        let answer: ListNodesResponse = self.get(self.url(&NODES, &[])).await?;
        Ok(answer.nodes)
    }

    /// What the requester thinks of nodes.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn trust(&self) -> Result<Vec<TrustInfo>, ClientError> {
        let answer: ListTrustResponse = self.get(self.url(&TRUST, &[])).await?;
        Ok(answer.items)
    }

    /// Bans a node, or forgives it.
    ///
    /// # Errors
    /// `Refused` with 404 when there is none.
    pub async fn ban(&self, node: &str, is_banned: bool) -> Result<Vec<TrustInfo>, ClientError> {
        let url = self.url(&[&TRUST[..], &[node]].concat(), &[]);
        let request = self.request(Method::PUT, url).json(&BanRequest { is_banned });
        let answer: ListTrustResponse = self.read(request).await?;
        Ok(answer.items)
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
