//! The process dies at named points.

use super::*;

/// Appends three records, and notes each that was acknowledged.
async fn append_and_note(dir: &Path) {
    let crash_at = env::var(CHILD_CRASH_AT).ok();
    let config = StoreConfig { crash_at, ..config() };
    let store = LogStore::open(dir, &config, &mut SampleFolder::default()).unwrap();
    for seq in 1..=3 {
        store.append(vec![sample::record(1, seq)]).await.unwrap();
        fs::write(dir.join("acknowledged"), seq.to_string()).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives() {
    if let Some(dir) = child_dir() {
        return append_and_note(&dir).await;
    }
    let table = [
        ("", 3, 3),
        ("store.before_write", 0, 0),
        ("store.before_write:3", 2, 2),
        ("store.after_write:2", 1, 2),
        ("store.after_sync:1", 0, 1),
        ("store.after_sync:3", 2, 3),
    ];
    for (point, acknowledged, durable) in table {
        let dir = tempfile::tempdir().unwrap();
        let test = "store::tests::crash::what_was_acknowledged_survives";
        let status = run_child(test, dir.path(), point);
        assert_eq!(status.success(), point.is_empty(), "{point}: {status}");
        let noted = fs::read_to_string(dir.path().join("acknowledged")).unwrap_or_default();
        assert_eq!(noted.parse().unwrap_or(0), acknowledged, "{point}");
        let expected: Vec<Record> = (1..=durable).map(|seq| sample::record(1, seq)).collect();
        assert_eq!(open(dir.path()).replay().unwrap(), expected, "{point}");
    }
}
