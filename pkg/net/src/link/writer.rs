//! Writes a peer's queue to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::AsyncWriteExt;
use libp2p::Stream;
use libp2p::swarm::ConnectionId;

use super::Link;
use crate::protocol::Purpose;
use crate::shared::Shared;
use crate::streams::OpenError;

/// The wait after a first failure to open a stream on a connection that lives; doubled each time.
const RETRY: Duration = Duration::from_millis(50);
const RETRIES_MAX: u32 = 8;

/// Keeps one message stream open to the peer while there is a connection, and writes what is
/// queued: everything that waits in one write.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    let lost = |n: u64| shared.counters.dropped_unreachable.add(n);
    tokio::select! {
        () = link.closed.cancelled() => {}
        () = keep_open(&shared, &link) => {}
    }
    lost(link.queue.len() as u64);
}

async fn keep_open(shared: &Shared, link: &Link) {
    let mut failures = 0;
    while let Some((connection, opener)) = link.connections.first() {
        match opener.open(Purpose::Messages).await {
            Ok(stream) => {
                link.set_open();
                if write(shared, link, connection, stream).await {
                    failures = 0;
                    continue;
                }
            }
            Err(OpenError::Unsupported) => {
                shared.cut(link.node, "it takes no messages of this network").await;
                return;
            }
            Err(OpenError::Failed) => {}
        }
        tokio::time::sleep(RETRY * 2u32.pow(failures)).await;
        failures = (failures + 1).min(RETRIES_MAX);
    }
}

/// Writes until the connection or stream ends; tells whether anything went out.
async fn write(shared: &Shared, link: &Link, connection: ConnectionId, mut stream: Stream) -> bool {
    let mut progress = false;
    let mut out = BytesMut::new();
    loop {
        out.clear();
        let count = tokio::select! {
            () = link.connections.gone(connection) => return progress,
            count = link.queue.batch(&mut out) => count,
        };
        let written = async {
            stream.write_all(&out).await?;
            stream.flush().await
        };
        if written.await.is_err() {
            shared.counters.dropped_unreachable.add(count);
            return progress;
        }
        progress = true;
        shared.counters.messages_sent.add(count);
        shared.counters.message_writes.one();
    }
}
