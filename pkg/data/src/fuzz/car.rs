//! Archives of blocks.

use std::sync::atomic::{AtomicUsize, Ordering};

use gadus_model::Cid;
use gadus_ports::ContentError;

use crate::block::verify;
use crate::import;
use crate::unixfs::BlockSink;

/// Counts the bytes that it is given.
#[derive(Default)]
struct Counted(AtomicUsize);

impl BlockSink for Counted {
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        assert!(verify(cid, bytes).is_ok(), "a block was taken that is not what its CID says");
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(())
    }
}

/// An archive, of version 1 or 2.
pub fn car(archive: &[u8]) {
    let taken = Counted::default();
    let roots = import::car::import(archive, &taken);
    assert!(taken.0.into_inner() <= archive.len());
    assert!(roots.is_err() || roots.is_ok_and(|roots| !roots.is_empty()));
}
