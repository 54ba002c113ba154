use std::io::Cursor;

use super::*;

fn tree() -> Cursor<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    builder.append_data(&mut header, "bafy/", &b""[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o644);
    builder.append_data(&mut header, "bafy/new", &b"new"[..]).unwrap();
    Cursor::new(builder.into_inner().unwrap())
}

fn broken() -> impl io::Read {
    let mut bytes = tree().into_inner();
    bytes.truncate(1024 + 512 + 1);
    Cursor::new(bytes)
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn something_new_appears_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a/b/out");
    let mut cut = tree().into_inner();
    cut.truncate(512 + 512 + 1);
    let broken = Place::of(&place, false).unwrap().fill(Cursor::new(cut), Links::Inside);
    assert!(broken.is_err());
    assert_eq!(names(&dir.path().join("a/b")), Vec::<String>::new());
    Place::of(&place, false).unwrap().fill(tree(), Links::Inside).unwrap();
    assert_eq!(names(&dir.path().join("a/b")), ["out"]);
    assert_eq!(names(&place), ["new"]);
}

#[test]
fn nothing_is_overwritten_unasked() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("old"), "old").unwrap();
    let failure = Place::of(dir.path(), false).unwrap_err();
    let Failure::Told(report) = failure else { panic!("told") };
    assert!(report.hint.unwrap().contains("--force"));
    Place::of(dir.path(), true).unwrap().fill(tree(), Links::Inside).unwrap();
    assert_eq!(names(dir.path()), ["new", "old"]);
    // The second time, the file itself is there.
    Place::of(dir.path(), true).unwrap().fill(tree(), Links::Inside).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("new")).unwrap(), "new");
}

#[test]
fn an_empty_directory_is_as_good_as_none() {
    let dir = tempfile::tempdir().unwrap();
    Place::of(dir.path(), false).unwrap().fill(tree(), Links::Inside).unwrap();
    assert_eq!(names(dir.path()), ["new"]);
    assert!(Place::of(&dir.path().join("new"), false).is_err());
}

#[test]
fn a_stream_that_breaks_keeps_the_file_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("out");
    let result = Place::of(&place, false).unwrap().fill(broken(), Links::Inside);
    // Cut in the padding after the last file: all content has come.
    assert!(result.is_ok() || names(dir.path()).is_empty(), "{result:?}");
}
