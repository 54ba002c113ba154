//! Tells the node what comes from one peer: that it is up, its messages in order, that it is
//! down.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt;
use gadus_model::message::{Envelope, MESSAGE_VERSION};
use gadus_ports::Inbound;
use libp2p::Stream;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Link;
use crate::config::ms;
use crate::frame;
use crate::shared::Shared;

/// Runs from the peer's first connection until the node has taken its Down. When the node is slow
/// to take what arrives, the peer's stream is not read, and the peer waits.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>, inbound: mpsc::Sender<Inbound>) {
    tell(&shared, &link, &inbound).await;
    shared.links.forget(&link);
}

async fn tell(shared: &Shared, link: &Link, inbound: &mpsc::Sender<Inbound>) {
    let turn = tokio::select! {
        () = link.closed.cancelled() => return,
        turn = async {
            settle(shared, link).await;
            link.turn.acquire().await
        } => turn,
    };
    link.up.store(true, Ordering::Relaxed);
    // A receiver that is gone needs no more news: then each send fails, and the link ends.
    if inbound.send(link.is_there()).await.is_ok() {
        while let Some(stream) = next_stream(link).await {
            if let End::Nonsense(why) = read(shared, link, stream, inbound).await {
                shared.cut(link.node, &why).await;
            }
        }
        let _ = inbound.send(Inbound::Down(link.node)).await;
    }
    drop(turn);
}

/// Waits until the peer takes messages and gossip; a peer that is slow with the latter goes
/// without.
async fn settle(shared: &Shared, link: &Link) {
    let mut readiness = link.readiness.subscribe();
    // The sender is the link's own, so it outlives this wait.
    let _ = readiness.wait_for(|r| r.open).await;
    let subscribed = readiness.wait_for(|r| r.subscribed);
    if tokio::time::timeout(ms(shared.limits.settle_ms), subscribed).await.is_err() {
        tracing::warn!(peer = %link.node, "the peer takes messages, but no gossip yet");
    }
}

/// The next message stream of the peer; none when its last connection has ended.
async fn next_stream(link: &Link) -> Option<Stream> {
    tokio::select! {
        biased;
        () = link.newer() => {}
        () = link.closed.cancelled() => {}
    }
    link.take_stream()
}

/// Why reading a stream has ended.
enum End {
    /// It closed, or the peer has opened another.
    Over,
    /// What came is no message.
    Nonsense(String),
}

async fn read(
    shared: &Shared,
    link: &Link,
    stream: Stream,
    inbound: &mpsc::Sender<Inbound>,
) -> End {
    let mut frames = frame::frames(stream, shared.limits.message_bytes_max);
    loop {
        let frame = tokio::select! {
            // What an older stream still holds comes before the newer one.
            biased;
            frame = frames.next() => frame,
            () = link.newer() => return End::Over,
        };
        let message = match frame {
            None => return End::Over,
            Some(frame) => frame.and_then(|bytes| decode(&bytes)),
        };
        let message = match message {
            Ok(Some(message)) => Box::new(message),
            Ok(None) => continue,
            Err(e) if frame::is_nonsense(&e) => return End::Nonsense(e.to_string()),
            Err(_) => return End::Over,
        };
        shared.counters.messages_received.one();
        if inbound.send(Inbound::Message { from: link.node, message }).await.is_err() {
            return End::Over;
        }
    }
}

/// The one field that every version of a message has.
#[derive(Deserialize)]
struct Version {
    v: u8,
}

/// Reads a message; none if it is of a version that this code does not know.
fn decode(bytes: &[u8]) -> io::Result<Option<Envelope>> {
    match frame::decode::<Envelope>(bytes) {
        Ok(message) => Ok((message.v == MESSAGE_VERSION).then_some(message)),
        Err(e) => match frame::decode::<Version>(bytes) {
            Ok(Version { v }) if v != MESSAGE_VERSION => Ok(None),
            _ => Err(e),
        },
    }
}
