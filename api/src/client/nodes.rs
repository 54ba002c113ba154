//! The nodes that a requester knows.

use reqwest::Method;

use super::{Client, ClientError};
use crate::types::{
    BanRequest, EvidenceEntry, GetNodeResponse, ListEvidenceResponse, ListNodesResponse,
    ListTrustResponse, NodeState, TrustInfo,
};

const NODES: [&str; 4] = ["api", "v1", "orchestrator", "nodes"];

const TRUST: [&str; 4] = ["api", "v1", "orchestrator", "trust"];

const EVIDENCE: [&str; 4] = ["api", "v1", "orchestrator", "evidence"];

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

    /// What nodes were caught with, or one of them, read page by page, and at most `max` of it.
    ///
    /// # Errors
    /// `Refused` with 404 when there is no such node.
    pub async fn lies(&self, node: &str, max: usize) -> Result<Vec<EvidenceEntry>, ClientError> {
        let url = |token: &str, left: usize| {
            let limit = left.min(u32::MAX as usize).to_string();
            let query = [("node", node), ("limit", limit.as_str()), ("next_token", token)];
            self.url(&EVIDENCE, &query)
        };
        self.pages::<ListEvidenceResponse>(max, url).await
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
