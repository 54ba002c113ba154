//! Asks a connection for a new stream.

use libp2p::Stream;
use tokio::sync::{mpsc, oneshot};

use crate::protocol::Purpose;

/// Requests that wait for the connection's task; further ones wait with their caller.
const REQUESTS_MAX: usize = 64;

/// Opens streams on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Opener(mpsc::Sender<Request>);

/// A stream that is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) purpose: Purpose,
    pub(crate) reply: Reply,
}

pub(crate) type Reply = oneshot::Sender<Result<Stream, OpenError>>;

/// Why there is no stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    /// The peer does not speak the protocol.
    #[error("the peer does not speak this protocol")]
    Unsupported,
    /// The connection is gone, or too slow.
    #[error("the connection failed")]
    Failed,
}

impl Opener {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        (Self(requests), receiver)
    }

    pub(crate) async fn open(&self, purpose: Purpose) -> Result<Stream, OpenError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { purpose, reply };
        self.0.send(request).await.map_err(|_| OpenError::Failed)?;
        answer.await.unwrap_or(Err(OpenError::Failed))
    }
}
