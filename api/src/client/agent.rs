//! The node itself.

use super::{Client, ClientError};
use crate::types::{AliveResponse, BuildVersionInfo, NodeInfo};

impl Client {
    /// Whether the node lives.
    ///
    /// # Errors
    /// `Unreachable`, and any other [`ClientError`].
    pub async fn alive(&self) -> Result<AliveResponse, ClientError> {
        self.get(self.url(&["api", "v1", "agent", "alive"], &[])).await
    }

    /// What the node is built from.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn version(&self) -> Result<BuildVersionInfo, ClientError> {
        self.get(self.url(&["api", "v1", "agent", "version"], &[])).await
    }

    /// What the node says of itself.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn agent(&self) -> Result<NodeInfo, ClientError> {
        self.get(self.url(&["api", "v1", "agent", "node"], &[])).await
    }
}
