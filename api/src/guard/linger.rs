//! Answers that come before a request was read to its end. A server that closes the connection
//! while the client still sends takes the answer away from it: the system throws away what has
//! arrived and was not read by the client yet. So the rest is read, for a while, and thrown away.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;

/// The same body, whose rest is read for `linger` when nobody wants it any more.
pub(super) fn lingering(body: Body, linger: Duration) -> Body {
    if body.is_end_stream() { body } else { Body::new(Lingering { body, ended: false, linger }) }
}

struct Lingering {
    body: Body,
    ended: bool,
    linger: Duration,
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.ended |= matches!(frame, Poll::Ready(None | Some(Err(_))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.ended || self.body.is_end_stream() {
            return;
        }
        let (rest, linger) = (std::mem::take(&mut self.body), self.linger);
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let mut rest = rest.into_data_stream();
            let read = async { while let Some(Ok(_)) = rest.next().await {} };
            // Whoever sends for longer has been given the time to hear.
            let _ = tokio::time::timeout(linger, read).await;
        });
    }
}
