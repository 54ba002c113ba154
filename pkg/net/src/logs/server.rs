//! Gives a peer the output it asks for.

use std::io;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt, StreamExt};
use gadus_ports::{LogChunk, LogStream};
use libp2p::Stream;

use super::wire::{self, ACCEPTED, REFUSED, REQUEST_BYTES_MAX, WireRequest};
use crate::frame;
use crate::link::Link;
use crate::shared::Shared;

/// Serves one request until the output ends or the peer turns away.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    stream: Stream,
) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut frames = frame::frames(read, REQUEST_BYTES_MAX);
    let Some(request) = frames.next().await else { return Ok(()) };
    let request: WireRequest = frame::decode(&request?)?;
    let Some(logs) = shared.serve.logs(link.node, wire::from_wire(request)).await else {
        return finish(&mut write, &[REFUSED]).await;
    };
    let piece = shared.limits.log_chunk_bytes_max.max(1) as usize;
    tokio::select! {
        written = write_logs(&mut write, logs, piece) => written,
        // The peer says nothing more: whatever comes is its end.
        () = ended(frames.into_inner().into_inner()) => Ok(()),
    }
}

/// Waits until the peer closes or resets its side.
async fn ended(mut read: impl AsyncRead + Unpin) {
    let mut rest = [0; 64];
    while matches!(read.read(&mut rest).await, Ok(1..)) {}
}

async fn write_logs(
    write: &mut (impl AsyncWrite + Unpin),
    mut logs: LogStream,
    piece: usize,
) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame::put(&mut out, &[ACCEPTED]);
    loop {
        // What is there goes out before more is waited for.
        let next = match logs.next().now_or_never() {
            Some(next) => next,
            None => {
                send(write, &mut out).await?;
                logs.next().await
            }
        };
        let Some(chunk) = next else { break };
        put(&mut out, &chunk, piece);
        if out.len() >= piece {
            send(write, &mut out).await?;
        }
    }
    send(write, &mut out).await?;
    write.close().await
}

fn put(out: &mut BytesMut, chunk: &LogChunk, piece: usize) {
    let mut body = BytesMut::with_capacity(piece.min(chunk.bytes.len()) + 1);
    for bytes in chunk.bytes.chunks(piece) {
        body.clear();
        body.put_u8(wire::mark(chunk.stream));
        body.put_slice(bytes);
        frame::put(out, &body);
    }
}

async fn send(write: &mut (impl AsyncWrite + Unpin), out: &mut BytesMut) -> io::Result<()> {
    write.write_all(out).await?;
    out.clear();
    write.flush().await
}

async fn finish(write: &mut (impl AsyncWrite + Unpin), answer: &[u8]) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame::put(&mut out, answer);
    send(write, &mut out).await?;
    write.close().await
}
