//! Whom to ask for what: the decisions of a fetch, without I/O. Time is milliseconds since the
//! fetch began, given by the caller.
//!
//! ```text
//! wanted ─► asked ─► received ─► stored (its children are wanted)
//!    ▲        │          └ a lie: the peer is left, the block is wanted again
//!    ├────────┤ absent here: the next peer; absent everywhere: again, through relays
//!    └ parked ┘ still nowhere: later, until `wait_ms` are over ─► missing
//! ```
//!
//! Those that are far (stores that are no peers) come last, and are asked for what all near ones
//! lack.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use gadus_model::{Cid, NodeId};

use crate::block::Reading;

/// More peers than this are not asked.
pub(crate) const PEERS_MAX: usize = 64;
/// First pause before a block that was nowhere is asked for again; doubled each time.
const PARK_MS: u64 = 50;
const PARK_MAX_MS: u64 = 1_000;
/// A peer that lacked so many in a row gets what others lack before it gets anything new.
const MISSES_MAX: u32 = 4;
/// For so long from the beginning, a near peer that is not up yet may still come.
const NEAR_GRACE_MS: u64 = 500;
/// Blocks that others lack which are looked at for one peer.
const RETRY_SCAN_MAX: usize = 256;

/// The state of a fetch.
#[derive(Debug)]
pub(crate) struct Plan {
    peers: Vec<Peer>,
    /// What somebody was asked for, and is not here yet.
    wants: HashMap<Reading, Wanted>,
    seen: HashSet<Reading>,
    /// Nobody was asked yet; the last goes first. They may be very many: no more than their names.
    fresh: Vec<Cid>,
    /// Somebody lacks it.
    retry: Vec<Cid>,
    parked: BTreeSet<(u64, Reading)>,
    wait_ms: u64,
    /// When nobody has answered anything for so long, the fetch is over: peers that open streams
    /// and fall silent, or close them, could make it last for ever.
    silence_max_ms: u64,
    answered_ms: u64,
    /// No peer can be asked since.
    alone_since_ms: Option<u64>,
    /// A relay had what all peers lacked: ask it at once.
    relay: bool,
    /// How late it was when this was last asked how it stands.
    now_ms: u64,
}

#[derive(Debug)]
struct Peer {
    /// None for one that is far.
    id: Option<NodeId>,
    state: PeerState,
    in_flight: usize,
    misses: u32,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerState {
    /// Never up so far.
    Opening,
    Down,
    Up,
    Banned,
}

#[derive(Debug)]
struct Wanted {
    cid: Cid,
    /// One bit for each peer that lacked it in this round.
    lacked_by: u64,
    asked: Option<usize>,
    relay: bool,
    /// When somebody was asked, the first of those that are asked in turn.
    round_ms: u64,
    nowhere_since_ms: Option<u64>,
    park_ms: u64,
}

impl Wanted {
    fn new(cid: Cid, relay: bool, round_ms: u64) -> Self {
        let (nowhere_since_ms, park_ms) = (None, PARK_MS);
        Self { cid, lacked_by: 0, asked: None, relay, round_ms, nowhere_since_ms, park_ms }
    }
}

/// How a fetch stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// Look again at this time, if nothing happens before.
    Working {
        wake_ms: u64,
    },
    Missing {
        cid: Cid,
        asked: usize,
        waited_ms: u64,
    },
}

impl Plan {
    /// Near peers first, then so many that are far; beyond [`PEERS_MAX`] near ones are left out.
    pub(crate) fn new(peers: &[NodeId], far: usize, wait_ms: u64, silence_max_ms: u64) -> Self {
        let far = far.min(PEERS_MAX);
        let near = peers.iter().take(PEERS_MAX - far).map(|id| Some(*id));
        let peer = |id| Peer { id, state: PeerState::Opening, in_flight: 0, misses: 0, bytes: 0 };
        Self {
            peers: near.chain((0..far).map(|_| None)).map(peer).collect(),
            wants: HashMap::new(),
            seen: HashSet::new(),
            fresh: Vec::new(),
            retry: Vec::new(),
            parked: BTreeSet::new(),
            wait_ms,
            silence_max_ms,
            answered_ms: 0,
            alone_since_ms: Some(0),
            relay: false,
            now_ms: 0,
        }
    }

    /// Blocks are wanted, the first first.
    pub(crate) fn want(&mut self, cids: impl DoubleEndedIterator<Item = Cid>) {
        for cid in cids.rev() {
            if self.seen.insert(Reading::of(&cid)) {
                self.fresh.push(cid);
            }
        }
    }

