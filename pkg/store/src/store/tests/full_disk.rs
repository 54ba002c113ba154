//! A disk that is full, for real.

use std::io::Write;

use super::*;

/// A small file system of its own, if this process may make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(bytes: u64) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={bytes}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(dir.path())
            .output();
        mount.is_ok_and(|m| m.status.success()).then(|| Self(dir))
    }

    fn resize(&self, bytes: u64) {
        let options = format!("remount,size={bytes}");
        let mount = Command::new("mount").args(["-o", &options]).arg(self.0.path()).output();
        assert!(mount.unwrap().status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a child of another test may hold our files for a moment, until its exec.
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).output();
        assert!(unmounted.is_ok_and(|m| m.status.success()));
    }
}

#[tokio::test]
async fn it_is_named_and_nothing_acknowledged_is_lost() {
    let Some(disk) = SmallDisk::mount(8 << 20) else {
        assert!(env::var_os("CI").is_none(), "CI must be able to mount a file system");
        let skip = "SKIP store::tests::full_disk: this process may not mount a file system\n";
        std::io::stderr().write_all(skip.as_bytes()).unwrap();
        return;
    };
    let dir = disk.0.path();
    let config = StoreConfig { segment_bytes: 1 << 20, ..config() };
    let store = LogStore::open(dir, &config, &mut SampleFolder::default()).unwrap();
    let mut acknowledged = Vec::new();
    let error = loop {
        let record = sample::snapshot(1, acknowledged.len() as u64 + 1, 64 << 10);
        match store.append(vec![record.clone()]).await {
            Ok(()) => acknowledged.push(record),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(acknowledged.len() > 16, "one segment was filled");
    let again = store.append(vec![sample::record(1, 1_000)]).await;
    assert!(matches!(again, Err(StoreError::Full { .. })), "for ever");
    drop(store);

    disk.resize(32 << 20);
    let store = LogStore::open(dir, &config, &mut SampleFolder::default()).unwrap();
    assert_eq!(store.replay().unwrap(), acknowledged);
    store.append(vec![sample::record(1, 1_000)]).await.unwrap();
}
