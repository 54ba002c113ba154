//! Many streams on one connection, by Yamux
//! (<https://github.com/hashicorp/yamux/blob/master/spec.md>).
//!
//! libp2p's own wrapper has no setting for windows and frame sizes, and drops inbound streams that
//! come faster than they are taken. This one keeps them: their number is bounded by Yamux itself.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::iter::{self, Once};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::{AsyncRead, AsyncWrite, ready as ready_or_pending};
use libp2p::core::UpgradeInfo;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use yamux::{Connection, Mode};

use crate::config::NetLimits;

/// Bytes of data in one frame: with its header of 12 bytes it fills one Noise message of
/// libp2p, which carries 65535 - 1024.
const FRAME_BYTES: usize = 65_535 - 1_024 - 12;
/// Every stream's window begins with so many bytes, by the specification.
const WINDOW_BYTES: usize = 256 << 10;

/// Turns a secured connection into a [`Muxer`].
#[derive(Clone, Debug)]
pub(crate) struct Upgrade(yamux::Config);

impl Upgrade {
    pub(crate) fn new(limits: &NetLimits) -> Self {
        let streams = limits.streams_max();
        let window = usize::try_from(limits.window_bytes_max).unwrap_or(usize::MAX);
        let mut config = yamux::Config::default();
        // Each setter checks the other's value: the window opens before the streams grow.
        config
            .set_max_connection_receive_window(None)
            .set_max_num_streams(streams)
            .set_max_connection_receive_window(Some(window.saturating_add(streams * WINDOW_BYTES)))
            .set_split_send_size(FRAME_BYTES);
        Self(config)
    }
}

impl UpgradeInfo for Upgrade {
    type Info = &'static str;
    type InfoIter = Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for Upgrade {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_inbound(self, io: C, _: &'static str) -> Self::Future {
        ready(Ok(Muxer::new(io, self.0, Mode::Server)))
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for Upgrade {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_outbound(self, io: C, _: &'static str) -> Self::Future {
        ready(Ok(Muxer::new(io, self.0, Mode::Client)))
    }
}

/// A connection with streams.
#[derive(Debug)]
pub(crate) struct Muxer<C> {
    /// None once it is closed.
    connection: Option<Connection<C>>,
    /// Streams that came while the connection was driven for other reasons. Yamux closes the
    /// connection of a peer that opens more than the limit, so this is bounded.
    arrived: VecDeque<yamux::Stream>,
    waiting: Option<Waker>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn new(io: C, config: yamux::Config, mode: Mode) -> Self {
        let connection = Some(Connection::new(io, config, mode));
        Self { connection, arrived: VecDeque::new(), waiting: None }
    }

    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<yamux::Stream>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Err(closed())) };
        match ready_or_pending!(connection.poll_next_inbound(cx)) {
            Some(stream) => Poll::Ready(stream.map_err(into_io)),
            None => Poll::Ready(Err(closed())),
        }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = yamux::Stream;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<yamux::Stream>> {
        if let Some(stream) = self.arrived.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let driven = self.drive(cx);
        if driven.is_pending() {
            self.waiting = Some(cx.waker().clone());
        }
        driven
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<yamux::Stream>> {
        match &mut self.connection {
            Some(connection) => connection.poll_new_outbound(cx).map_err(into_io),
            None => Poll::Ready(Err(closed())),
        }
    }

    /// Drops the connection, which ends its streams at once. Yamux's own way of closing leaves
    /// whoever reads a stream waiting for ever, and waits itself for a peer that does not read.
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection = None;
        Poll::Ready(Ok(()))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        let stream = ready_or_pending!(self.drive(cx))?;
        self.arrived.push_back(stream);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
        // There may be more: come back after others have had their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn closed() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

fn into_io(error: yamux::ConnectionError) -> io::Error {
    if let yamux::ConnectionError::Io(error) = error { error } else { io::Error::other(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_that_can_be_configured_makes_a_valid_setting() {
        for streams_per_peer_max in [0, 1, 256, 10_000] {
            for window_bytes_max in [0, 1 << 20, u64::from(u32::MAX)] {
                Upgrade::new(&NetLimits {
                    streams_per_peer_max,
                    window_bytes_max,
                    ..NetLimits::default()
                });
            }
        }
    }
}
