//! This node and the nodes it knows.

use gadus_api::service::{Membership, NodeEntry, ServiceError};
use gadus_model::NodeInfo;
use tokio::sync::oneshot;

use crate::compute;
use crate::node::Node;

impl Node {
    /// What this node says of itself now.
    pub(super) async fn own_info(&self) -> NodeInfo {
        if let Some(compute) = &self.compute {
            let (reply, look) = oneshot::channel();
            if compute.send(compute::Command::Look { reply }).await.is_ok()
                && let Ok(look) = look.await
            {
                let mut info = look.info;
                info.addresses = self.transport.addresses();
                *self.info.write() = info.clone();
                return info;
            }
        }
        self.info.read().clone()
    }

    pub(super) async fn list_nodes(&self) -> Result<Vec<NodeEntry>, ServiceError> {
        let disconnect_ms = self.config.limits.disconnect_ms;
        let me = self.id();
        let known = self.look(move |machine, now| {
            let entry = |node: &gadus_protocol::requester::NodeEntry| {
                let connected = now <= node.heard_at.plus_ms(disconnect_ms);
                NodeEntry {
                    info: node.info.clone(),
                    membership: Membership::Approved,
                    connected,
                    last_heard: Some(node.heard_at),
                    connected_since: Some(node.since),
                    disconnected_since: (!connected).then_some(node.heard_at),
                    last_error: String::new(),
                }
            };
            machine.directory().iter().map(|(_, node)| entry(node)).collect::<Vec<_>>()
        });
        let mut nodes = known.await?;
        if !nodes.iter().any(|node| node.info.id == me) {
            let now = self.clock.now();
            nodes.push(NodeEntry {
                info: self.own_info().await,
                membership: Membership::Approved,
                connected: true,
                last_heard: Some(now),
                connected_since: Some(gadus_model::Time(self.clock.boot())),
                disconnected_since: None,
                last_error: String::new(),
            });
        }
        nodes.sort_by_key(|node| node.info.id);
        Ok(nodes)
    }
}
