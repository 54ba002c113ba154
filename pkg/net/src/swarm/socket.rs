//! A socket that is read by the large piece.
//!
//! Noise asks its socket for 8 KiB at a time, which would be a system call each.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};

/// One read of the socket.
const READ_BYTES: usize = 64 << 10;

/// Keeps what was read and not asked for yet. The memory comes with the first byte.
#[derive(Debug)]
pub(crate) struct Socket<S> {
    inner: S,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl<S> Socket<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, buffer: Vec::new(), from: 0, to: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.from == this.to {
            if out.len() >= READ_BYTES {
                return Pin::new(&mut this.inner).poll_read(cx, out);
            }
            this.buffer.resize(READ_BYTES, 0);
            this.to = ready!(Pin::new(&mut this.inner).poll_read(cx, &mut this.buffer))?;
            this.from = 0;
        }
        let count = out.len().min(this.to - this.from);
        out[..count].copy_from_slice(&this.buffer[this.from..this.from + count]);
        this.from += count;
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::AsyncReadExt;
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn bytes_come_in_order_whatever_is_asked_for() {
        let bytes: Vec<u8> = (0..300_000u32).map(|n| (n / 7) as u8).collect();
        let mut socket = Socket::new(Cursor::new(bytes.clone()));
        let (mut read, mut sizes) =
            (Vec::new(), [1, 12, 8_192, READ_BYTES, 200_000].iter().cycle());
        loop {
            let mut piece = vec![0; *sizes.next().unwrap()];
            match socket.read(&mut piece).await.unwrap() {
                0 => break,
                n => read.extend_from_slice(&piece[..n]),
            }
        }
        assert!(read == bytes);
    }
}
