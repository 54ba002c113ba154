//! Watches what a guest writes, so that it cannot fill the node's disk while it runs.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two looks at the outputs.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look may take one part in so many of the guest's time.
const LOOK_SHARE: u32 = 20;

/// Limits on all outputs of one guest together, looked at now and then; what a finished guest
/// left is measured exactly by whoever reads it.
pub(crate) struct OutputQuota {
    dirs: Vec<PathBuf>,
    bytes_max: u64,
    files_max: u64,
    next_look: Instant,
}

impl OutputQuota {
    /// Watches these directories.
    pub(crate) fn new(dirs: Vec<PathBuf>, bytes_max: u64, files_max: u64) -> Self {
        Self { dirs, bytes_max, files_max, next_look: Instant::now() + LOOK_EVERY }
    }

    /// Looks, when it is time to. It stands on the guest's own thread, so the guest writes nothing
    /// meanwhile.
    pub(crate) fn is_exceeded(&mut self, now: Instant) -> bool {
        if now < self.next_look {
            return false;
        }
        let mut used = Used::default();
        for dir in &self.dirs {
            self.measure(dir, &mut used);
        }
        let after = Instant::now();
        self.next_look = after + LOOK_EVERY.max((after - now) * LOOK_SHARE);
        self.is_over(&used)
    }

    /// Adds what lies below a directory, without following links, and gives up once it is too much
    /// or nested so deep that it has no path.
    fn measure(&self, dir: &Path, used: &mut Used) {
        let mut waiting = vec![dir.to_owned()];
        while let Some(dir) = waiting.pop() {
            let entries = match fs::read_dir(&dir) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::InvalidFilename => {
                    used.files = u64::MAX;
                    return;
                }
                Err(_) => continue,
            };
            for entry in entries.flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                used.files += 1;
                used.bytes = used.bytes.saturating_add(metadata.blocks() * 512);
                if self.is_over(used) {
                    return;
                }
                if metadata.is_dir() {
                    waiting.push(entry.path());
                }
            }
        }
    }

    fn is_over(&self, used: &Used) -> bool {
        used.bytes > self.bytes_max || used.files > self.files_max
    }
}

#[derive(Default)]
struct Used {
    bytes: u64,
    files: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeded(dir: &Path, bytes_max: u64, files_max: u64) -> bool {
        let mut quota = OutputQuota::new(vec![dir.to_owned()], bytes_max, files_max);
        assert!(!quota.is_exceeded(Instant::now()), "it is not time to look yet");
        quota.is_exceeded(Instant::now() + LOOK_EVERY)
    }

    #[test]
    fn bytes_and_files_are_counted_through_directories_but_not_links() {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("big"), vec![1; 1 << 20]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/file"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("a/link")).unwrap();
        assert!(exceeded(dir.path(), 50_000, 100));
        assert!(!exceeded(dir.path(), 500_000, 100));
        assert!(!exceeded(dir.path(), 500_000, 4));
        assert!(exceeded(dir.path(), 500_000, 3));
    }
}
