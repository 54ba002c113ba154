//! Ours and theirs, side by side.

use std::fs;
use std::path::{Path, PathBuf};

use gadus_data::{ContentConfig, EmbeddedContent};
use gadus_ports::Layout;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::asked::{Judge, Verdict, Whose};

/// Memory as a file system: files are made there many times faster than on a disk.
const MEMORY: &str = "/dev/shm";
/// Bytes it must have free to be used; containers often get little of it.
const MEMORY_BYTES_MIN: u64 = 2 << 30;

/// Where trees are written.
pub(super) fn scratch() -> PathBuf {
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |found| found.f_bavail * found.f_frsize);
    let writable = rustix::fs::access(MEMORY, rustix::fs::Access::WRITE_OK).is_ok();
    if writable && free >= MEMORY_BYTES_MIN { MEMORY.into() } else { std::env::temp_dir() }
}

/// A store of ours and a judge.
pub(super) struct Court {
    judge: Judge,
    content: EmbeddedContent,
    runtime: Runtime,
    _store: TempDir,
}

impl Court {
    /// `None` where there is no such judge.
    pub(super) fn open(whose: Whose) -> Option<Self> {
        let judge = Judge::start(whose)?;
        let store = tempfile::tempdir_in(scratch()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let entered = runtime.enter();
        let config = ContentConfig { import_threads: 2, ..ContentConfig::default() };
        let content = EmbeddedContent::open(store.path(), config).unwrap();
        drop(entered);
        Some(Self { judge, content, runtime, _store: store })
    }

    /// What both say of the tree at a path: (ours, theirs).
    pub(super) fn both(&mut self, path: &Path, layout: Layout) -> (Verdict, Verdict) {
        // The judge works meanwhile.
        self.judge.ask(path, layout);
        let imported = self.runtime.block_on(self.content.import_path(path.to_owned(), layout));
        let ours = match imported {
            Ok(imported) => Verdict::of(&imported.root.to_string()),
            Err(error) => Verdict::of(&format!("an error: {error}")),
        };
        (ours, self.judge.answer())
    }
}

/// Descends to a subtree that differs while nothing in it does; says which, and how.
pub(super) fn smallest_difference(
    path: &Path,
    both: &mut dyn FnMut(&Path) -> (Verdict, Verdict),
) -> Option<String> {
    let (ours, theirs) = both(path);
    if ours.cid == theirs.cid {
        return None;
    }
    let metadata = fs::symlink_metadata(path).unwrap();
    let mut entries = Vec::new();
    if metadata.is_dir() {
        entries.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        entries.sort();
    }
    let deeper = entries.iter().find_map(|entry| smallest_difference(entry, both));
    deeper.or_else(|| {
        let what = format!("{} bytes, {} entries", metadata.len(), entries.len());
        Some(format!(
            "{path:?} ({what}) differs: ours is {}, theirs {} {}",
            ours.cid, theirs.kind, theirs.cid
        ))
    })
}
