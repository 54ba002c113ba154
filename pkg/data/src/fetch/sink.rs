//! Where a fetch's blocks are checked and stored, on threads of their own.

use gadus_model::Cid;
use gadus_ports::ContentError;
use tokio::sync::mpsc;

use super::Event;
use super::peer::Received;
use super::segments::Segments;
use crate::block::verify;
use crate::content::Core;
use crate::dag::gaps_below;

/// Takes blocks until the fetch drops its ends of the channels.
pub(super) fn run(
    core: &Core,
    segments: &Segments,
    is_deep: bool,
    mut blocks: mpsc::Receiver<Received>,
    events: &mpsc::Sender<Event>,
) {
    while let Some(Received { peer, cid, bytes }) = blocks.blocking_recv() {
        let event = match verify(&cid, &bytes) {
            Err(ContentError::HashMismatch { .. } | ContentError::BlockTooBig { .. }) => {
                Event::Lied { peer, cid }
            }
            Err(error) => Event::Failed(error),
            Ok(()) => match store(core, segments, is_deep, &cid, &bytes) {
                Ok(children) => Event::Stored { peer, cid, bytes: bytes.len() as u64, children },
                Err(error) => Event::Failed(error),
            },
        };
        if events.blocking_send(event).is_err() {
            return;
        }
    }
}

/// Stores a block; answers what is not here of that which it links to.
fn store(
    core: &Core,
    segments: &Segments,
    is_deep: bool,
    cid: &Cid,
    bytes: &[u8],
) -> Result<Vec<Cid>, ContentError> {
    let below = if is_deep {
        gaps_below(&core.store, &core.complete, cid, bytes)?.missing
    } else {
        Vec::new()
    };
    segments.put(cid, bytes)?;
    Ok(below.into_iter().map(|(cid, _)| cid).collect())
}
