//! What the store knows and the index may not know yet. Pure: no I/O.

use std::collections::{BTreeMap, HashMap, HashSet};

use gadus_model::Cid;
use gadus_ports::NamespaceId;
use serde::{Deserialize, Serialize};

use super::index::{Meta, Update};
use super::record::{Reason, Term};
use crate::block::Key;

/// What the head of a record and the index take, about: counted against the quota, so that many
/// tiny blocks are not free.
const OVERHEAD_BYTES: u64 = 160;

/// Where a block's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loc {
    pub(crate) pack: u32,
    pub(crate) offset: u64,
    pub(crate) bytes: u32,
}

impl From<(u32, u64, u32)> for Loc {
    fn from((pack, offset, bytes): (u32, u64, u32)) -> Self {
        Self { pack, offset, bytes }
    }
}

/// What a block costs of the quota.
pub(crate) fn cost(bytes: usize) -> u64 {
    bytes as u64 + OVERHEAD_BYTES
}

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) pack: u32,
    pub(crate) offset: u64,
}

/// A change of pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PinChange {
    Add(Reason, Cid, Term),
    /// Of one root, or of all.
    Drop(Reason, Option<Cid>),
}

/// What is in quarantine for one execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Space {
    /// The root of its result: parts of the tree may be public already.
    pub(crate) root: Option<Cid>,
    pub(crate) blocks: HashMap<Key, Loc>,
}

/// All quarantined blocks.
pub(crate) type Namespaces = HashMap<NamespaceId, Space>;

/// What a durable record does to the state.
#[derive(Debug)]
pub(crate) enum Change {
    Block {
        key: Key,
        namespace: Option<NamespaceId>,
        loc: Loc,
    },
    /// Many at once, of a large import.
    Blocks {
        namespace: Option<NamespaceId>,
        blocks: Vec<(Key, Loc)>,
    },
    Promote {
        namespace: NamespaceId,
        pin: PinChange,
    },
    Discard {
        namespace: NamespaceId,
    },
    Outputs {
        namespace: NamespaceId,
        root: Cid,
    },
    Pin(PinChange),
    BulkEnd {
        pack: u32,
        end: u64,
    },
    /// A block was copied; the copy counts where the block is still at its old place.
    Move {
        key: Key,
        namespace: Option<NamespaceId>,
        from: Loc,
        to: Loc,
    },
    /// A block was copied from a namespace that has been published since; found in a log whose
    /// record of that is gone.
    Published {
        key: Key,
        namespace: NamespaceId,
        loc: Loc,
    },
}

impl Change {
    /// Where it puts blocks whose bytes were held to their hashes.
    pub(crate) fn locs(&self) -> impl Iterator<Item = Loc> + '_ {
        let (one, many) = match self {
            Self::Block { loc, .. } | Self::Move { to: loc, .. } => (Some(*loc), &[][..]),
            Self::Blocks { blocks, .. } => (None, &blocks[..]),
            Self::Promote { .. }
            | Self::Discard { .. }
            | Self::Outputs { .. }
            | Self::Pin(_)
            | Self::BulkEnd { .. }
            | Self::Published { .. } => (None, &[][..]),
        };
        one.into_iter().chain(many.iter().map(|(_, loc)| *loc))
    }

    /// The tree that it keeps from now on, and the namespace that its blocks may be in.
    pub(crate) fn root(&self) -> Option<(Cid, Option<NamespaceId>)> {
        match self {
            Self::Pin(PinChange::Add(_, root, _))
            | Self::Promote { pin: PinChange::Add(_, root, _), .. } => Some((*root, None)),
            Self::Outputs { namespace, root } => Some((*root, Some(*namespace))),
            Self::Pin(PinChange::Drop(..))
            | Self::Promote { pin: PinChange::Drop(..), .. }
            | Self::Block { .. }
            | Self::Blocks { .. }
            | Self::Discard { .. }
            | Self::BulkEnd { .. }
            | Self::Move { .. }
            | Self::Published { .. } => None,
        }
    }
}

/// What is in memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Public blocks that the index does not have yet; absent are those that it has still.
    public: HashMap<Key, Option<Loc>>,
    /// All quarantined blocks.
    namespaces: Namespaces,
    changed_namespaces: HashSet<NamespaceId>,
    /// Packs with records of namespaces that were published.
    published: HashSet<(u32, NamespaceId)>,
    removed_packs: Vec<u32>,
    pins: Vec<PinChange>,
    bulk_ends: BTreeMap<u32, u64>,
    position: Position,
    stored_bytes: u64,
    /// Blocks were forgotten that pinned trees have.
    has_holes: bool,
    /// Copies that nothing names any more.
    dead: Vec<Loc>,
}

impl State {
    pub(crate) fn new(meta: Meta, namespaces: Namespaces) -> Self {
        Self {
            namespaces,
            bulk_ends: meta.bulk_ends.into_iter().collect(),
            position: meta.position,
            stored_bytes: meta.stored_bytes,
            has_holes: meta.has_holes,
            ..Self::default()
        }
    }

