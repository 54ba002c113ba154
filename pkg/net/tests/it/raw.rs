//! A peer without manners: libp2p's own transport, and streams by hand.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures::{AsyncReadExt, AsyncWriteExt};
use gadus_model::NodeId;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, SubstreamBox};
use libp2p::core::transport::{DialOpts, PortUse};
use libp2p::core::upgrade::Version;
use libp2p::core::{Endpoint, Transport};
use libp2p::identity::Keypair;
use libp2p::{noise, tcp, yamux};
use tokio::sync::{mpsc, oneshot};

/// A connection that accepts every stream and protocol, and echoes whatever comes on it.
pub(crate) struct Raw {
    pub(crate) id: NodeId,
    opens: mpsc::Sender<oneshot::Sender<SubstreamBox>>,
}

impl Raw {
    pub(crate) async fn dial(seed: u8, address: &str) -> Self {
        let key = Keypair::ed25519_from_bytes([seed; 32]).unwrap();
        let id = NodeId(key.public().try_into_ed25519().unwrap().to_bytes());
        let mut transport = tcp::tokio::Transport::new(tcp::Config::new())
            .upgrade(Version::V1)
            .authenticate(noise::Config::new(&key).unwrap())
            .multiplex(yamux::Config::default())
            .map(|(_, muxer), _| StreamMuxerBox::new(muxer))
            .boxed();
        let (address, _) = address.rsplit_once("/p2p/").unwrap();
        let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
        let muxer = transport.dial(address.parse().unwrap(), options).unwrap().await.unwrap();
        let (opens, requests) = mpsc::channel(8);
        tokio::spawn(drive(muxer, requests));
        Self { id, opens }
    }

    /// Opens a stream and negotiates a protocol; none when the connection is gone.
    pub(crate) async fn open(&self, protocol: &str) -> Option<SubstreamBox> {
        let (reply, stream) = oneshot::channel();
        self.opens.send(reply).await.ok()?;
        let mut stream = stream.await.ok()?;
        for line in ["/multistream/1.0.0", protocol] {
            let line = format!("{line}\n");
            stream.write_all(&[line.len() as u8]).await.ok()?;
            stream.write_all(line.as_bytes()).await.ok()?;
        }
        stream.flush().await.ok()?;
        let mut answer = vec![0; protocol.len() + "/multistream/1.0.0".len() + 4];
        stream.read_exact(&mut answer).await.ok()?;
        assert!(answer.ends_with(format!("{protocol}\n").as_bytes()), "refused {protocol}");
        Some(stream)
    }

    /// Waits until the other side has closed the connection.
    pub(crate) async fn closed(&self) {
        self.opens.closed().await;
    }
}

async fn drive(
    mut muxer: StreamMuxerBox,
    mut requests: mpsc::Receiver<oneshot::Sender<SubstreamBox>>,
) {
    let mut waiting = VecDeque::new();
    poll_fn(|cx| {
        loop {
            let mut muxer = Pin::new(&mut muxer);
            if let Poll::Ready(Err(_)) = muxer.as_mut().poll(cx) {
                return Poll::Ready(());
            }
            if let Poll::Ready(inbound) = muxer.as_mut().poll_inbound(cx) {
                let Ok(stream) = inbound else { return Poll::Ready(()) };
                tokio::spawn(echo(stream));
                continue;
            }
            match requests.poll_recv(cx) {
                Poll::Ready(Some(request)) => waiting.push_back(request),
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if waiting.is_empty() {
                return Poll::Pending;
            }
            match muxer.as_mut().poll_outbound(cx) {
                Poll::Ready(Ok(stream)) => {
                    let asked: Option<oneshot::Sender<_>> = waiting.pop_front();
                    let _ = asked.map(|reply| reply.send(stream));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// To a negotiation an echo is a yes to everything.
async fn echo(mut stream: SubstreamBox) {
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut bytes).await {
        if stream.write_all(&bytes[..n]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
