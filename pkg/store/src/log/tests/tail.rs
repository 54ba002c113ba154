//! The last batch, torn in every way.

use std::fs;

use proptest::prelude::*;

use super::*;

/// A log with a durable batch and a last one, and where the last one lies.
struct Torn {
    dir: tempfile::TempDir,
    first: Vec<Record>,
    last: Vec<Vec<Record>>,
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Torn {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &appends(1..=4));
        let begin = recover(dir.path()).unwrap().end as usize;
        let last = appends(5..=9);
        append(dir.path(), &last);
        let end = recover(dir.path()).unwrap().end as usize;
        let bytes = fs::read(segment(dir.path(), 1)).unwrap();
        let first = appends(1..=4).concat();
        Self { dir, first, last, bytes, begin, end }
    }

    /// With these bytes as the segment: replay gives all of the first batch and whole appends of
    /// the last one from its begin on, and appending goes on behind them. Tells how many appends
    /// are left.
    fn survives(&self, bytes: &[u8]) -> usize {
        let path = segment(self.dir.path(), 1);
        fs::write(&path, bytes).unwrap();
        let found = records(self.dir.path());
        let prefix = |n: usize| [self.first.clone(), self.last[..n].concat()].concat();
        let left = (0..=self.last.len()).find(|n| prefix(*n) == found);
        let left = left.unwrap_or_else(|| panic!("no prefix: {found:?}"));

        // As long as the first append that was torn: what is left of the second must not be
        // taken for what follows.
        let more = [vec![sample::record(2, 1)]];
        append(self.dir.path(), &more);
        let expected = [found, more.concat()].concat();
        assert_eq!(records(self.dir.path()), expected, "appending goes on");
        left
    }
}

#[test]
fn cut_at_every_byte() {
    let torn = Torn::new();
    let mut lefts = Vec::new();
    for at in torn.begin..=torn.end {
        let left = torn.survives(&torn.bytes[..at]);
        // The same, where the room stays reserved and reads as zero.
        let mut blanked = torn.bytes.clone();
        blanked[at..].fill(0);
        let left_of_blanked = torn.survives(&blanked);
        assert!(left_of_blanked >= left, "at {at}: padding is zero anyway");
        lefts.push(left);
    }
    assert!(lefts.is_sorted());
    assert_eq!((lefts.first(), lefts.last()), (Some(&0), Some(&torn.last.len())));
    lefts.dedup();
    assert_eq!(lefts.len(), torn.last.len() + 1, "every append counts by itself");
}

#[test]
fn flip_every_byte() {
    let torn = Torn::new();
    for at in torn.begin..torn.end {
        for mask in [0x01, 0xff] {
            let mut bytes = torn.bytes.clone();
            bytes[at] ^= mask;
            torn.survives(&bytes);
        }
    }
}

#[test]
fn lose_any_page_of_the_last_batch() {
    // What a power cut does: some of the pages that were being written are there, others not.
    let torn = Torn::new();
    for page in [8, 64, 128] {
        for at in (torn.begin..torn.end).step_by(page) {
            let mut bytes = torn.bytes.clone();
            let end = (at + page).min(torn.end);
            bytes[at..end].fill(0);
            assert!(torn.survives(&bytes) < torn.last.len());
        }
    }
}

#[test]
fn zeroes_are_not_damage() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &appends(1..=4));
    let found = recover(dir.path()).unwrap();
    assert!(!found.torn);
    let reserved = fs::metadata(segment(dir.path(), 1)).unwrap().len();
    assert_eq!(reserved, config().segment_bytes, "room is reserved behind the frames");

    let file = File::options().write(true).open(segment(dir.path(), 1)).unwrap();
    file.write_all_at(&[1], reserved - 1).unwrap();
    assert!(recover(dir.path()).unwrap().torn, "but anything else is");
    append(dir.path(), &appends(5..=5));
    assert_eq!(records(dir.path()), appends(1..=5).concat());
    assert!(!recover(dir.path()).unwrap().torn, "the tail was cleared");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_garbage_in_the_tail(at in 0usize..2_000, garbage in prop::collection::vec(any::<u8>(), 1..600)) {
        let torn = Torn::new();
        let mut bytes = torn.bytes.clone();
        let at = torn.begin + at % (torn.end - torn.begin);
        let end = (at + garbage.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&garbage[..end - at]);
        torn.survives(&bytes);
    }
}
