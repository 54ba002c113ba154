//! Our end of a block stream that we opened.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use cid::Cid;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use gadus_model::NodeId;
use gadus_ports::{BlockStream, TransportError, Want};

use super::wire::{self, BLOCK, HEAD_BYTES, MISSING, WANTS_MAX};
use crate::frame;
use crate::shared::Shared;

/// Wants go out while there are places in flight and wait here otherwise, so the peer never has
/// more to read than its window takes, and waiting for an answer cannot block both ends. Giving
/// up on a call half-way (a timeout) loses nothing: what was read or written so far is kept.
pub(crate) struct Client<S, P> {
    peer: NodeId,
    shared: Arc<Shared>,
    stream: S,
    /// Frees the stream's place when it ends.
    _place: P,
    waiting: VecDeque<Want>,
    in_flight: VecDeque<Cid>,
    unsent: BytesMut,
    head: [u8; HEAD_BYTES],
    head_read: usize,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    bytes: BytesMut,
    read: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin, P> Client<S, P> {
    pub(crate) fn new(peer: NodeId, shared: Arc<Shared>, stream: S, place: P) -> Self {
        Self {
            peer,
            shared,
            stream,
            _place: place,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            unsent: BytesMut::new(),
            head: [0; HEAD_BYTES],
            head_read: 0,
            body: None,
        }
    }

    /// Sends wants while there are places in flight. Frames are made only when half the places
    /// are free, so that each answer does not cost a frame of one want.
    async fn top_up(&mut self) -> io::Result<()> {
        let places = self.shared.limits.wants_in_flight_max.max(1) as usize;
        if self.in_flight.len() <= places / 2 {
            while self.in_flight.len() < places && !self.waiting.is_empty() {
                let count = self.waiting.len().min(places - self.in_flight.len()).min(WANTS_MAX);
                let frame = wire::encode_wants(self.waiting.iter().take(count))?;
                self.unsent.extend_from_slice(&frame);
                self.in_flight.extend(self.waiting.drain(..count).map(|want| want.cid));
            }
        }
        if self.unsent.is_empty() {
            return Ok(());
        }
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => self.unsent.advance(n),
            }
        }
        self.stream.flush().await
    }

    /// Reads the next answer.
    async fn answer(&mut self) -> io::Result<Option<Bytes>> {
        if self.body.is_none() {
            let Some(length) = self.read_head().await? else {
                self.head_read = 0;
                return Ok(None);
            };
            self.body = Some(Body { bytes: BytesMut::zeroed(length), read: 0 });
        }
        if let Some(body) = &mut self.body {
            while body.read < body.bytes.len() {
                match self.stream.read(&mut body.bytes[body.read..]).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    n => body.read += n,
                }
            }
        }
        self.head_read = 0;
        Ok(self.body.take().map(|body| body.bytes.freeze()))
    }

    /// Reads an answer's head: the length of the block, or that there is none.
    async fn read_head(&mut self) -> io::Result<Option<usize>> {
        self.read_head_to(1).await?;
        match self.head[0] {
            MISSING => return Ok(None),
            BLOCK => self.read_head_to(HEAD_BYTES).await?,
            other => return Err(nonsense(format!("an answer of kind {other}"))),
        }
        let [_, length @ ..] = self.head;
        let (length, max) = (u32::from_be_bytes(length), self.shared.limits.block_bytes_max);
        if length > max {
            return Err(nonsense(format!("a block of {length} bytes, {max} are allowed")));
        }
        Ok(Some(length as usize))
    }

    async fn read_head_to(&mut self, end: usize) -> io::Result<()> {
        while self.head_read < end {
            match self.stream.read(&mut self.head[self.head_read..end]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => self.head_read += n,
            }
        }
        Ok(())
    }
}

async fn failed(shared: &Shared, from: NodeId, error: io::Error) -> TransportError {
    if !frame::is_nonsense(&error) {
        return TransportError::Closed(from);
    }
    let why = error.to_string();
    shared.cut(from, &why).await;
    TransportError::Nonsense { from, why }
}

fn nonsense(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[async_trait]
impl<S, P> BlockStream for Client<S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    P: Send,
{
    async fn want(&mut self, wants: &[Want]) -> Result<(), TransportError> {
        self.waiting.extend(wants);
        match self.top_up().await {
            Ok(()) => Ok(()),
            Err(e) => Err(failed(&self.shared, self.peer, e).await),
        }
    }

    async fn next(&mut self) -> Result<(Cid, Option<Bytes>), TransportError> {
        if let Err(e) = self.top_up().await {
            return Err(failed(&self.shared, self.peer, e).await);
        }
        let answer = match self.answer().await {
            Ok(answer) => answer,
            Err(e) => return Err(failed(&self.shared, self.peer, e).await),
        };
        let Some(cid) = self.in_flight.pop_front() else {
            return Err(failed(
                &self.shared,
                self.peer,
                nonsense("an answer that nobody asked for".to_owned()),
            )
            .await);
        };
        let bytes = answer.as_ref().map_or(0, Bytes::len);
        self.shared.counters.block_bytes_received.add(bytes as u64);
        Ok((cid, answer))
    }
}
