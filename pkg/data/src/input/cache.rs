//! The nodes of a tree that were read last: what is open holds none of its own, however many files
//! and directories that are.
//!
//! Nothing that a job sees depends on what is kept here. A node that is not is read again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gadus_model::Cid;
use parking_lot::Mutex;

use super::node::InputBlock;
use crate::block::Reading;

/// Memory that the nodes of one input take. A file that is read in order needs its leaf and the few
/// nodes above it, so this is enough for some dozens at once.
const ONE_MAX_BYTES: usize = 64 << 20;

/// Memory that the nodes of all inputs of this process take, in equal parts: a job may have
/// thousands of inputs.
const ALL_MAX_BYTES: usize = 1 << 30;

/// The inputs that are open in this process.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Nodes by what they were read from. The last used stay.
#[derive(Debug)]
pub(super) struct Cache {
    max_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    nodes: HashMap<Reading, Slot>,
    /// What was used when, the oldest first.
    order: BTreeMap<u64, Reading>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    node: Arc<InputBlock>,
    bytes: usize,
    used: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self::of(ONE_MAX_BYTES)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cache {
    fn of(max_bytes: usize) -> Self {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self { max_bytes, kept: Mutex::default() }
    }

    /// Memory that its nodes may take now.
    pub(super) fn max_bytes(&self) -> usize {
        // It is open itself, so this is never 0.
        self.max_bytes.min(ALL_MAX_BYTES / OPEN.load(Ordering::Relaxed).max(1))
    }

    /// A node, if it is kept.
    pub(super) fn get(&self, cid: &Cid) -> Option<Arc<InputBlock>> {
        let mut kept = self.kept.lock();
        let Kept { nodes, order, uses, .. } = &mut *kept;
        let slot = nodes.get_mut(&Reading::of(cid))?;
        *uses += 1;
        if let Some(reading) = order.remove(&slot.used) {
            order.insert(*uses, reading);
        }
        slot.used = *uses;
        Some(Arc::clone(&slot.node))
    }

    /// Keeps a node, and lets go of others until there is room for it; one that is too large alone
    /// is not kept.
    pub(super) fn put(&self, cid: &Cid, node: &Arc<InputBlock>) {
        let (bytes, max_bytes) = (node.memory_bytes(), self.max_bytes());
        if bytes > max_bytes {
            return;
        }
        let reading = Reading::of(cid);
        let mut kept = self.kept.lock();
        kept.remove(&reading);
        while kept.bytes + bytes > max_bytes {
            let Some(oldest) = kept.order.values().next().copied() else { break };
            kept.remove(&oldest);
        }
        kept.uses += 1;
        let used = kept.uses;
        kept.bytes += bytes;
        kept.order.insert(used, reading);
        kept.nodes.insert(reading, Slot { node: Arc::clone(node), bytes, used });
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.kept.lock().bytes
    }
}

impl Kept {
    fn remove(&mut self, reading: &Reading) {
        if let Some(slot) = self.nodes.remove(reading) {
            self.order.remove(&slot.used);
            self.bytes -= slot.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::raw_cid;
    use crate::unixfs::parse::parse;

    fn node(text: &'static str) -> (Cid, Arc<InputBlock>) {
        let cid = raw_cid(text.as_bytes());
        let parsed = parse(&cid, Bytes::from_static(text.as_bytes())).unwrap();
        (cid, Arc::new(InputBlock::of(parsed)))
    }

    #[test]
    fn what_was_used_last_stays() {
        let nodes = ["one", "two", "six", "ten"].map(node);
        let each = nodes[0].1.memory_bytes();
        let cache = Cache::of(3 * each);
        for (cid, node) in &nodes[..3] {
            cache.put(cid, node);
            cache.put(cid, node);
        }
        assert!(cache.get(&nodes[0].0).is_some());
        cache.put(&nodes[3].0, &nodes[3].1);
        let kept = nodes.each_ref().map(|(cid, _)| cache.get(cid).is_some());
        assert_eq!(kept, [true, false, true, true]);
        assert_eq!(cache.bytes(), 3 * each);
    }

    #[test]
    fn many_inputs_share_what_there_is() {
        let cache = Cache::default();
        let others: Vec<_> = (0..2047).map(|_| Cache::default()).collect();
        assert!(cache.max_bytes() <= ALL_MAX_BYTES / 2048);
        drop(others);
        assert!(cache.max_bytes() > ALL_MAX_BYTES / 2048);
    }

    #[test]
    fn what_is_too_large_alone_pushes_nothing_out() {
        let (small, large) = (node("small"), node("larger than all of it"));
        let cache = Cache::of(small.1.memory_bytes());
        cache.put(&small.0, &small.1);
        cache.put(&large.0, &large.1);
        assert!(cache.get(&small.0).is_some());
        assert!(cache.get(&large.0).is_none());
    }
}
