//! TCP, then Noise, then Yamux.

use std::io;

use gadus_ports::TransportError;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Transport, dns, noise, tcp};

use super::muxer;
use super::socket::Socket;
use crate::config::{NetLimits, ms};

pub(crate) fn build(
    key: &Keypair,
    limits: &NetLimits,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, TransportError> {
    let start = |doing: &str, why: String| TransportError::Start { doing: doing.to_owned(), why };
    let noise = noise::Config::new(key).map_err(|e| start("prepare encryption", e.to_string()))?;
    Ok(resolving()
        .map(|tcp, _| Socket::new(tcp))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(muxer::Upgrade::new(limits))
        .timeout(ms(limits.handshake_ms))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .map_err(io::Error::other)
        .boxed())
}

/// Resolves names in addresses. Without a resolver's config (an empty chroot, say) only addresses
/// without names work.
fn resolving() -> dns::tokio::Transport<tcp::tokio::Transport> {
    let tcp = || tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
    dns::tokio::Transport::system(tcp()).unwrap_or_else(|e| {
        tracing::warn!("names in the addresses of peers cannot be resolved: {e}");
        let nobody = dns::ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        dns::tokio::Transport::custom(tcp(), nobody, dns::ResolverOpts::default())
    })
}
