use std::fs;
use std::os::unix::fs::symlink;

use tar::{EntryType, Header};

use super::*;

/// A tar as a hostile node could make it: names and targets go in as they are.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, kind: EntryType, name: &str, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o4755);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn dir(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name, "", b"")
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, name, "", content.as_bytes())
    }

    fn link(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name, target, b"")
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("base")).unwrap();
        fs::write(dir.path().join("secret"), "untouched").unwrap();
        Self { dir }
    }

    fn unpack(&self, tar: Tar, overwrite: bool, links: Links) -> Result<Unpacked, Failure> {
        let base = self.dir.path().join("base");
        Unpacker::new(&base, "out".into(), overwrite, links)?.unpack(&tar.bytes()[..])
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.dir.path().join("base/out").join(path)).ok()
    }

    /// Nothing outside of the destination was made, changed or removed.
    fn is_clean(&self) -> bool {
        let names = |path: &Path| {
            let entries = fs::read_dir(path).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let outside = names(self.dir.path());
        let inside = names(&self.dir.path().join("base"));
        fs::read_to_string(self.dir.path().join("secret")).unwrap() == "untouched"
            && outside == ["base", "secret"]
            && (inside.is_empty() || inside == ["out"])
    }
}

fn why(result: Result<Unpacked, Failure>) -> String {
    match result.unwrap_err() {
        Failure::Told(report) => format!("{}: {}", report.what, report.causes.join("; ")),
        Failure::ReaderGone => panic!("told"),
    }
}

