//! The connections to one peer, oldest first.

use libp2p::swarm::ConnectionId;
use tokio::sync::watch;

use crate::streams::Opener;

/// Where streams to a peer can be opened. The oldest connection is used: two nodes that dial each
/// other at once have two, and moving between them would lose what is on the way.
#[derive(Debug, Default)]
pub(crate) struct Connections(watch::Sender<Vec<(ConnectionId, Opener)>>);

impl Connections {
    pub(super) fn add(&self, id: ConnectionId, opener: Opener) {
        self.0.send_modify(|all| all.push((id, opener)));
    }

    /// Drops a connection; tells whether it was the last.
    pub(super) fn remove(&self, id: ConnectionId) -> bool {
        let mut last = false;
        self.0.send_modify(|all| {
            all.retain(|(other, _)| *other != id);
            last = all.is_empty();
        });
        last
    }

    /// The connection to use now.
    pub(crate) fn first(&self) -> Option<(ConnectionId, Opener)> {
        self.0.borrow().first().cloned()
    }

    /// Waits until a connection is gone.
    pub(super) async fn gone(&self, id: ConnectionId) {
        let mut changes = self.0.subscribe();
        // The sender is ours, so this ends only when the connection does.
        let _ = changes.wait_for(|all| all.iter().all(|(other, _)| *other != id)).await;
    }
}
