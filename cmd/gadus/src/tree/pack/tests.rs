use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tar::Archive;

use super::*;
use crate::tree::scan;

/// Path → (type, size, link target, content).
type Entries = BTreeMap<String, (char, u64, String, Vec<u8>)>;

fn packed(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    pack(path, Packed::at(path)?, false, &mut bytes)?;
    Ok(bytes)
}

fn entries(tar: &[u8]) -> Entries {
    let mut archive = Archive::new(tar);
    let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let link = entry.link_name_bytes().unwrap_or_default().into_owned();
        let kind = match entry.header().entry_type() {
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            _ => 'f',
        };
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path, (kind, entry.size(), String::from_utf8(link).unwrap(), content))
    };
    archive.entries().unwrap().map(read).collect()
}

#[test]
fn an_odd_tree_is_packed_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tree");
    let long = "n".repeat(255);
    let deep: PathBuf = (0..30).map(|n| format!("level-{n}")).collect();
    fs::create_dir_all(root.join(&deep)).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    fs::write(root.join(".hidden"), "h").unwrap();
    fs::write(root.join(&long), "long name").unwrap();
    fs::write(root.join(&deep).join("bottom"), "deep").unwrap();
    fs::write(root.join("with space\nand newline"), "").unwrap();
    fs::write(root.join("exactly-a-block"), [7; 512]).unwrap();
    // Targets are content: neither tidied nor cut.
    for (name, target) in [("up", "../../x"), ("odd", "./a//b/./c/"), ("abs", "/etc/passwd")] {
        symlink(target, root.join(name)).unwrap();
    }
    symlink("t/".repeat(200), root.join("far")).unwrap();

    let entries = entries(&packed(&root).unwrap());
    let content = |name: &str| String::from_utf8_lossy(&entries[name].3).into_owned();
    let link = |name: &str| entries[name].2.clone();
    assert_eq!(entries["root/"].0, 'd');
    assert_eq!(entries["root/empty/"].0, 'd');
    assert_eq!(content("root/.hidden"), "h");
    assert_eq!(content(&format!("root/{long}")), "long name");
    assert_eq!(content(&format!("root/{}/bottom", deep.display())), "deep");
    assert_eq!(content("root/with space\nand newline"), "");
    assert_eq!(entries["root/exactly-a-block"].1, 512);
    assert_eq!(
        [link("root/up"), link("root/odd"), link("root/abs")],
        ["../../x", "./a//b/./c/", "/etc/passwd"]
    );
    assert_eq!(link("root/far"), "t/".repeat(200));
    assert_eq!(entries.values().filter(|e| e.0 == 'd').count(), 32);
    assert_eq!(scan(&root).unwrap().files, 9);
}

#[test]
fn one_tree_is_one_stream_whatever_its_dates_and_modes() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (dir, names) in dirs.iter().zip([["a", "b", "a.c"], ["a.c", "b", "a"]]) {
        for name in names {
            fs::write(dir.path().join(name), name).unwrap();
        }
    }
    let file = dirs[0].path().join("a");
    fs::set_permissions(file, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(packed(dirs[0].path()).unwrap(), packed(dirs[1].path()).unwrap());
}

#[test]
fn what_has_no_content_is_refused_by_name_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let socket = dir.path().join("sub/socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let told = |failure: Failure| match failure {
        Failure::Told(report) => (report.what, report.causes.join(" ")),
        Failure::ReaderGone => panic!("told"),
    };
    let (what, cause) = told(scan(dir.path()).unwrap_err());
    assert_eq!(what, format!("cannot add {}", socket.display()));
    assert!(cause.contains("a socket"), "{cause}");
    assert!(told(Packed::at(&socket).unwrap_err()).1.contains("a socket"));

    let fifo = dir.path().join("sub/fifo");
    fs::remove_file(&socket).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert!(told(scan(dir.path()).unwrap_err()).1.contains("a FIFO"));
    assert!(told(Packed::at(Path::new("/dev/null")).unwrap_err()).1.contains("a device"));
    assert!(told(Packed::at(Path::new("/surely/not/there")).unwrap_err()).0.contains("/surely"));
}

#[test]
fn a_file_that_is_not_what_it_was_is_an_error_and_not_a_short_file() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("log");
    fs::write(&disk, "four").unwrap();
    let entry = |bytes| Entry {
        disk: disk.clone(),
        name: "log".into(),
        kind: Kind::File(bytes),
        mode: None,
    };
    for bytes in [3, 5] {
        let failure = pack_entry(&entry(bytes), false, &mut io::sink()).unwrap_err();
        let Failure::Told(report) = failure else { panic!("told") };
        assert_eq!(report.causes, ["it changed while it was being read"]);
    }
    fs::remove_file(&disk).unwrap();
    symlink("/dev/zero", &disk).unwrap();
    assert!(pack_entry(&entry(4), false, &mut io::sink()).is_err(), "a link is not followed");
}

#[test]
fn a_named_symlink_is_what_it_leads_to() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    fs::write(dir.path().join("real/f"), "x").unwrap();
    symlink("real", dir.path().join("link")).unwrap();
    assert_eq!(Packed::at(&dir.path().join("link")).unwrap(), Packed::Tree);
    assert!(entries(&packed(&dir.path().join("link")).unwrap()).contains_key("root/f"));
    assert_eq!(packed(&dir.path().join("link/f")).unwrap(), b"x");
}

/// Cuts a file off as soon as the first of it has been read.
struct Cutter<'a>(&'a Path);

impl Write for Cutter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = OpenOptions::new().write(true).open(self.0)?;
        file.set_len(10)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_not_added_as_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, vec![1; 3 * READ_BYTES]).unwrap();
    let Err(Failure::Told(report)) = pack(&path, Packed::File, false, &mut Cutter(&path)) else {
        panic!("it is not what it was")
    };
    assert!(report.causes[0].contains("changed while it was being read"), "{report:?}");
}
