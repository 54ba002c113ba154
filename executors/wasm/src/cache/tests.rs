use gadus_model::RAW;
use gadus_model::codec::cid_of;

use super::*;

const KEY: &str = "0123456789abcdef";

fn cid(n: u8) -> Cid {
    cid_of(RAW, &[n])
}

fn open(root: &Path) -> DiskCache {
    DiskCache::open(root, KEY, 1000).unwrap()
}

fn names(root: &Path) -> Vec<String> {
    let dir = fs::read_dir(root.join(KEY)).unwrap();
    dir.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_was_put_is_found_again_after_reopening() {
    let root = tempfile::tempdir().unwrap();
    let cache = open(root.path());
    assert!(!cache.has(&cid(1)));
    assert_eq!(cache.path(&cid(1)), None);
    cache.put(&cid(1), b"machine code");
    let cache = open(root.path());
    assert!(cache.has(&cid(1)));
    assert_eq!(fs::read(cache.path(&cid(1)).unwrap()).unwrap(), b"machine code");
    let old = cache.path(&cid(1)).unwrap();
    cache.put(&cid(1), b"newer code");
    assert_eq!(fs::read(cache.path(&cid(1)).unwrap()).unwrap(), b"newer code");
    assert!(!old.exists());
}

#[test]
fn it_is_private_and_becomes_so() {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), Permissions::from_mode(0o777)).unwrap();
    let cache = open(root.path());
    cache.put(&cid(1), b"x");
    for path in [root.path().to_owned(), root.path().join(KEY), cache.path(&cid(1)).unwrap()] {
        let mode = fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    }
}

#[test]
fn a_link_in_place_of_the_directory_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join(KEY)).unwrap();
    let refused = DiskCache::open(root.path(), KEY, 1000).err().unwrap();
    assert_eq!(refused.kind, FailureKind::EngineDown);
}

#[test]
fn damage_is_noticed_and_removed() {
    let root = tempfile::tempdir().unwrap();
    let cache = open(root.path());
    for damage in [&b"machine cod3"[..], b"machine", b"", b"machine code and more"] {
        cache.put(&cid(1), b"machine code");
        let path = cache.path(&cid(1)).unwrap();
        fs::write(&path, damage).unwrap();
        assert_eq!(cache.path(&cid(1)), None);
        assert!(!cache.has(&cid(1)));
        assert!(!path.exists());
    }
}

#[test]
fn leftovers_and_other_engines_are_removed_at_start() {
    let root = tempfile::tempdir().unwrap();
    open(root.path()).put(&cid(1), b"machine code");
    let dir = root.path().join(KEY);
    fs::write(dir.join("0000.partial"), "half").unwrap();
    fs::write(dir.join(format!("{}.00000000.5.cwasm", cid(2))), "four").unwrap();
    fs::create_dir_all(root.path().join("fedcba9876543210")).unwrap();
    fs::create_dir_all(root.path().join("not-ours")).unwrap();
    let cache = open(root.path());
    assert!(cache.has(&cid(1)) && !cache.has(&cid(2)));
    assert_eq!(names(root.path()).len(), 1);
    assert!(!root.path().join("fedcba9876543210").exists());
    assert!(root.path().join("not-ours").exists());
}

#[test]
fn the_least_recently_used_goes_first() {
    let root = tempfile::tempdir().unwrap();
    let cache = open(root.path());
    for n in 1..=3 {
        cache.put(&cid(n), &[n; 300]);
    }
    cache.path(&cid(1)).unwrap();
    cache.put(&cid(4), &[4; 300]);
    assert!(!cache.has(&cid(2)));
    assert!(cache.has(&cid(1)) && cache.has(&cid(3)) && cache.has(&cid(4)));
    assert_eq!(names(root.path()).len(), 3);
    cache.put(&cid(5), &[5; 1001]);
    assert!(!cache.has(&cid(5)), "more than the whole cache may hold");
    assert_eq!(DiskCache::open(root.path(), KEY, 500).unwrap().index.lock().entries.len(), 1);
}
