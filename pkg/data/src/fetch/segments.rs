//! The sessions of one fetch, one after another: what came long ago is durable, so that a fetch
//! that is cut, by a crash too, goes on where it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gadus_model::Cid;
use gadus_ports::ContentError;
use parking_lot::{Mutex, RwLock};

use crate::content::Core;
use crate::store::Session;

/// Where the blocks of a fetch go.
pub(super) struct Segments {
    core: Arc<Core>,
    /// A segment of so many bytes is made durable, and another begins.
    bytes_max: u64,
    /// Written to by all threads at once; who begins another waits for them.
    current: RwLock<Segment>,
    /// Open until the fetch is over: no collection takes the blocks of an open session.
    whole: Mutex<Vec<Arc<Session>>>,
}

struct Segment {
    session: Arc<Session>,
    bytes: AtomicU64,
}

impl Segment {
    fn new(core: &Core) -> Self {
        Self { session: Arc::new(core.store.session(None)), bytes: AtomicU64::new(0) }
    }
}

impl Segments {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        let bytes_max = core.config.fetch_segment_bytes;
        let (current, whole) = (RwLock::new(Segment::new(core)), Mutex::default());
        Self { core: core.clone(), bytes_max, current, whole }
    }

    /// Takes a block whose bytes are known to be what its CID says, on a thread that may wait.
    pub(super) fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        let is_full = {
            let segment = self.current.read();
            segment.session.put(cid, bytes)?;
            let length = bytes.len() as u64;
            segment.bytes.fetch_add(length, Ordering::Relaxed) + length >= self.bytes_max
        };
        if is_full { self.begin_another() } else { Ok(()) }
    }

    fn begin_another(&self) -> Result<(), ContentError> {
        let mut current = self.current.write();
        if current.bytes.load(Ordering::Relaxed) < self.bytes_max {
            // Another thread was faster.
            return Ok(());
        }
        let session = std::mem::replace(&mut *current, Segment::new(&self.core)).session;
        drop(current);
        self.whole.lock().push(session.clone());
        session.commit(None)
    }

    /// The last of them, to be committed by whoever knows how the fetch ended. When no `put` is
    /// under way.
    pub(super) fn last(&self) -> Arc<Session> {
        self.current.read().session.clone()
    }
}
