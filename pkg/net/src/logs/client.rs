//! Asks a peer for output.

use std::sync::Arc;

use bytes::BytesMut;
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt, StreamExt, stream};
use gadus_model::NodeId;
use gadus_ports::{LogChunk, LogRequest, LogStream, TransportError};

use super::wire::{self, ACCEPTED, REFUSED};
use crate::frame::{self, Frames};
use crate::shared::Shared;

/// Sends the request and waits for the peer's yes. Dropping the stream tells the peer to stop;
/// `place` is freed then.
pub(crate) async fn open<S, P>(
    shared: Arc<Shared>,
    peer: NodeId,
    mut stream: S,
    place: P,
    request: LogRequest,
) -> Result<LogStream, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + 'static,
{
    let closed = |_| TransportError::Closed(peer);
    let asked = frame::of(&wire::to_wire(request)).map_err(closed)?;
    stream.write_all(&asked).await.map_err(closed)?;
    stream.flush().await.map_err(closed)?;
    // A mark comes before each chunk.
    let mut frames: Frames<S> = frame::frames(stream, shared.limits.log_chunk_bytes_max + 1);
    match frames.next().await {
        Some(Ok(answer)) if answer[..] == [ACCEPTED] => {}
        Some(Ok(answer)) if answer[..] == [REFUSED] => return Err(TransportError::Refused(peer)),
        Some(Ok(_)) => {
            return Err(nonsense(&shared, peer, "an answer that is neither yes nor no").await);
        }
        Some(Err(e)) if frame::is_nonsense(&e) => {
            return Err(nonsense(&shared, peer, &e.to_string()).await);
        }
        Some(Err(_)) | None => return Err(TransportError::Closed(peer)),
    }
    let chunks = stream::unfold(
        (shared, frames, place),
        move |(shared, mut frames, place): (Arc<Shared>, Frames<S>, P)| async move {
            let chunk = match frames.next().await? {
                Ok(frame) => chunk(frame),
                Err(e) if frame::is_nonsense(&e) => Err(e.to_string()),
                Err(_) => return None,
            };
            match chunk {
                Ok(chunk) => Some((chunk, (shared, frames, place))),
                Err(why) => {
                    shared.cut(peer, &why).await;
                    None
                }
            }
        },
    );
    Ok(Box::pin(chunks))
}

fn chunk(mut frame: BytesMut) -> Result<LogChunk, String> {
    let mark = *frame.first().ok_or("an empty frame in a log")?;
    let stream = wire::stream_of(mark).ok_or_else(|| format!("a log of kind {mark}"))?;
    Ok(LogChunk { stream, bytes: frame.split_off(1).freeze() })
}

async fn nonsense(shared: &Shared, from: NodeId, why: &str) -> TransportError {
    shared.cut(from, why).await;
    TransportError::Nonsense { from, why: why.to_owned() }
}
