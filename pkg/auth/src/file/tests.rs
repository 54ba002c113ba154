use std::thread;

use super::*;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data/node.key");
    (directory, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_key_of_the_first_start_stays() {
    let (_directory, path) = place();
    let first = NodeKey::load_or_create(&path).unwrap();
    assert_eq!(NodeKey::load_or_create(&path).unwrap().id(), first.id());
    assert_eq!(NodeKey::load_or_create(&path).unwrap().seed(), first.seed());
    let (_elsewhere, other) = place();
    assert_ne!(NodeKey::load_or_create(&other).unwrap().id(), first.id());
}

#[test]
fn only_its_owner_may_read_it_and_nothing_else_is_left() {
    let (_directory, path) = place();
    NodeKey::load_or_create(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    let names: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["node.key"]);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_remedy() {
    let (_directory, path) = place();
    NodeKey::load_or_create(&path).unwrap();
    for exposed in [0o640, 0o604, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        let error = NodeKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Exposed { mode, .. } if mode == exposed));
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    NodeKey::load_or_create(&path).unwrap();
}

#[test]
fn every_damaged_byte_and_every_cut_is_refused_and_left_as_it_is() {
    let (_directory, path) = place();
    NodeKey::load_or_create(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let flips = (0..good.len()).flat_map(|place| {
        [0x01, 0x20, 0x80].map(|mask| {
            let mut bytes = good.clone();
            bytes[place] ^= mask;
            bytes
        })
    });
    let cuts = (0..good.len()).map(|end| good[..end].to_vec());
    let longer = [[&good[..], b"\n"].concat(), [&good[..], &good[..]].concat()];
    for damaged in flips.chain(cuts).chain(longer) {
        fs::write(&path, &damaged).unwrap();
        let error = NodeKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Damaged { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    fs::write(&path, &good).unwrap();
    NodeKey::load_or_create(&path).unwrap();
}

#[test]
fn many_that_start_at_once_get_one_key() {
    let (_directory, path) = place();
    let starts: Vec<_> = (0..16)
        .map(|_| {
            let path = path.clone();
            thread::spawn(move || NodeKey::load_or_create(&path).unwrap().id())
        })
        .collect();
    let ids: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn a_directory_in_its_place_is_an_error_that_names_it() {
    let (_directory, path) = place();
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let error = NodeKey::load_or_create(&path).unwrap_err();
    assert!(error.to_string().contains("node.key"), "{error}");
}
