//! Damage to what was once durable is refused, with the place.

use std::fs;

use proptest::prelude::*;

use super::*;

fn damage(dir: &Path) -> (String, u64) {
    match recover(dir) {
        Err(StoreError::Corrupt { file, offset, .. }) => (file, offset),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn every_flipped_byte_before_the_last_batch() {
    let dir = tempfile::tempdir().unwrap();
    let begin = recover(dir.path()).unwrap().end;
    append(dir.path(), &appends(1..=4));
    let end = recover(dir.path()).unwrap().end;
    append(dir.path(), &appends(5..=6));
    let path = segment(dir.path(), 1);
    let all = records(dir.path());
    let good = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in begin..end {
        let mut bytes = good.clone();
        bytes[at as usize] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        match recover(dir.path()) {
            // Padding between frames means nothing.
            Ok(found) => assert_eq!(replayed(&found), all),
            Err(StoreError::Corrupt { file, offset, .. }) => {
                assert_eq!(file, path.display().to_string());
                assert!((begin..=at).contains(&offset), "{offset} for byte {at}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > (end - begin) * 9 / 10);
}

#[test]
fn a_segment_that_is_not_the_last() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &appends(1..=200));
    append(dir.path(), &appends(201..=400));
    let found = recover(dir.path()).unwrap();
    assert!(found.segments.len() >= 2, "it fills more than one");
    let path = segment(dir.path(), 1);
    let good = fs::read(&path).unwrap();
    let first_end = found.segments[1].previous_end;

    for cut in [64, first_end / 2, first_end - 8, first_end - 1] {
        fs::write(&path, &good[..cut as usize]).unwrap();
        let (file, offset) = damage(dir.path());
        assert_eq!(file, path.display().to_string());
        assert!(offset <= cut);
    }
    let mut bytes = good.clone();
    bytes[3] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(damage(dir.path()), (path.display().to_string(), 0), "its header");

    fs::write(&path, &good).unwrap();
    assert_eq!(records(dir.path()), appends(1..=400).concat());
}

#[test]
fn a_missing_segment() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &appends(1..=200));
    append(dir.path(), &appends(201..=400));
    append(dir.path(), &appends(401..=600));
    let last = recover(dir.path()).unwrap().segments.len() as u64;
    assert!(last >= 3);
    fs::rename(segment(dir.path(), 2), dir.path().join("elsewhere")).unwrap();
    assert_eq!(damage(dir.path()).0, segment(dir.path(), 2).display().to_string());
    fs::rename(dir.path().join("elsewhere"), segment(dir.path(), 2)).unwrap();
    fs::remove_file(segment(dir.path(), 1)).unwrap();
    let why = recover(dir.path()).unwrap_err().to_string();
    assert!(why.contains("older segments are gone"), "{why}");
}

#[test]
fn a_segment_of_another_log() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&dir, &other] {
        append(dir.path(), &appends(1..=200));
    }
    fs::copy(segment(other.path(), 2), segment(dir.path(), 2)).unwrap();
    let why = recover(dir.path()).unwrap_err().to_string();
    assert!(why.contains("another log"), "{why}");
}

#[test]
fn a_segment_that_was_only_begun_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &appends(1..=10));
    for begun in [Vec::new(), vec![0; 30], vec![0; 64], vec![0; 4096], b"gadus".to_vec()] {
        fs::write(segment(dir.path(), 2), &begun).unwrap();
        assert_eq!(records(dir.path()), appends(1..=10).concat());
    }
    append(dir.path(), &appends(11..=300));
    assert_eq!(records(dir.path()), appends(1..=300).concat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is in the files, reading them ends in records that were written, or in an error.
    #[test]
    fn any_damage_anywhere(
        places in prop::collection::vec((1u64..=3, 0.0f64..1.0, any::<[u8; 4]>()), 1..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &appends(1..=100));
        write(dir.path(), |inbox| {
            let (_, made) = inbox.checkpoint(vec![sample::snapshot(1, 100, 50)]);
            inbox.complete(made.unwrap().0);
        });
        append(dir.path(), &appends(101..=110));
        for (number, at, bytes) in places {
            let Ok(mut file) = fs::read(segment(dir.path(), number)) else { continue };
            let at = (at * (file.len() - bytes.len()) as f64) as usize;
            file[at..at + bytes.len()].copy_from_slice(&bytes);
            fs::write(segment(dir.path(), number), file).unwrap();
        }
        let snapshot = [sample::snapshot(1, 100, 50)];
        let written = [&snapshot[..], &appends(1..=110).concat()].concat();
        if let Ok(found) = recover(dir.path()) {
            for record in found.before_checkpoint().chain(found.since_checkpoint()).flatten() {
                prop_assert!(written.contains(&record));
            }
        }
    }
}
