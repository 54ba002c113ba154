//! The index is made again from the log.

use super::*;

/// Ten finished jobs before a checkpoint, five behind it; the index as it was after four.
async fn prepared() -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    finish(&store, 1..=4).await;
    drop(store);
    let early = fs::read(dir.path().join("index.redb")).unwrap();
    let store = open(dir.path());
    finish(&store, 5..=10).await;
    store.checkpoint(vec![sample::snapshot(20, 1, 10)]).await.unwrap();
    finish(&store, 11..=15).await;
    drop(store);
    (dir, early)
}

/// Opens it, and tells how many records were folded for that.
fn reopen(dir: &Path) -> (Arc<LogStore>, usize) {
    let mut folder = SampleFolder::default();
    let store = LogStore::open(dir, &config(), &mut folder).unwrap();
    (store, folder.records)
}

fn has_jobs(store: &LogStore, jobs: std::ops::RangeInclusive<u32>) {
    assert_eq!(total(store), jobs.clone().count());
    for n in jobs {
        assert_eq!(store.job(sample::job_id(n)).unwrap(), Some(sample::view(n)));
        let found = store.job_by_key("tester", &format!("key-{n}")).unwrap();
        assert_eq!(found, Some(sample::job_id(n)));
    }
}

#[tokio::test]
async fn a_current_one_is_left_alone() {
    let (dir, _) = prepared().await;
    let (store, folded) = reopen(dir.path());
    assert_eq!(folded, 0);
    has_jobs(&store, 1..=15);
}

#[tokio::test]
async fn whatever_is_wrong_with_it() {
    let (dir, early) = prepared().await;
    let path = dir.path().join("index.redb");
    let good = fs::read(&path).unwrap();
    let other = tempfile::tempdir().unwrap();
    drop(open(other.path()));
    let foreign = fs::read(other.path().join("index.redb")).unwrap();
    let mut bad_header = good.clone();
    bad_header[..512].fill(0xa5);
    let table = [
        ("it is missing", None),
        ("it is empty", Some(Vec::new())),
        ("it is garbage", Some(vec![0x5a; 100_000])),
        ("it is cut short", Some(good[..good.len() / 2].to_vec())),
        ("its header is damaged", Some(bad_header)),
        ("it is behind the checkpoint", Some(early)),
        ("it is of another log", Some(foreign)),
    ];
    for (what, bytes) in table {
        fs::remove_file(&path).unwrap();
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let (store, folded) = reopen(dir.path());
        assert_eq!(folded, 20, "{what}: two records for each job before the checkpoint");
        has_jobs(&store, 1..=10);
        // Those behind the checkpoint are replayed, and folded as ever.
        finish(&store, 11..=15).await;
        has_jobs(&store, 1..=15);
    }
}

#[tokio::test]
async fn damaged_history_is_refused_with_the_place() {
    let (dir, _) = prepared().await;
    fs::remove_file(dir.path().join("index.redb")).unwrap();
    let first = dir.path().join("log/0000000001.log");
    let mut bytes = fs::read(&first).unwrap();
    bytes[200] ^= 1;
    fs::write(&first, bytes).unwrap();
    let mut folder = SampleFolder::default();
    let error = LogStore::open(dir.path(), &config(), &mut folder).err().unwrap();
    assert!(error.to_string().contains("0000000001.log is damaged at byte"), "{error}");
}

#[tokio::test]
async fn what_is_folded_is_seen_before_it_is_durable_and_kept_by_closing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    finish(&store, 1..=3).await;
    store.checkpoint(Vec::new()).await.unwrap();
    let ticket = store.append(vec![sample::record(4, 1), sample::ended(4, 2)]);
    store.fold(Arc::new(sample::view(4)));
    assert_eq!(total(&store), 4, "queries see it at once");
    ticket.await.unwrap();
    drop(store);
    assert_eq!(total(&open(dir.path())), 4, "closing commits what is durable");
}
