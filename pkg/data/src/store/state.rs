//! What the store knows and the index may not know yet. Pure: no I/O.

use std::collections::{BTreeMap, HashMap, HashSet};

use gadus_model::Cid;
use gadus_ports::NamespaceId;
use serde::{Deserialize, Serialize};

use super::index::{Meta, Namespaces, Update};
use super::record::Reason;
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
    Add(Reason, Cid),
    Drop(Reason),
}

/// What a durable record does to the state.
#[derive(Debug)]
pub(crate) enum Change {
    Block { key: Key, namespace: Option<NamespaceId>, loc: Loc },
    Promote { namespace: NamespaceId, root: Cid, reason: Reason },
    Discard { namespace: NamespaceId },
    Pin(PinChange),
    BulkEnd { pack: u32, end: u64 },
}

/// What is in memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Public blocks that the index does not have yet.
    public: HashMap<Key, Loc>,
    /// All quarantined blocks.
    namespaces: Namespaces,
    changed_namespaces: HashSet<NamespaceId>,
    pins: Vec<PinChange>,
    bulk_ends: BTreeMap<u32, u64>,
    position: Position,
    stored_bytes: u64,
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
            ..Self::default()
        }
    }

    pub(crate) fn public(&self, key: &Key) -> Option<Loc> {
        self.public.get(key).copied()
    }

    pub(crate) fn quarantined(&self, namespace: NamespaceId, key: &Key) -> Option<Loc> {
        self.namespaces.get(&namespace)?.get(key).copied()
    }

    /// The blocks of a namespace.
    pub(crate) fn keys_of(&self, namespace: NamespaceId) -> Vec<Key> {
        self.namespaces.get(&namespace).map_or_else(Vec::new, |map| map.keys().copied().collect())
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(crate) fn bulk_ends(&self) -> &BTreeMap<u32, u64> {
        &self.bulk_ends
    }

    pub(crate) fn pin_changes(&self) -> &[PinChange] {
        &self.pins
    }

    /// How much the index lacks.
    pub(crate) fn behind(&self) -> usize {
        self.public.len() + self.pins.len() + self.changed_namespaces.len()
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
            Change::Block { key, namespace: None, loc } => {
                self.stored_bytes += cost(loc.bytes as usize);
                self.publish(key, loc, indexed)
            }
            Change::Block { key, namespace: Some(namespace), loc } => {
                self.quarantine(key, namespace, loc, indexed)
            }
            Change::Promote { namespace, root, reason } => {
                self.pins.push(PinChange::Add(reason, root));
                self.changed_namespaces.insert(namespace);
                let blocks = self.namespaces.remove(&namespace).unwrap_or_default();
                blocks.into_iter().map(|(key, loc)| self.publish(key, loc, indexed)).sum()
            }
            Change::Discard { namespace } => {
                self.changed_namespaces.insert(namespace);
                let blocks = self.namespaces.remove(&namespace).unwrap_or_default();
                blocks.into_values().map(|loc| self.bury(loc)).sum()
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

    /// A public block stays public alone: another copy of it is dead at once.
    fn quarantine(
        &mut self,
        key: Key,
        namespace: NamespaceId,
        loc: Loc,
        indexed: &HashMap<Key, Loc>,
    ) -> u64 {
        self.changed_namespaces.insert(namespace);
        let public = self.public.get(&key).or_else(|| indexed.get(&key)).copied();
        let blocks = self.namespaces.entry(namespace).or_default();
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
        match self.public.get(&key).or_else(|| indexed.get(&key)) {
            Some(known) if *known == loc => {
                self.stored_bytes = self.stored_bytes.saturating_sub(cost(loc.bytes as usize));
                0
            }
            Some(_) => self.bury(loc),
            None => {
                self.public.insert(key, loc);
                0
            }
        }
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
                bulk_ends: self.bulk_ends.iter().map(|(pack, end)| (*pack, *end)).collect(),
            },
            blocks: self.public.iter().map(|(key, loc)| (*key, *loc)).collect(),
            namespaces: changed.into_iter().map(blocks_of).collect(),
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
        self.pins.drain(..update.pins.len());
    }

    /// The index could not take an update.
    pub(crate) fn failed(&mut self, update: &Update) {
        self.changed_namespaces.extend(update.namespaces.iter().map(|(id, _)| *id));
    }
}