    /// What to ask a peer now, at most so that `window` blocks are asked of it: (block, through
    /// relays).
    pub(crate) fn take(&mut self, peer: usize, window: usize) -> Vec<(Cid, bool)> {
        let mut taken = Vec::new();
        let Some(Peer { id, state: PeerState::Up, in_flight, misses, .. }) = self.peers.get(peer)
        else {
            return taken;
        };
        // What a far one waits for.
        let near = if id.is_none() { self.near_mask() } else { 0 };
        let room = window.saturating_sub(*in_flight);
        // Some other will take it: what is far waits for what is near.
        let is_others = |(nth, other): (usize, &Peer)| {
            let would = other.state == PeerState::Up && other.misses < MISSES_MAX;
            would && nth != peer && other.id.is_some() == id.is_some()
        };
        let takes_fresh =
            near == 0 && (*misses < MISSES_MAX || !self.peers.iter().enumerate().any(is_others));
        let mut at = self.retry.len();
        let scan_end = at.saturating_sub(RETRY_SCAN_MAX);
        while at > scan_end && taken.len() < room {
            at -= 1;
            match self.wants.get(&Reading::of(&self.retry[at])) {
                Some(wanted)
                    if wanted.lacked_by & (1 << peer) != 0 || wanted.lacked_by & near != near => {}
                Some(_) => {
                    let cid = self.retry.swap_remove(at);
                    taken.extend(self.ask(peer, &cid));
                }
                // It came from a peer that was given up too early.
                None => {
                    self.retry.swap_remove(at);
                }
            }
        }
        while takes_fresh && taken.len() < room {
            let Some(cid) = self.fresh.pop() else { break };
            self.wants.insert(Reading::of(&cid), Wanted::new(cid, self.relay, self.now_ms));
            taken.extend(self.ask(peer, &cid));
        }
        taken
    }

    fn ask(&mut self, peer: usize, cid: &Cid) -> Option<(Cid, bool)> {
        let wanted = self.wants.get_mut(&Reading::of(cid))?;
        wanted.asked = Some(peer);
        self.peers[peer].in_flight += 1;
        Some((wanted.cid, wanted.relay))
    }

    /// A peer answered with bytes; they are being checked.
    pub(crate) fn received(&mut self, peer: usize, now_ms: u64) {
        self.answered_ms = now_ms;
        self.peers[peer].in_flight = self.peers[peer].in_flight.saturating_sub(1);
        self.peers[peer].misses = 0;
    }

    /// A peer's bytes were right, and are stored; `children` are wanted next.
    pub(crate) fn stored(&mut self, peer: usize, cid: &Cid, bytes: u64, children: Vec<Cid>) {
        self.peers[peer].bytes += bytes;
        if let Some(wanted) = self.wants.remove(&Reading::of(cid)) {
            self.relay |= wanted.relay;
        }
        self.want(children.into_iter());
    }

    /// A peer lacks a block.
    pub(crate) fn absent(&mut self, peer: usize, cid: &Cid, now_ms: u64) {
        self.answered_ms = now_ms;
        self.peers[peer].in_flight = self.peers[peer].in_flight.saturating_sub(1);
        self.peers[peer].misses += 1;
        if let Some(wanted) = self.wants.get_mut(&Reading::of(cid)) {
            wanted.lacked_by |= 1 << peer;
            self.again(Reading::of(cid), now_ms);
        }
    }

    /// A peer sent wrong bytes, or nonsense: it is left for good.
    pub(crate) fn lied(&mut self, peer: usize, now_ms: u64) {
        self.leave(peer, PeerState::Banned, now_ms);
    }

    /// A peer cannot be reached, or fell silent.
    pub(crate) fn down(&mut self, peer: usize, now_ms: u64) {
        if self.peers[peer].state != PeerState::Banned {
            self.leave(peer, PeerState::Down, now_ms);
        }
    }

    /// A peer can be asked.
    pub(crate) fn up(&mut self, peer: usize, now_ms: u64) {
        if matches!(self.peers[peer].state, PeerState::Opening | PeerState::Down) {
            self.peers[peer].state = PeerState::Up;
            self.alone_since_ms = None;
            self.reconsider(now_ms);
        }
    }

    fn leave(&mut self, peer: usize, state: PeerState, now_ms: u64) {
        self.peers[peer].state = state;
        self.peers[peer].in_flight = 0;
        if self.up_mask() == 0 {
            self.alone_since_ms.get_or_insert(now_ms);
        }
        let asked = self.wants.values_mut().filter(|wanted| wanted.asked == Some(peer));
        let orphan = |wanted: &mut Wanted| {
            // Others are asked anew.
            wanted.round_ms = now_ms;
            wanted.cid
        };
        let orphans: Vec<Cid> = asked.map(orphan).collect();
        self.retry.extend(orphans);
        self.reconsider(now_ms);
    }

    /// Other peers are up than before: what waits for one that lacks nothing may wait in vain.
    fn reconsider(&mut self, now_ms: u64) {
        for cid in std::mem::take(&mut self.retry) {
            self.again(Reading::of(&cid), now_ms);
        }
    }