#[test]
fn a_plain_tree_is_written_whole() {
    let place = Place::new();
    let tar = Tar::default()
        .dir("bafy/")
        .file("bafy/a", "one")
        .dir("bafy/sub/")
        .file("bafy/sub/b", "two")
        .link("bafy/sub/up", "../a")
        // A parent that the stream does not name is made.
        .file("bafy/x/y/z", "three");
    let unpacked = place.unpack(tar, false, Links::Inside).unwrap();
    assert_eq!((unpacked.files, unpacked.bytes, unpacked.links_skipped), (3, 11, 0));
    assert_eq!(place.read("sub/up").as_deref(), Some("one"));
    assert_eq!(place.read("x/y/z").as_deref(), Some("three"));
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(place.dir.path().join("base/out/a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7000, 0, "no bits that give rights");
}

#[test]
fn one_file_takes_the_name_it_is_given() {
    let place = Place::new();
    place.unpack(Tar::default().file("whatever", "x"), false, Links::Inside).unwrap();
    assert_eq!(fs::read_to_string(place.dir.path().join("base/out")).unwrap(), "x");
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../secret", "bafy/../../secret", "/tmp/gadus-evil", "..", "/", "bafy/../../../x"]
    {
        let place = Place::new();
        let text = why(place.unpack(Tar::default().file(name, "evil"), true, Links::All));
        assert!(text.contains("refused"), "{name}: {text}");
        assert!(place.is_clean(), "{name}");
    }
    let place = Place::new();
    let two = Tar::default().dir("a/").file("b", "x");
    assert!(why(place.unpack(two, false, Links::Inside)).contains("more than one tree"));
}

#[test]
fn links_of_the_stream_are_never_followed() {
    // Each makes a link out of the tree, then tries to write through it.
    let tricks: [fn(Tar) -> Tar; 4] = [
        |tar| tar.link("r/l", "/").file("r/l/secret", "evil"),
        |tar| tar.link("r/l", "../..").file("r/l/secret", "evil"),
        |tar| tar.link("r/l", "../../secret").file("r/l", "evil"),
        |tar| {
            tar.dir("r/d/").link("r/d/l", "..").link("r/m", "d/l/..").file("r/m/../secret", "evil")
        },
    ];
    for (n, trick) in tricks.iter().enumerate() {
        for links in [Links::Inside, Links::All] {
            let place = Place::new();
            let result = place.unpack(trick(Tar::default().dir("r/")), false, links);
            assert!(place.is_clean(), "trick {n} {links:?}: {result:?}");
        }
    }
    // The root itself may be the link.
    let place = Place::new();
    let tar = Tar::default().link("r", "..").file("r/secret", "evil");
    assert!(place.unpack(tar, false, Links::All).is_err());
    assert!(place.is_clean());
}

#[test]
fn links_that_stand_there_already_are_not_followed_even_when_overwriting() {
    let place = Place::new();
    let out = place.dir.path().join("base/out");
    fs::create_dir(&out).unwrap();
    symlink(place.dir.path(), out.join("dir")).unwrap();
    symlink(place.dir.path().join("secret"), out.join("file")).unwrap();
    let text =
        why(place.unpack(Tar::default().dir("r/").file("r/dir/secret", "evil"), true, Links::All));
    assert!(text.contains("a symlink"), "{text}");
    place.unpack(Tar::default().dir("r/").file("r/file", "new"), true, Links::All).unwrap();
    assert_eq!(place.read("file").as_deref(), Some("new"));
    assert!(!fs::symlink_metadata(out.join("file")).unwrap().is_symlink());
    assert!(place.is_clean());
}

#[test]
fn links_out_of_the_tree_are_left_out_unless_wanted() {
    let tree = || {
        Tar::default()
            .dir("r/")
            .link("r/abs", "/etc/passwd")
            .link("r/up", "../x")
            .dir("r/d/")
            .link("r/d/twice", "../../x")
            .link("r/d/sly", "../d/../../x")
            .link("r/d/fine", "../d/x")
            .link("r/d/root", "..")
    };
    let place = Place::new();
    let unpacked = place.unpack(tree(), false, Links::Inside).unwrap();
    assert_eq!((unpacked.links, unpacked.links_skipped), (2, 4));
    assert_eq!(unpacked.first_skipped.as_deref(), Some("out/abs -> /etc/passwd"));
    let place = Place::new();
    let unpacked = place.unpack(tree(), false, Links::All).unwrap();
    assert_eq!((unpacked.files, unpacked.links, unpacked.links_skipped), (0, 6, 0));
}

#[test]
fn what_no_tree_has_is_refused() {
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block, EntryType::Link] {
        let place = Place::new();
        let tar = Tar::default().dir("r/").entry(kind, "r/x", "/etc/passwd", b"");
        assert!(
            why(place.unpack(tar, false, Links::All)).contains("which no tree has"),
            "{kind:?}"
        );
    }
}

#[test]
fn what_is_there_stays_unless_overwriting_is_wanted() {
    let twice = || Tar::default().dir("r/").file("r/a", "old").file("r/a", "new");
    let place = Place::new();
    assert!(why(place.unpack(twice(), false, Links::Inside)).contains("write out/a"));
    assert_eq!(place.read("a").as_deref(), Some("old"));
    let place = Place::new();
    place.unpack(twice(), true, Links::Inside).unwrap();
    assert_eq!(place.read("a").as_deref(), Some("new"));
    // A directory is not removed for a file.
    let place = Place::new();
    let tar = Tar::default().dir("r/").file("r/d/x", "kept").file("r/d", "new");
    assert!(place.unpack(tar, true, Links::Inside).is_err());
    assert_eq!(place.read("d/x").as_deref(), Some("kept"));
}

#[test]
fn a_stream_that_breaks_off_is_an_error() {
    let place = Place::new();
    let whole = Tar::default().dir("r/").file("r/a", &"x".repeat(2000)).bytes();
    for cut in [512 + 100, 512 + 512 + 700] {
        let base = place.dir.path().join("base");
        let unpacker = Unpacker::new(&base, "out".into(), true, Links::Inside).unwrap();
        assert!(unpacker.unpack(&whole[..cut]).is_err(), "{cut}");
    }
    assert!(why(place.unpack(Tar::default(), true, Links::Inside)).contains("empty stream"));
}

#[test]
fn a_name_that_comes_twice_is_no_trouble_of_the_disk() {
    let place = Place::new();
    let tar = Tar::default().dir("t").file("t/a", "one").file("t/a", "two");
    let error = format!("{:?}", place.unpack(tar, false, Links::Inside).unwrap_err());
    assert!(error.contains("this name twice"), "{error}");
}

#[test]
fn nothing_more_is_written_to_a_disk_that_is_nearly_full() {
    let place = Place::new();
    let file = File::create(place.dir.path().join("file")).unwrap();
    check_room(&file, &["file".into()], 0).unwrap();
    let error = format!("{:?}", check_room(&file, &["file".into()], u64::MAX).unwrap_err());
    assert!(error.contains("would be left on the disk"), "{error}");
}
