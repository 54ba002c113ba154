//! Watches what a guest writes, so that it cannot fill the node's disk while it runs.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::kill::Killed;

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
    disk_reserve_bytes: u64,
    next_look: Instant,
}

impl OutputQuota {
    /// Watches these directories, and that their disks keep `disk_reserve_bytes` free: a file that
    /// was opened and then removed takes room without being in any directory.
    pub(crate) fn new(
        dirs: Vec<PathBuf>,
        bytes_max: u64,
        files_max: u64,
        disk_reserve_bytes: u64,
    ) -> Self {
        let next_look = Instant::now() + LOOK_EVERY;
        Self { dirs, bytes_max, files_max, disk_reserve_bytes, next_look }
    }

    /// Looks, when it is time to. It stands on the guest's own thread, so the guest writes nothing
    /// meanwhile.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Killed> {
        if now < self.next_look {
            return None;
        }
        let mut used = Used::default();
        for dir in &self.dirs {
            self.measure(dir, &mut used);
        }
        let after = Instant::now();
        self.next_look = after + LOOK_EVERY.max((after - now) * LOOK_SHARE);
        if self.is_over(&used) {
            return Some(Killed::OutputLimit);
        }
        let full = self.dirs.iter().any(|dir| free_bytes(dir) < self.disk_reserve_bytes);
        full.then_some(Killed::DiskFull)
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

/// What a disk has left for us; all, where it does not say.
fn free_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(dir: &Path, bytes_max: u64, files_max: u64, reserve: u64) -> Option<Killed> {
        let mut quota = OutputQuota::new(vec![dir.to_owned()], bytes_max, files_max, reserve);
        assert_eq!(quota.look(Instant::now()), None, "it is not time to look yet");
        quota.look(Instant::now() + LOOK_EVERY)
    }

    #[test]
    fn bytes_and_files_are_counted_through_directories_but_not_links() {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("big"), vec![1; 1 << 20]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/file"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("a/link")).unwrap();
        assert_eq!(look(dir.path(), 50_000, 100, 0), Some(Killed::OutputLimit));
        assert_eq!(look(dir.path(), 500_000, 100, 0), None);
        assert_eq!(look(dir.path(), 500_000, 4, 0), None);
        assert_eq!(look(dir.path(), 500_000, 3, 0), Some(Killed::OutputLimit));
    }

    #[test]
    fn a_disk_that_is_nearly_full_ends_the_guest() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(look(dir.path(), 1, 1, u64::MAX), Some(Killed::DiskFull));
    }
}