    /// A block that is asked of nobody is put where the next peer, round or pause finds it.
    fn again(&mut self, key: Reading, now_ms: u64) {
        let (up, far) = (self.up_mask(), self.far_mask());
        let Some(wanted) = self.wants.get_mut(&key) else { return };
        wanted.asked = None;
        let is_nowhere = up != 0 && wanted.lacked_by & up == up;
        if is_nowhere && !wanted.relay {
            wanted.relay = true;
            // There are no relays behind what is far.
            wanted.lacked_by &= far;
            if up & !far == 0 {
                self.again(key, now_ms);
                return;
            }
        } else if is_nowhere {
            // Who takes long to say that it has nothing was waited for already.
            let since = *wanted.nowhere_since_ms.get_or_insert(wanted.round_ms);
            let end_ms = since.saturating_add(self.wait_ms).max(now_ms);
            let wake = (now_ms + wanted.park_ms).min(end_ms);
            wanted.park_ms = (2 * wanted.park_ms).min(PARK_MAX_MS);
            wanted.lacked_by = 0;
            self.parked.insert((wake, key));
            return;
        }
        self.retry.push(wanted.cid);
    }

    /// Brings parked blocks back, and tells how the fetch stands.
    pub(crate) fn verdict(&mut self, now_ms: u64) -> Verdict {
        self.now_ms = now_ms;
        match self.standing(now_ms) {
            // Then what is far may be asked.
            Verdict::Working { wake_ms } if now_ms < NEAR_GRACE_MS && self.has_far() => {
                Verdict::Working { wake_ms: wake_ms.min(NEAR_GRACE_MS) }
            }
            verdict @ (Verdict::Done | Verdict::Working { .. } | Verdict::Missing { .. }) => {
                verdict
            }
        }
    }

    fn standing(&mut self, now_ms: u64) -> Verdict {
        let asked_for = self.wants.values().next().map(|wanted| wanted.cid);
        let Some(any) = asked_for.or_else(|| self.fresh.last().copied()) else {
            return Verdict::Done;
        };
        let missing = |cid, since_ms: u64| Verdict::Missing {
            cid,
            asked: self.peers.len(),
            waited_ms: now_ms.saturating_sub(since_ms),
        };
        let silent_ms = self.answered_ms.saturating_add(self.silence_max_ms);
        if now_ms >= silent_ms {
            return missing(any, self.answered_ms);
        }
        if let Some(since_ms) = self.alone_since_ms {
            let is_final = self.peers.iter().all(|peer| peer.state == PeerState::Banned);
            let alone_ms = since_ms.saturating_add(self.wait_ms);
            if is_final || now_ms >= alone_ms {
                return missing(any, since_ms);
            }
            return Verdict::Working { wake_ms: alone_ms.min(silent_ms) };
        }
        while let Some((wake_ms, key)) = self.parked.first().copied() {
            if wake_ms > now_ms {
                return Verdict::Working { wake_ms: wake_ms.min(silent_ms) };
            }
            self.parked.pop_first();
            let Some(wanted) = self.wants.get(&key) else { continue };
            let since_ms = wanted.nowhere_since_ms.unwrap_or(now_ms);
            if now_ms.saturating_sub(since_ms) >= self.wait_ms {
                return missing(wanted.cid, since_ms);
            }
            self.retry.push(wanted.cid);
        }
        Verdict::Working { wake_ms: silent_ms }
    }

    fn has_far(&self) -> bool {
        self.peers.last().is_some_and(|peer| peer.id.is_none())
    }

    pub(crate) fn peers(&self) -> usize {
        self.peers.len()
    }

    /// Bytes that were right.
    pub(crate) fn bytes(&self) -> u64 {
        self.peers.iter().map(|peer| peer.bytes).sum()
    }

    /// The same, by near peer.
    pub(crate) fn bytes_by_peer(&self) -> Vec<(NodeId, u64)> {
        let gave = self.peers.iter().filter(|peer| peer.bytes > 0);
        gave.filter_map(|peer| Some((peer.id?, peer.bytes))).collect()
    }

    /// The near peers that a far one waits for: those that are up, and at first those that may
    /// come.
    fn near_mask(&self) -> u64 {
        let waited_for = |state| match state {
            PeerState::Up => true,
            PeerState::Opening => self.now_ms < NEAR_GRACE_MS,
            PeerState::Down | PeerState::Banned => false,
        };
        let near = self.peers.iter().enumerate();
        let near = near.filter(|(_, peer)| peer.id.is_some() && waited_for(peer.state));
        near.fold(0, |mask, (nth, _)| mask | 1 << nth)
    }

    fn far_mask(&self) -> u64 {
        let far = self.peers.iter().enumerate().filter(|(_, peer)| peer.id.is_none());
        far.fold(0, |mask, (nth, _)| mask | 1 << nth)
    }

    fn up_mask(&self) -> u64 {
        let up = self.peers.iter().enumerate().filter(|(_, peer)| peer.state == PeerState::Up);
        up.fold(0, |mask, (nth, _)| mask | 1 << nth)
    }
}
