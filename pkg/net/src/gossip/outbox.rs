//! What waits to be gossiped: announcements, and rounds that are filled.

use std::collections::VecDeque;

use gadus_model::OwnerId;
use gadus_model::codec;
use gadus_model::message::{Announce, Gossip, MESSAGE_VERSION, RoundId};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Bytes of a gossip beside what it carries, at most: field names, owner, term, array headers.
const FRAMING_BYTES: usize = 128;

/// A bounded queue of announcements and filled rounds; everything of one owner and term goes out as
/// one gossip.
#[derive(Debug)]
pub(crate) struct Outbox {
    pending: Mutex<VecDeque<Pending>>,
    filled: Notify,
    announcements_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Pending {
    owner: OwnerId,
    term: u64,
    word: Word,
    bytes: usize,
}

#[derive(Debug)]
enum Word {
    Wanted(Box<Announce>),
    Filled(RoundId),
}

/// Why something is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    Full,
    TooBig,
}

/// One gossip, ready to go.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) announcements: u64,
}

impl Outbox {
    pub(crate) fn new(announcements_max: u32, bytes_max: u32) -> Self {
        Self {
            pending: Mutex::default(),
            filled: Notify::new(),
            announcements_max: announcements_max as usize,
            bytes_max: bytes_max as usize,
        }
    }

    pub(crate) fn push(
        &self,
        owner: OwnerId,
        term: u64,
        announcement: Announce,
    ) -> Result<(), NotTaken> {
        let bytes = codec::encode(&announcement).map_or(usize::MAX, |b| b.len());
        self.add(Pending { owner, term, word: Word::Wanted(Box::new(announcement)), bytes })
    }

    /// A round needs no more bids: its announcement need not go out, or nobody need answer it.
    pub(crate) fn push_filled(
        &self,
        owner: OwnerId,
        term: u64,
        round: RoundId,
    ) -> Result<(), NotTaken> {
        let announces = |p: &Pending| {
            p.owner == owner && matches!(&p.word, Word::Wanted(a) if a.round == round)
        };
        let before = {
            let mut pending = self.pending.lock();
            let before = pending.len();
            pending.retain(|p| !announces(p));
            before - pending.len()
        };
        if before > 0 {
            return Ok(());
        }
        let bytes = codec::encode(&round).map_or(usize::MAX, |b| b.len());
        self.add(Pending { owner, term, word: Word::Filled(round), bytes })
    }

    fn add(&self, next: Pending) -> Result<(), NotTaken> {
        if next.bytes.saturating_add(FRAMING_BYTES) > self.bytes_max {
            return Err(NotTaken::TooBig);
        }
        {
            let mut pending = self.pending.lock();
            if pending.len() >= self.announcements_max {
                return Err(NotTaken::Full);
            }
            pending.push_back(next);
        }
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until something is pending. One caller at a time.
    pub(crate) async fn filled(&self) {
        while self.pending.lock().is_empty() {
            self.filled.notified().await;
        }
    }

    /// Takes what goes into one gossip; none when nothing is pending.
    pub(crate) fn take(&self) -> Option<Batch> {
        let gossip = self.gather()?;
        let announcements = gossip.announcements.len() as u64;
        // Each part was encoded before, so the whole encodes too.
        let bytes = codec::encode(&gossip).ok()?;
        Some(Batch { bytes, announcements })
    }

    fn gather(&self) -> Option<Gossip> {
        let mut pending = self.pending.lock();
        let (owner, term) = pending.front().map(|first| (first.owner, first.term))?;
        let (mut announcements, mut filled) = (Vec::new(), Vec::new());
        let mut bytes = FRAMING_BYTES;
        while let Some(next) = pending.front() {
            bytes += next.bytes;
            if (next.owner, next.term) != (owner, term) || bytes > self.bytes_max {
                break;
            }
            match pending.pop_front().map(|p| p.word) {
                Some(Word::Wanted(announcement)) => announcements.push(*announcement),
                Some(Word::Filled(round)) => filled.push(round),
                None => {}
            }
        }
        Some(Gossip { v: MESSAGE_VERSION, owner, term, announcements, filled })
    }
}

#[cfg(test)]
mod tests;
