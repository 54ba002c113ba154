//! Content, for people and programs.

use bytes::Bytes;
use gadus_api::service::{ErrorCode, ImportKind, ServiceError};
use gadus_model::{Cid, NodeId};
use gadus_ports::{BoxRead, ContentError, FetchFrom, Imported, Node as Content, Want};

use crate::node::Node;

impl Node {
    pub(super) async fn import_content(
        &self,
        kind: ImportKind,
        body: BoxRead,
    ) -> Result<Imported, ServiceError> {
        let imported = match kind {
            ImportKind::File => self.content.import_file(body).await,
            ImportKind::Tar => self.content.import_tar(body).await,
            ImportKind::Car => self.content.import_car(body).await,
        };
        Ok(imported?)
    }

    pub(super) async fn open_content(
        &self,
        root: Cid,
        path: &str,
    ) -> Result<Content, ServiceError> {
        Ok(self.content.open(root, path, Some(self.all_peers())).await?)
    }

    pub(super) async fn one_block(&self, cid: Cid) -> Result<Bytes, ServiceError> {
        if let Some(bytes) = self.content.block(&cid, None).await? {
            return Ok(bytes);
        }
        let from = self.all_peers();
        let asked = from.peers.len();
        let wait = self.config.gateway_wait;
        for peer in from.peers {
            let Ok(Some(bytes)) = tokio::time::timeout(wait, self.ask(peer, cid)).await else {
                continue;
            };
            match self.content.put(vec![(cid, bytes.clone())]).await {
                Ok(()) => return Ok(bytes),
                Err(error) => tracing::warn!(%peer, %cid, %error, "a peer's block is no good"),
            }
        }
        let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Err(ContentError::Missing { cid, asked, waited_ms }.into())
    }

    async fn ask(&self, peer: NodeId, cid: Cid) -> Option<Bytes> {
        let mut stream = self.exchange.open(peer).await.ok()?;
        stream.want(&[Want { cid, namespace: None, relay: true }]).await.ok()?;
        stream.next().await.ok()?.1
    }

    pub(super) fn all_peers(&self) -> FetchFrom {
        let mut peers = self.transport.peers();
        peers.retain(|peer| *peer != self.id());
        FetchFrom {
            exchange: self.exchange.clone(),
            peers,
            namespace: None,
            wait: self.config.gateway_wait,
        }
    }

    pub(super) fn gone(what: &str) -> ServiceError {
        ServiceError::new(ErrorCode::NotFound, format!("{what} is gone"))
    }
}
