//! All packs of a store.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, RwLock};

use super::pack::{Kind, MAGIC_BYTES, Pack, parse_name};

/// The open packs, and the bulk packs that have room and no writer.
#[derive(Debug)]
pub(crate) struct Packs {
    dir: PathBuf,
    preallocate_bytes: u64,
    pack_bytes_max: u64,
    next: AtomicU32,
    open: RwLock<BTreeMap<u32, Arc<Pack>>>,
    /// With where they end.
    idle: Mutex<Vec<(Arc<Pack>, u64)>>,
}

/// The right to write a bulk pack from `end` on.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) pack: Arc<Pack>,
    pub(crate) end: u64,
    /// While somebody holds it, the pack stays.
    pub(crate) writer: Arc<()>,
}

impl Lease {
    fn new(pack: Arc<Pack>, end: u64) -> Self {
        let writer = pack.writers.clone();
        Self { pack, end, writer }
    }
}

impl Packs {
    pub(crate) fn open(
        dir: PathBuf,
        preallocate_bytes: u64,
        pack_bytes_max: u64,
    ) -> io::Result<Self> {
        let mut open = BTreeMap::new();
        for file in std::fs::read_dir(&dir)? {
            let Some((id, kind)) = parse_name(&file?.path()) else { continue };
            match Pack::open(&dir, id, kind, preallocate_bytes)? {
                Some(pack) => {
                    open.insert(id, Arc::new(pack));
                }
                None => Pack::remove(&dir, id, kind)?,
            }
        }
        let next = AtomicU32::new(open.last_key_value().map_or(0, |(id, _)| id + 1));
        let (open, idle) = (RwLock::new(open), Mutex::new(Vec::new()));
        Ok(Self { dir, preallocate_bytes, pack_bytes_max, next, open, idle })
    }

    pub(crate) fn get(&self, id: u32) -> Option<Arc<Pack>> {
        self.open.read().get(&id).cloned()
    }

    pub(crate) fn all(&self, kind: Kind) -> Vec<Arc<Pack>> {
        self.open.read().values().filter(|pack| pack.kind == kind).cloned().collect()
    }

    /// Makes a pack with the next number. Kinds share the numbers, and none is given out twice.
    pub(crate) fn create(&self, kind: Kind) -> io::Result<Lease> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let pack = Arc::new(Pack::create(&self.dir, id, kind, self.preallocate_bytes)?);
        // Leased before anybody can find that nothing is in it.
        let lease = Lease::new(pack.clone(), MAGIC_BYTES);
        self.open.write().insert(id, pack);
        Ok(lease)
    }

    /// A bulk pack to write to, until it is given back.
    pub(crate) fn lease(&self) -> io::Result<Lease> {
        let mut idle = self.idle.lock();
        if let Some((pack, end)) = idle.pop() {
            return Ok(Lease::new(pack, end));
        }
        drop(idle);
        self.create(Kind::Bulk)
    }

    /// Gives a bulk pack back. What lies beyond `end` will be written over.
    pub(crate) fn give_back(&self, pack: Arc<Pack>, end: u64) {
        if end < self.pack_bytes_max {
            self.idle.lock().push((pack, end));
        }
    }

    /// The packs with smaller numbers, in their order.
    pub(crate) fn below(&self, id: u32) -> Vec<Arc<Pack>> {
        self.open.read().range(..id).map(|(_, pack)| pack.clone()).collect()
    }

    /// Sees to it that nobody writes to a pack any more; false when somebody does now.
    pub(crate) fn retire(&self, pack: &Arc<Pack>) -> bool {
        let mut idle = self.idle.lock();
        // The pack itself holds one.
        if Arc::strong_count(&pack.writers) > 1 {
            return false;
        }
        idle.retain(|(other, _)| other.id != pack.id);
        true
    }

    /// Removes a pack; those who read it read on.
    pub(crate) fn remove(&self, pack: &Pack) -> io::Result<()> {
        self.open.write().remove(&pack.id);
        Pack::remove(&self.dir, pack.id, pack.kind)
    }

    /// What all packs take of the disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let packs: Vec<_> = self.open.read().values().cloned().collect();
        packs.iter().map(|pack| pack.disk_bytes().unwrap_or_default()).sum()
    }

    /// Syncs of all packs since they were opened.
    #[cfg(test)]
    pub(crate) fn syncs(&self) -> u64 {
        self.open.read().values().map(|pack| pack.syncs()).sum()
    }

    pub(crate) fn is_full(&self, end: u64) -> bool {
        end >= self.pack_bytes_max
    }
}