    /// Where a public block is, or that it is nowhere; absent where only the index can tell.
    pub(crate) fn public(&self, key: &Key) -> Option<Option<Loc>> {
        self.public.get(key).copied()
    }

    pub(crate) fn quarantined(&self, namespace: NamespaceId, key: &Key) -> Option<Loc> {
        self.namespaces.get(&namespace)?.blocks.get(key).copied()
    }

    /// The blocks of a namespace.
    pub(crate) fn keys_of(&self, namespace: NamespaceId) -> Vec<Key> {
        let keys = |space: &Space| space.blocks.keys().copied().collect();
        self.namespaces.get(&namespace).map_or_else(Vec::new, keys)
    }

    /// The roots of results in quarantine.
    pub(crate) fn results(&self) -> impl Iterator<Item = (NamespaceId, Cid)> + '_ {
        self.namespaces.iter().filter_map(|(id, space)| Some((*id, space.root?)))
    }

    /// Where all quarantined blocks are.
    pub(crate) fn quarantined_locs(&self) -> impl Iterator<Item = &Loc> + '_ {
        self.namespaces.values().flat_map(|space| space.blocks.values())
    }

    /// Where the committed records of a bulk pack end.
    pub(crate) fn bulk_end(&self, pack: u32) -> u64 {
        self.bulk_ends.get(&pack).copied().unwrap_or_default()
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(crate) fn has_holes(&self) -> bool {
        self.has_holes
    }

    pub(crate) fn has_holes_now(&mut self) {
        self.has_holes = true;
    }

    pub(crate) fn bulk_ends(&self) -> &BTreeMap<u32, u64> {
        &self.bulk_ends
    }

    pub(crate) fn pin_changes(&self) -> &[PinChange] {
        &self.pins
    }

    /// How much the index lacks.
    pub(crate) fn behind(&self) -> usize {
        self.public.len() + self.pins.len() + self.changed_namespaces.len() + self.published.len()
    }

    /// Copies that became dead since the last call.
    pub(crate) fn take_dead(&mut self) -> Vec<Loc> {
        std::mem::take(&mut self.dead)
    }

    pub(crate) fn set_position(&mut self, position: Position) {
        self.position = position;
    }

    /// Does what a record says. `indexed` are the public blocks, among those concerned, that the
    /// index has. Doing it twice is the same as once. Answers what it frees of the quota.
    pub(crate) fn apply(&mut self, change: Change, indexed: &HashMap<Key, Loc>) -> u64 {
        match change {
            Change::Block { key, namespace, loc } => self.block(key, namespace, loc, indexed),
            Change::Blocks { namespace, blocks } => {
                let block = |(key, loc)| self.block(key, namespace, loc, indexed);
                blocks.into_iter().map(block).sum()
            }
            Change::Promote { namespace, pin } => {
                self.pins.push(pin);
                self.changed_namespaces.insert(namespace);
                let space = self.namespaces.remove(&namespace).unwrap_or_default();
                let publish = |(key, loc): (Key, Loc)| {
                    self.published.insert((loc.pack, namespace));
                    self.publish(key, loc, indexed)
                };
                space.blocks.into_iter().map(publish).sum()
            }
            Change::Discard { namespace } => {
                self.changed_namespaces.insert(namespace);
                let space = self.namespaces.remove(&namespace).unwrap_or_default();
                space.blocks.into_values().map(|loc| self.bury(loc)).sum()
            }
            Change::Outputs { namespace, root } => {
                self.changed_namespaces.insert(namespace);
                self.namespaces.entry(namespace).or_default().root = Some(root);
                0
            }
            Change::Move { key, namespace, from, to } => {
                self.shift(key, namespace, from, to, indexed);
                0
            }
            Change::Published { key, namespace, loc } => {
                self.published.insert((loc.pack, namespace));
                self.stored_bytes += cost(loc.bytes as usize);
                self.publish(key, loc, indexed)
            }
            Change::Pin(change) => {
                self.pins.push(change);
                0
            }
            Change::BulkEnd { pack, end } => {
                let known = self.bulk_ends.entry(pack).or_default();
                *known = end.max(*known);
                0
            }
        }
    }

    fn block(
        &mut self,
        key: Key,
        namespace: Option<NamespaceId>,
        loc: Loc,
        indexed: &HashMap<Key, Loc>,
    ) -> u64 {
        let Some(namespace) = namespace else {
            self.stored_bytes += cost(loc.bytes as usize);
            return self.publish(key, loc, indexed);
        };
        self.quarantine(key, namespace, loc, indexed)
    }

    /// A public block stays public alone: another copy of it is dead at once.
    fn quarantine(
        &mut self,
        key: Key,
        namespace: NamespaceId,
        loc: Loc,
        indexed: &HashMap<Key, Loc>,
    ) -> u64 {
        self.changed_namespaces.insert(namespace);
        let public = self.known(&key, indexed);
        let blocks = &mut self.namespaces.entry(namespace).or_default().blocks;
        match public.or_else(|| blocks.get(&key).copied()) {
            Some(known) if known == loc => 0,
            Some(_) => {
                self.dead.push(loc);
                cost(loc.bytes as usize)
            }
            None => {
                blocks.insert(key, loc);
                self.stored_bytes += cost(loc.bytes as usize);
                0
            }
        }
    }

    /// Makes a block public whose copy is already counted.
    fn publish(&mut self, key: Key, loc: Loc, indexed: &HashMap<Key, Loc>) -> u64 {
        match self.known(&key, indexed) {
            Some(known) if known == loc => {
                self.stored_bytes = self.stored_bytes.saturating_sub(cost(loc.bytes as usize));
                0
            }
            Some(_) => self.bury(loc),
            None => {
                self.public.insert(key, Some(loc));
                0
            }
        }
    }

    /// Where a public block is.
    fn known(&self, key: &Key, indexed: &HashMap<Key, Loc>) -> Option<Loc> {
        self.public.get(key).copied().unwrap_or_else(|| indexed.get(key).copied())
    }

    fn shift(
        &mut self,
        key: Key,
        namespace: Option<NamespaceId>,
        from: Loc,
        to: Loc,
        indexed: &HashMap<Key, Loc>,
    ) {
        let Some(namespace) = namespace else {
            if self.known(&key, indexed) == Some(from) {
                self.public.insert(key, Some(to));
            }
            return;
        };
        let space = self.namespaces.get_mut(&namespace);
        if let Some(loc) = space.and_then(|space| space.blocks.get_mut(&key))
            && *loc == from
        {
            *loc = to;
            self.changed_namespaces.insert(namespace);
        }
    }

    /// Takes a block out, if it is public and at this place, as the index says where the memory
    /// says nothing. Answers what it frees of the quota.
    pub(crate) fn forget(&mut self, key: &Key, loc: Loc) -> u64 {
        if self.public.get(key).is_some_and(|known| *known != Some(loc)) {
            return 0;
        }
        self.public.insert(*key, None);
        let freed = cost(loc.bytes as usize);
        self.stored_bytes = self.stored_bytes.saturating_sub(freed);
        freed
    }

    /// Takes a block out of a namespace, likewise.
    pub(crate) fn forget_quarantined(&mut self, id: NamespaceId, key: &Key, loc: Loc) -> u64 {
        let Some(space) = self.namespaces.get_mut(&id) else { return 0 };
        if space.blocks.get(key) != Some(&loc) {
            return 0;
        }
        space.blocks.remove(key);
        self.changed_namespaces.insert(id);
        let freed = cost(loc.bytes as usize);
        self.stored_bytes = self.stored_bytes.saturating_sub(freed);
        freed
    }

    /// A pack is about to be removed: nothing in it is live.
    pub(crate) fn forget_pack(&mut self, pack: u32) {
        self.bulk_ends.remove(&pack);
        self.published.retain(|(other, _)| *other != pack);
        self.removed_packs.push(pack);
    }

    fn bury(&mut self, loc: Loc) -> u64 {
        let freed = cost(loc.bytes as usize);
        self.stored_bytes = self.stored_bytes.saturating_sub(freed);
        self.dead.push(loc);
        freed
    }

    /// What the index lacks. Namespaces count as written until [`State::failed`].
    pub(crate) fn update(&mut self) -> Update {
        let changed = std::mem::take(&mut self.changed_namespaces);
        let blocks_of = |id| (id, self.namespaces.get(&id).cloned());
        Update {
            meta: Meta {
                position: self.position,
                stored_bytes: self.stored_bytes,
                has_holes: self.has_holes,
                bulk_ends: self.bulk_ends.iter().map(|(pack, end)| (*pack, *end)).collect(),
            },
            blocks: self.public.iter().map(|(key, loc)| (*key, *loc)).collect(),
            namespaces: changed.into_iter().map(blocks_of).collect(),
            published: self.published.iter().copied().collect(),
            removed_packs: self.removed_packs.clone(),
            pins: self.pins.clone(),
        }
    }

    /// The index has an update now.
    pub(crate) fn written(&mut self, update: &Update) {
        for (key, loc) in &update.blocks {
            if self.public.get(key) == Some(loc) {
                self.public.remove(key);
            }
        }
        for published in &update.published {
            self.published.remove(published);
        }
        self.removed_packs.drain(..update.removed_packs.len());
        self.pins.drain(..update.pins.len());
    }

    /// The index could not take an update.
    pub(crate) fn failed(&mut self, update: &Update) {
        self.changed_namespaces.extend(update.namespaces.iter().map(|(id, _)| *id));
    }
}
