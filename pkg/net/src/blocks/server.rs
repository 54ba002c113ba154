//! Answers a peer's wants.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::FuturesOrdered;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use gadus_model::NodeId;
use gadus_ports::Want;
use libp2p::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::wire::{self, BLOCK, HEAD_BYTES, MISSING, WANTS_BYTES_MAX};
use crate::frame::{self, Frames};
use crate::link::Link;
use crate::shared::Shared;

/// Answers between look-up and writing, beside those being looked up.
const ANSWERS_MAX: usize = 2;
/// A block's head and its first bytes go out as one piece.
const FIRST_BYTES: usize = 16 << 10;

/// An answer holds its place among the peer's look-ups until it is written.
type Answer = (Option<Bytes>, OwnedSemaphorePermit);

/// Serves one stream until it ends: a few look-ups run ahead of the answer that is being written.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    stream: Stream,
) -> io::Result<()> {
    let (read, write) = stream.split();
    let (answers, ready) = mpsc::channel(ANSWERS_MAX);
    let looked_up = look_up(shared, link, frame::frames(read, WANTS_BYTES_MAX), answers);
    tokio::try_join!(looked_up, write_answers(shared, write, ready))?;
    Ok(())
}

/// Looks wants up, a few at a time, and passes the answers on in the order of the wants.
async fn look_up(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    mut frames: Frames<impl AsyncRead + Unpin>,
    answers: mpsc::Sender<Answer>,
) -> io::Result<()> {
    let ahead = shared.limits.lookups_per_stream_max.max(1) as usize;
    let mut wants = VecDeque::new();
    let mut running = FuturesOrdered::new();
    let mut more = true;
    loop {
        tokio::select! {
            Some(answer) = running.next() => {
                if answers.send(answer).await.is_err() {
                    return Ok(());
                }
            }
            next = next_want(&mut frames, &mut wants, link), if more && running.len() < ahead => {
                match next? {
                    Some((want, place)) => running.push_back(find(shared, link.node, want, place)),
                    None => more = false,
                }
            }
            else => return Ok(()),
        }
    }
}

/// The next want and a place to look it up; none at the end of the stream. May be given up at any
/// point.
async fn next_want(
    frames: &mut Frames<impl AsyncRead + Unpin>,
    wants: &mut VecDeque<Want>,
    link: &Link,
) -> io::Result<Option<(Want, OwnedSemaphorePermit)>> {
    while wants.is_empty() {
        match frames.next().await {
            Some(frame) => wants.extend(wire::decode_wants(&frame?)?),
            None => return Ok(None),
        }
    }
    let place = link.lookups.clone().acquire_owned().await.map_err(io::Error::other)?;
    Ok(wants.pop_front().map(|want| (want, place)))
}

async fn find(
    shared: &Shared,
    from: NodeId,
    want: Want,
    place: OwnedSemaphorePermit,
) -> (Option<Bytes>, OwnedSemaphorePermit) {
    let block = shared.serve.block(from, want).await;
    let fits = |block: &Bytes| block.len() <= shared.limits.block_bytes_max as usize;
    if let Some(block) = block.as_ref().filter(|block| !fits(block)) {
        tracing::warn!(cid = %want.cid, bytes = block.len(), "a block is too big to be sent");
    }
    (block.filter(fits), place)
}

async fn write_answers(
    shared: &Shared,
    mut stream: impl AsyncWrite + Unpin,
    mut answers: mpsc::Receiver<Answer>,
) -> io::Result<()> {
    let mut first = BytesMut::with_capacity(HEAD_BYTES + FIRST_BYTES);
    loop {
        let answer = match answers.try_recv() {
            Ok(answer) => answer,
            Err(_) => {
                stream.flush().await?;
                match answers.recv().await {
                    Some(answer) => answer,
                    None => return stream.close().await,
                }
            }
        };
        let (block, _place) = answer;
        first.clear();
        let Some(block) = block else {
            first.put_u8(MISSING);
            stream.write_all(&first).await?;
            continue;
        };
        first.put_u8(BLOCK);
        first.put_u32(u32::try_from(block.len()).unwrap_or(u32::MAX));
        let (start, rest) = block.split_at(block.len().min(FIRST_BYTES));
        first.put_slice(start);
        stream.write_all(&first).await?;
        stream.write_all(rest).await?;
        shared.counters.blocks_served.one();
        shared.counters.block_bytes_served.add(block.len() as u64);
    }
}
