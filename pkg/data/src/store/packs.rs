//! All packs of a store.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::pack::{Kind, MAGIC_BYTES, Pack, parse_name};

/// The open packs, and the bulk packs that have room and no writer.
#[derive(Debug)]
pub(crate) struct Packs {
    dir: PathBuf,
    preallocate_bytes: u64,
    pack_bytes_max: u64,
    open: RwLock<BTreeMap<u32, Arc<Pack>>>,
    idle: Mutex<Vec<Lease>>,
}

/// The right to write a bulk pack from `end` on.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) pack: Arc<Pack>,
    pub(crate) end: u64,
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
        let (open, idle) = (RwLock::new(open), Mutex::new(Vec::new()));
        Ok(Self { dir, preallocate_bytes, pack_bytes_max, open, idle })
    }

    pub(crate) fn get(&self, id: u32) -> Option<Arc<Pack>> {
        self.open.read().get(&id).cloned()
    }

    pub(crate) fn all(&self, kind: Kind) -> Vec<Arc<Pack>> {
        self.open.read().values().filter(|pack| pack.kind == kind).cloned().collect()
    }

    /// Makes a pack with the next number.
    pub(crate) fn create(&self, kind: Kind) -> io::Result<Arc<Pack>> {
        loop {
            let id = self.open.read().last_key_value().map_or(0, |(id, _)| id + 1);
            match Pack::create(&self.dir, id, kind, self.preallocate_bytes) {
                Ok(pack) => {
                    let pack = Arc::new(pack);
                    self.open.write().insert(id, pack.clone());
                    return Ok(pack);
                }
                // Another import took the number between the look and the making.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::yield_now();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A bulk pack to write to, until it is given back.
    pub(crate) fn lease(&self) -> io::Result<Lease> {
        if let Some(lease) = self.idle.lock().pop() {
            return Ok(lease);
        }
        Ok(Lease { pack: self.create(Kind::Bulk)?, end: MAGIC_BYTES })
    }

    /// Gives a bulk pack back. What lies beyond `end` will be written over.
    pub(crate) fn give_back(&self, lease: Lease) {
        if lease.end < self.pack_bytes_max {
            self.idle.lock().push(lease);
        }
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
