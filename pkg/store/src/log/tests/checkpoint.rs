//! Where a replay begins.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::*;

fn snapshots(seq: u64, bytes: usize) -> Vec<Record> {
    (1..=3).map(|n| sample::snapshot(n, seq, bytes)).collect()
}

/// A checkpoint, complete or not, with appends before, between and behind.
fn checkpoint(dir: &Path, snapshots: Vec<Record>, seq: u64, is_complete: bool) {
    write(dir, |inbox| {
        drop(inbox.append(vec![sample::record(9, seq)]));
        let (_, made) = inbox.checkpoint(snapshots);
        drop(inbox.append(vec![sample::record(9, seq + 1)]));
        if is_complete {
            inbox.complete(made.unwrap().0);
        }
        drop(inbox.append(vec![sample::record(9, seq + 2)]));
    });
}

fn tail(seqs: std::ops::RangeInclusive<u64>) -> Vec<Record> {
    seqs.map(|seq| sample::record(9, seq)).collect()
}

#[test]
fn replay_begins_at_the_newest_complete_one() {
    let dir = tempfile::tempdir().unwrap();
    checkpoint(dir.path(), snapshots(1, 10), 1, true);
    assert_eq!(records(dir.path()), [snapshots(1, 10), tail(2..=3)].concat());
    checkpoint(dir.path(), snapshots(2, 10), 4, true);
    assert_eq!(records(dir.path()), [snapshots(2, 10), tail(5..=6)].concat());
    let found = recover(dir.path()).unwrap();
    assert_eq!((found.checkpoint(), found.segments.len()), (2, 3));
    let before: Vec<Record> = found.before_checkpoint().collect::<Result<_, _>>().unwrap();
    assert_eq!(before, tail(1..=4), "all that happened, and no snapshot, since it is all there");
}

#[test]
fn an_incomplete_one_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    checkpoint(dir.path(), snapshots(1, 10), 1, false);
    assert_eq!(records(dir.path()), tail(1..=3));
    checkpoint(dir.path(), snapshots(2, 10), 4, true);
    checkpoint(dir.path(), snapshots(3, 10), 7, false);
    checkpoint(dir.path(), snapshots(4, 10), 10, false);
    let expected = [snapshots(2, 10), tail(5..=12)].concat();
    assert_eq!(records(dir.path()), expected, "its snapshots are left out");
}

#[test]
fn a_checkpoint_may_be_completed_in_a_later_segment() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), |inbox| {
        let (_, made) = inbox.checkpoint(snapshots(1, 10));
        appends(1..=300).into_iter().for_each(|records| drop(inbox.append(records)));
        inbox.complete(made.unwrap().0);
    });
    let found = recover(dir.path()).unwrap();
    assert!(found.segments.len() >= 3);
    assert_eq!(replayed(&found), [snapshots(1, 10), appends(1..=300).concat()].concat());
}

#[test]
fn snapshots_may_be_larger_than_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let large = snapshots(1, 20_000);
    checkpoint(dir.path(), large.clone(), 1, true);
    assert_eq!(records(dir.path()), [large, tail(2..=3)].concat());
    let found = recover(dir.path()).unwrap();
    assert!(found.snapshot_bytes > 60_000 && found.appended_bytes < 1_000);
}

#[test]
fn older_segments_may_be_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        checkpoint(dir.path(), snapshots(round, 10), 1 + round * 3, true);
    }
    fs::remove_file(segment(dir.path(), 1)).unwrap();
    let found = recover(dir.path()).unwrap();
    assert_eq!(replayed(&found), [snapshots(2, 10), tail(8..=9)].concat());
    let before: Vec<Record> = found.before_checkpoint().collect::<Result<_, _>>().unwrap();
    assert_eq!(before, [snapshots(0, 10), tail(2..=7)].concat(), "its first snapshots stand in");
}

#[test]
fn unused_room_of_old_segments_is_given_back_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig { segment_bytes: 8 << 20, ..config() };
    let write = |fill: &dyn Fn(&Inbox)| {
        write_on(Arc::new(RealDisk), dir.path(), &config, fill).unwrap();
    };
    let reserved = |n| fs::metadata(segment(dir.path(), n)).unwrap().blocks() * 512;
    write(&|inbox| {
        drop(inbox.append(appends(1..=1).concat()));
        drop(inbox.checkpoint(snapshots(1, 10)));
    });
    assert!(reserved(1) >= config.segment_bytes, "not while others are written");
    write(&|_| {});
    assert!(reserved(1) < 1 << 20);
    assert!(reserved(2) >= config.segment_bytes, "the last one goes on");
    assert_eq!(records(dir.path()), appends(1..=1).concat());
}
