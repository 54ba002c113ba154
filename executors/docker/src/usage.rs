//! How much a job has written, measured while it writes.
//!
//! The kernel limits the size of each file (`RLIMIT_FSIZE`), and nothing limits all of them
//! together, so they are counted at intervals. The tree is hostile: it is walked by descriptors,
//! and no link is followed.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gadus_model::{Failure, FailureKind};
use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags};

/// Directories below each other that are looked into: one descriptor is open for each.
const DEPTH_MAX: usize = 64;
/// A measurement may take this share of the time between two.
const SHARE_MAX: u32 = 10;

/// What a job may write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) max_bytes: u64,
    pub(crate) max_files: u64,
}

/// What it has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// By length or by what is taken on disk, whichever is more.
    pub(crate) bytes: u64,
    /// Files, directories and everything else.
    pub(crate) files: u64,
    /// Whether there is more that could not be looked at.
    pub(crate) hidden: bool,
}

impl Quota {
    /// # Errors
    /// `OutputLimit`.
    pub(crate) fn check(&self, usage: &Usage) -> Result<(), Failure> {
        let over = |what: &str, max: u64| {
            Err(Failure::new(
                FailureKind::OutputLimit,
                format!("the outputs have more than {max} {what}"),
            )
            .with_hint("write less, or ask for more disk"))
        };
        if usage.bytes > self.max_bytes {
            return over("bytes", self.max_bytes);
        }
        if usage.files > self.max_files {
            return over("files", self.max_files);
        }
        Ok(())
    }

    fn is_over(&self, usage: &Usage) -> bool {
        self.check(usage).is_err()
    }
}

/// Measures some directories, and stops counting once the quota is passed.
pub(crate) fn measure(roots: &[PathBuf], quota: Quota) -> Usage {
    let mut usage = Usage::default();
    for root in roots {
        match open(CWD, root.as_path()) {
            Ok(dir) => walk(dir, DEPTH_MAX, quota, &mut usage),
            Err(_) => usage.hidden = true,
        }
    }
    usage
}

fn open<P: rustix::path::Arg>(at: BorrowedFd<'_>, name: P) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(at, name, flags, Mode::empty())
}

fn walk(dir: OwnedFd, depth: usize, quota: Quota, usage: &mut Usage) {
    let Ok(mut entries) = Dir::new(dir) else {
        usage.hidden = true;
        return;
    };
    while let Some(Ok(entry)) = entries.read() {
        let name: &CStr = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(at) = entries.fd() else { return };
        // What is gone by now does not count.
        let Ok(stat) = fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        usage.files += 1;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => match open(at, name) {
                Ok(below) if depth > 0 => walk(below, depth - 1, quota, usage),
                Ok(_) | Err(_) => usage.hidden = true,
            },
            FileType::RegularFile => {
                let taken = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
                let length = u64::try_from(stat.st_size).unwrap_or(0);
                usage.bytes = usage.bytes.saturating_add(taken.max(length));
            }
            FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => {}
        }
        if quota.is_over(usage) {
            return;
        }
    }
}

/// Measures again and again; ends when there is too much.
///
/// Where gadus is an ordinary user a job can close a directory to it. Then what the file system has
/// lost since the start counts as the job's, which errs against jobs that hide things.
pub(crate) async fn watch(roots: Vec<PathBuf>, quota: Quota, every: Duration) -> Failure {
    if roots.is_empty() {
        return std::future::pending().await;
    }
    let at_start = roots.first().and_then(|root| free_bytes(root));
    let mut pause = every;
    loop {
        tokio::time::sleep(pause).await;
        let begun = std::time::Instant::now();
        let these = roots.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let usage = measure(&these, quota);
            let free = these.first().and_then(|root| free_bytes(root));
            (usage, free)
        });
        let Ok((mut usage, free)) = measured.await else { continue };
        if usage.hidden {
            let lost = at_start.zip(free).map_or(0, |(then, now)| then.saturating_sub(now));
            usage.bytes = usage.bytes.max(lost);
        }
        if let Err(failure) = quota.check(&usage) {
            return failure;
        }
        pause = every.max(begun.elapsed() * SHARE_MAX);
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    fs::statvfs(path).ok().map(|vfs| vfs.f_bavail.saturating_mul(vfs.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    const QUOTA: Quota = Quota { max_bytes: 1 << 20, max_files: 100 };

    fn measured(dir: &Path) -> Usage {
        measure(&[dir.to_owned()], QUOTA)
    }

    #[test]
    fn holes_count_and_links_do_not_lead_anywhere() {
        let tmp = tempfile::tempdir().unwrap();
        std::fs::create_dir(tmp.path().join("d")).unwrap();
        File::create(tmp.path().join("d/sparse")).unwrap().set_len(1 << 40).unwrap();
        symlink("/", tmp.path().join("root")).unwrap();
        let usage = measure(&[tmp.path().to_owned()], Quota { max_bytes: u64::MAX, ..QUOTA });
        assert_eq!(usage, Usage { bytes: 1 << 40, files: 3, hidden: false });
        assert_eq!(QUOTA.check(&usage).unwrap_err().kind, FailureKind::OutputLimit);
    }

    #[test]
    fn counting_ends_at_the_quota() {
        let tmp = tempfile::tempdir().unwrap();
        for i in 0..150 {
            File::create(tmp.path().join(i.to_string())).unwrap();
        }
        let usage = measured(tmp.path());
        assert_eq!(usage.files, QUOTA.max_files + 1);
        assert!(QUOTA.check(&usage).unwrap_err().message.contains("100 files"));
    }

    #[test]
    fn a_bottomless_tree_is_hidden_from_some_depth_on() {
        let tmp = tempfile::tempdir().unwrap();
        let deep: PathBuf = std::iter::repeat_n("d", DEPTH_MAX + 2).collect();
        std::fs::create_dir_all(tmp.path().join(deep)).unwrap();
        assert!(measured(tmp.path()).hidden);
    }

    #[test]
    fn nothing_there_is_hidden() {
        assert!(measured(Path::new("/nonexistent")).hidden);
    }

    #[tokio::test(start_paused = true)]
    async fn watching_ends_with_the_excess() {
        let tmp = tempfile::tempdir().unwrap();
        let watching = watch(vec![tmp.path().to_owned()], QUOTA, Duration::from_millis(10));
        std::fs::write(tmp.path().join("big"), vec![0; 2 << 20]).unwrap();
        assert_eq!(watching.await.kind, FailureKind::OutputLimit);
    }
}
