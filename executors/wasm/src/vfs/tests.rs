//! The file system alone, without a guest.

mod model;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use gadus_model::FailureKind;
use gadus_ports::{ContentError, InputDirectory, InputEntry, InputNode, StdStream};
use tempfile::TempDir;

use super::layout::Source;
use super::*;
use crate::kill::Killed;
use crate::wasi::abi::{Errno, fdflags, oflags, rights};

const INPUTS: u32 = 3;
const OUTPUTS: u32 = 4;
const READ: u64 = rights::FD_READ;
const BOTH: u64 = rights::FD_READ | rights::FD_WRITE;

struct Nowhere;

impl LogSink for Nowhere {
    fn write(&self, _: StdStream, _: &[u8]) {}
}

/// An input that lies in memory. A file named `broken` cannot be had.
#[derive(Debug, Default)]
struct Tree(BTreeMap<String, InputNode>);

impl InputDirectory for Tree {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        if name == "broken" {
            let cid = gadus_model::codec::cid_of(gadus_model::RAW, b"");
            return Err(ContentError::Missing { cid, asked: 0, waited_ms: 0 });
        }
        Ok(self.0.get(name).cloned())
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        let entry = |(name, node): (&String, &InputNode)| InputEntry {
            name: name.clone(),
            kind: node.kind(),
        };
        Ok(self.0.iter().map(entry).collect())
    }
}

/// A directory in itself. Who looks into it so many times is to end.
#[derive(Debug)]
struct Deadly(Arc<KillSwitch>, AtomicU32);

impl InputDirectory for Deadly {
    fn entry(&self, _: &str) -> Result<Option<InputNode>, ContentError> {
        // Wraps around after the last, which a test would notice.
        if self.1.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.stop();
        }
        Ok(Some(dir(&[])))
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        Ok(Vec::new())
    }
}

fn file(text: &str) -> InputNode {
    InputNode::File(Arc::new(Bytes::from(text.to_owned())))
}

fn dir(entries: &[(&str, InputNode)]) -> InputNode {
    let entries = entries.iter().map(|(name, node)| ((*name).to_owned(), node.clone()));
    InputNode::Directory(Arc::new(Tree(entries.collect())))
}

fn link(target: &str) -> InputNode {
    InputNode::Symlink(target.to_owned())
}

struct Rig {
    vfs: Vfs,
    dir: TempDir,
    kill: Arc<KillSwitch>,
}

impl Rig {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut RoomLimits)) -> Self {
        Self::of(10, change)
    }

    /// With so many descriptors.
    fn of(open_max: usize, change: impl FnOnce(&mut RoomLimits)) -> Self {
        let kill: Arc<KillSwitch> = Arc::default();
        let InputNode::Directory(inputs) = dir(&[
            ("a.txt", file("input")),
            ("sub", dir(&[("b.txt", file("deeper")), ("up", link("../a.txt"))])),
            ("inside", link("sub/b.txt")),
            ("out", link("../secret")),
            ("absolute", link("/etc/passwd")),
            ("loop", link("loop")),
            ("dangling", link("none")),
            ("to-dir", link("sub")),
            ("deadly", InputNode::Directory(Arc::new(Deadly(Arc::clone(&kill), 10.into())))),
        ]) else {
            unreachable!()
        };
        let dir = tempfile::tempdir().unwrap();
        let mut limits = RoomLimits {
            bytes_max: 1 << 20,
            files_max: 100,
            memory_max_bytes: 1 << 20,
            disk_reserve_bytes: 0,
            spill_dir: dir.path().join("spill"),
        };
        change(&mut limits);
        let planned = vec![
            Planned { guest: "/inputs".into(), source: Source::Input(inputs) },
            Planned { guest: "/outputs".into(), source: Source::Output(dir.path().join("out")) },
        ];
        let sink = Arc::new(Nowhere);
        let vfs = Vfs::new(planned, limits, open_max, sink, Arc::clone(&kill)).unwrap();
        Self { vfs, dir, kill }
    }

    fn open(&mut self, fd: u32, path: &str, oflags: u16, rights: u64) -> Result<u32, Fault> {
        self.vfs.open(fd, path, OpenAs { follow: true, oflags, rights, flags: 0 })
    }

    fn create(&mut self, path: &str, text: &[u8]) -> u32 {
        let fd = self.open(OUTPUTS, path, oflags::CREATE, BOTH).unwrap();
        assert_eq!(self.vfs.write(fd, None, text).unwrap(), text.len());
        fd
    }

    fn read(&mut self, fd: u32) -> Vec<u8> {
        let mut buffer = vec![0; 1 << 20];
        let read = self.vfs.read(fd, Some(0), &mut buffer).unwrap();
        buffer.truncate(read);
        buffer
    }

    fn names(&mut self, fd: u32) -> Vec<String> {
        let mut buffer = vec![0; 1 << 16];
        let used = self.vfs.read_dir(fd, 0, &mut buffer).unwrap();
        names(&buffer[..used])
    }

    fn exported(&mut self) -> Vec<(String, Vec<u8>)> {
        self.vfs.export().unwrap();
        exported(&self.dir.path().join("out"))
    }
}

fn names(mut entries: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while entries.len() >= 24 {
        let length = u32::from_le_bytes(entries[16..20].try_into().unwrap()) as usize;
        let Some(name) = entries.get(24..24 + length) else { break };
        names.push(String::from_utf8(name.to_vec()).unwrap());
        entries = &entries[24 + length..];
    }
    names
}

/// Every path below a directory of the host, with the bytes of files and the targets of links.
fn exported(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                all.push((format!("{shown}/"), Vec::new()));
                waiting.push(path);
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                all.push((format!("{shown}@"), target.to_str().unwrap().as_bytes().to_vec()));
            } else {
                all.push((shown, fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

fn errno<T>(result: Result<T, Fault>) -> Option<Errno> {
    match result {
        Ok(_) => None,
        Err(Fault::Errno(errno)) => Some(errno),
        Err(fault @ (Fault::Broken(_) | Fault::Killed(_))) => panic!("{fault:?}"),
    }
}

#[test]
fn inputs_are_read_through_links_that_stay_inside() {
    let mut rig = Rig::new();
    for (path, text) in [
        ("a.txt", "input"),
        ("./sub/../a.txt", "input"),
        ("sub//b.txt", "deeper"),
        ("inside", "deeper"),
        ("sub/up", "input"),
        ("to-dir/up", "input"),
        ("to-dir/../a.txt", "input"),
    ] {
        let fd = rig.open(INPUTS, path, 0, READ).unwrap();
        assert_eq!(rig.read(fd), text.as_bytes(), "{path}");
        rig.vfs.close(fd).unwrap();
    }
    // A directory is the end of the world for the paths that begin in it.
    let sub = rig.open(INPUTS, "to-dir/", oflags::DIRECTORY, 0).unwrap();
    assert_eq!(errno(rig.open(sub, "up", 0, READ)), Some(Errno::Notcapable));
}

#[test]
fn paths_that_lead_nowhere_say_why() {
    let mut rig = Rig::new();
    let long = "x".repeat(256);
    let deep = "a/".repeat(2049);
    for (path, why) in [
        ("", Errno::Noent),
        ("none", Errno::Noent),
        ("none/further", Errno::Noent),
        ("a.txt/further", Errno::Notdir),
        ("a.txt/", Errno::Notdir),
        ("inside/", Errno::Notdir),
        ("..", Errno::Notcapable),
        ("sub/../..", Errno::Notcapable),
        ("../inputs/a.txt", Errno::Notcapable),
        ("/a.txt", Errno::Notcapable),
        ("out", Errno::Notcapable),
        ("absolute", Errno::Notcapable),
        ("loop", Errno::Loop),
        ("dangling", Errno::Noent),
        ("a\0b", Errno::Inval),
        (&long, Errno::Nametoolong),
        (&deep, Errno::Nametoolong),
    ] {
        assert_eq!(errno(rig.open(INPUTS, path, 0, READ)), Some(why), "{path:?}");
        assert_eq!(errno(rig.vfs.stat(INPUTS, path, true)), Some(why), "{path:?}");
    }
    let as_link = OpenAs { follow: false, oflags: 0, rights: READ, flags: 0 };
    assert_eq!(errno(rig.vfs.open(INPUTS, "inside", as_link)), Some(Errno::Loop));
    assert_eq!(rig.vfs.read_link(INPUTS, "inside").unwrap(), "sub/b.txt");
    assert_eq!(errno(rig.vfs.read_link(INPUTS, "a.txt")), Some(Errno::Inval));
}

#[test]
fn inputs_cannot_be_changed() {
    let mut rig = Rig::new();
    rig.create("mine", b"");
    let rofs = Some(Errno::Rofs);
    for (oflags, rights) in
        [(0, BOTH), (0, rights::FD_WRITE), (oflags::TRUNCATE, READ), (oflags::CREATE, BOTH)]
    {
        assert_eq!(errno(rig.open(INPUTS, "a.txt", oflags, rights)), rofs);
    }
    assert_eq!(errno(rig.open(INPUTS, "new", oflags::CREATE, BOTH)), rofs);
    assert_eq!(errno(rig.vfs.make_dir(INPUTS, "new")), rofs);
    assert_eq!(errno(rig.vfs.remove_dir(INPUTS, "sub")), rofs);
    assert_eq!(errno(rig.vfs.unlink(INPUTS, "a.txt")), rofs);
    assert_eq!(errno(rig.vfs.symlink("a", INPUTS, "new")), rofs);
    assert_eq!(errno(rig.vfs.rename((INPUTS, "a.txt"), (OUTPUTS, "b"))), rofs);
    assert_eq!(errno(rig.vfs.rename((OUTPUTS, "mine"), (INPUTS, "b"))), rofs);
    let fd = rig.open(INPUTS, "a.txt", 0, READ).unwrap();
    assert_eq!(errno(rig.vfs.set_size(fd, 0)), rofs);
    assert_eq!(errno(rig.vfs.write(fd, None, b"x")), Some(Errno::Notcapable));
}

#[test]
fn an_input_that_cannot_be_read_is_nobodys_answer() {
    let mut rig = Rig::new();
    match rig.open(INPUTS, "broken", 0, READ) {
        Err(Fault::Broken(failure)) => {
            assert!(matches!(failure.kind, FailureKind::MissingBlock(_)), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_written_in_memory_and_beyond() {
    for memory in [0, 1, 64, 100, 1 << 20] {
        let mut rig = Rig::with(|limits| limits.memory_max_bytes = memory);
        let fd = rig.create("f", b"hello");
        assert_eq!(rig.vfs.seek(fd, 3, Whence::End).unwrap(), 8);
        assert_eq!(rig.vfs.write(fd, None, b"world").unwrap(), 5);
        assert_eq!(rig.vfs.tell(fd).unwrap(), 13);
        assert_eq!(rig.vfs.write(fd, Some(1), b"E").unwrap(), 1);
        assert_eq!(rig.read(fd), b"hEllo\0\0\0world");
        assert_eq!(rig.vfs.write(fd, Some(12), &[b'!'; 200]).unwrap(), 200);
        assert_eq!(rig.vfs.stat_fd(fd).unwrap().size, 212);
        rig.vfs.set_size(fd, 6).unwrap();
        rig.vfs.set_size(fd, 8).unwrap();
        assert_eq!(rig.read(fd), b"hEllo\0\0\0");
        rig.vfs.close(fd).unwrap();
        let how = OpenAs { follow: true, oflags: 0, rights: BOTH, flags: fdflags::APPEND };
        let fd = rig.vfs.open(OUTPUTS, "f", how).unwrap();
        rig.vfs.seek(fd, 1, Whence::Start).unwrap();
        rig.vfs.write(fd, None, b"end").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(rig.vfs.read(fd, Some(7), &mut buffer).unwrap(), 4);
        assert_eq!(&buffer, b"\0end");
        assert_eq!(rig.vfs.read(fd, Some(11), &mut buffer).unwrap(), 0);
        assert_eq!(rig.vfs.read(fd, Some(u64::MAX), &mut buffer).unwrap(), 0);
        assert_eq!(rig.exported(), [("f".to_owned(), b"hEllo\0\0\0end".to_vec())]);
        let spill = rig.dir.path().join("spill");
        drop(rig.vfs);
        assert!(!spill.exists(), "nothing stays behind");
    }
}

#[test]
fn room_is_counted_to_the_byte_and_given_back() {
    for memory in [0, 1 << 20] {
        let mut rig = Rig::with(|limits| {
            limits.bytes_max = 1000;
            limits.files_max = 3;
            limits.memory_max_bytes = memory;
        });
        let nospc = Some(Errno::Nospc);
        let fd = rig.create("f", &[1; 600]);
        assert_eq!(errno(rig.vfs.set_size(fd, 1001)), nospc);
        assert_eq!(errno(rig.vfs.allocate(fd, 0, 1001)), nospc);
        assert_eq!(errno(rig.vfs.write(fd, Some(5000), b"x")), nospc);
        assert_eq!(errno(rig.vfs.write(fd, Some(u64::MAX), b"x")), Some(Errno::Fbig));
        assert_eq!(errno(rig.vfs.set_size(fd, u64::MAX)), Some(Errno::Fbig));
        // What is there already costs nothing, and of the rest goes what fits.
        assert_eq!(rig.vfs.write(fd, Some(500), &[2; 600]).unwrap(), 500);
        assert_eq!(errno(rig.vfs.write(fd, Some(1000), b"x")), nospc);
        assert_eq!(rig.vfs.write(fd, Some(0), &[3; 1000]).unwrap(), 1000);
        assert_eq!(errno(rig.vfs.symlink("target", OUTPUTS, "link")), nospc);
        rig.vfs.set_size(fd, 994).unwrap();
        rig.vfs.symlink("target", OUTPUTS, "link").unwrap();
        rig.vfs.make_dir(OUTPUTS, "d").unwrap();
        assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, "e")), nospc, "three is all");
        rig.vfs.unlink(OUTPUTS, "link").unwrap();
        // A file without a name takes room until it is closed.
        rig.vfs.unlink(OUTPUTS, "f").unwrap();
        assert_eq!(errno(rig.open(OUTPUTS, "g", oflags::CREATE, BOTH)), None);
        assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, "e")), nospc);
        assert_eq!(rig.read(fd).len(), 994);
        rig.vfs.close(fd).unwrap();
        rig.vfs.make_dir(OUTPUTS, "e").unwrap();
        rig.create("g", &[4; 1000]);
    }
}

#[test]
fn names_are_made_and_taken_away() {
    let mut rig = Rig::new();
    rig.vfs.make_dir(OUTPUTS, "d").unwrap();
    rig.vfs.make_dir(OUTPUTS, "d/e/").unwrap();
    rig.create("d/f", b"text");
    let fd = rig.open(OUTPUTS, "d", oflags::DIRECTORY, 0).unwrap();
    assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, "d")), Some(Errno::Exist));
    assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, ".")), Some(Errno::Exist));
    assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, "none/x")), Some(Errno::Noent));
    assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, "d/f/x")), Some(Errno::Notdir));
    assert_eq!(errno(rig.vfs.remove_dir(OUTPUTS, "d")), Some(Errno::Notempty));
    assert_eq!(errno(rig.vfs.remove_dir(OUTPUTS, "d/f")), Some(Errno::Notdir));
    assert_eq!(errno(rig.vfs.remove_dir(OUTPUTS, ".")), Some(Errno::Inval));
    assert_eq!(errno(rig.vfs.remove_dir(OUTPUTS, "none")), Some(Errno::Noent));
    assert_eq!(errno(rig.vfs.unlink(OUTPUTS, "d")), Some(Errno::Isdir));
    assert_eq!(errno(rig.vfs.unlink(OUTPUTS, "d/f/")), Some(Errno::Notdir));
    assert_eq!(errno(rig.vfs.unlink(OUTPUTS, "none")), Some(Errno::Noent));
    assert_eq!(errno(rig.vfs.rename((OUTPUTS, "d"), (fd, "e/x"))), Some(Errno::Inval));
    assert_eq!(errno(rig.vfs.rename((OUTPUTS, "d"), (OUTPUTS, "d/f"))), Some(Errno::Inval));
    assert_eq!(errno(rig.vfs.rename((fd, "f"), (fd, "e"))), Some(Errno::Isdir));
    assert_eq!(errno(rig.vfs.rename((fd, "e"), (fd, "f"))), Some(Errno::Notdir));
    assert_eq!(errno(rig.vfs.rename((fd, "none"), (fd, "f"))), Some(Errno::Noent));
    let create = |oflags| oflags::CREATE | oflags;
    assert_eq!(
        errno(rig.open(OUTPUTS, "d/f", create(oflags::EXCLUSIVE), BOTH)),
        Some(Errno::Exist)
    );
    assert_eq!(errno(rig.open(OUTPUTS, "d", 0, BOTH)), Some(Errno::Isdir));
    assert_eq!(errno(rig.open(OUTPUTS, "d/f", oflags::DIRECTORY, 0)), Some(Errno::Notdir));
    assert_eq!(errno(rig.open(OUTPUTS, "new/", oflags::CREATE, BOTH)), Some(Errno::Isdir));
    rig.vfs.rename((fd, "f"), (OUTPUTS, "g")).unwrap();
    rig.vfs.rename((OUTPUTS, "g"), (OUTPUTS, "g")).unwrap();
    rig.vfs.remove_dir(fd, "e").unwrap();
    rig.vfs.remove_dir(OUTPUTS, "d").unwrap();
    // A directory that is gone stays open, and empty.
    assert_eq!(rig.names(fd), [".", ".."]);
    assert_eq!(errno(rig.open(fd, "x", oflags::CREATE, BOTH)), Some(Errno::Noent));
    assert_eq!(rig.exported(), [("g".to_owned(), b"text".to_vec())]);
}

#[test]
fn links_of_the_guests_own_stay_inside_and_end() {
    let mut rig = Rig::new();
    assert_eq!(errno(rig.vfs.symlink("/etc", OUTPUTS, "l")), Some(Errno::Notcapable));
    assert_eq!(errno(rig.vfs.symlink("", OUTPUTS, "l")), Some(Errno::Noent));
    rig.vfs.symlink("made", OUTPUTS, "l").unwrap();
    assert_eq!(errno(rig.vfs.symlink("made", OUTPUTS, "l")), Some(Errno::Exist));
    // A file is made where the link points, unless it must be new.
    let new = oflags::CREATE | oflags::EXCLUSIVE;
    assert_eq!(errno(rig.open(OUTPUTS, "l", new, BOTH)), Some(Errno::Exist));
    rig.create("l", b"text");
    rig.vfs.symlink("../x", OUTPUTS, "up").unwrap();
    assert_eq!(errno(rig.open(OUTPUTS, "up", 0, READ)), Some(Errno::Notcapable));
    // Chains end, short ones or not.
    for n in 0..42 {
        rig.vfs.symlink(&format!("c{}", n + 1), OUTPUTS, &format!("c{n}")).unwrap();
    }
    rig.create("c42", b"");
    assert_eq!(errno(rig.open(OUTPUTS, "c2", 0, READ)), None);
    assert_eq!(errno(rig.open(OUTPUTS, "c1", 0, READ)), Some(Errno::Loop));
    rig.vfs.symlink(&"./".repeat(500), OUTPUTS, "dots").unwrap();
    let path = "dots/".repeat(9) + "l";
    assert_eq!(errno(rig.vfs.stat(OUTPUTS, &path, true)), Some(Errno::Loop));
    let made = rig.exported();
    assert!(made.contains(&("made".to_owned(), b"text".to_vec())));
    assert!(made.contains(&("l@".to_owned(), b"made".to_vec())));
}

#[test]
fn entries_come_sorted_and_their_places_hold() {
    let mut rig = Rig::new();
    for name in ["b", "a", "Z", "é", "a.b", "10", "9"] {
        rig.create(name, b"");
        rig.vfs.close(5).unwrap();
    }
    let sorted = [".", "..", "10", "9", "Z", "a", "a.b", "b", "é"];
    assert_eq!(rig.names(OUTPUTS), sorted);
    // One at a time, each removed once it was read.
    let (mut cookie, mut seen) = (0, Vec::new());
    loop {
        let mut buffer = [0; 30];
        let used = rig.vfs.read_dir(OUTPUTS, cookie, &mut buffer).unwrap();
        let Some(name) = names(&buffer[..used]).first().cloned() else { break };
        cookie = u64::from_le_bytes(buffer[..8].try_into().unwrap());
        if !name.starts_with('.') {
            rig.vfs.unlink(OUTPUTS, &name).unwrap();
        }
        seen.push(name);
    }
    assert_eq!(seen, sorted);
    assert_eq!(rig.names(OUTPUTS), [".", ".."]);
    assert_eq!(
        rig.names(INPUTS),
        [
            ".", "..", "a.txt", "absolute", "dangling", "deadly", "inside", "loop", "out", "sub",
            "to-dir"
        ]
    );
    assert_eq!(errno(rig.vfs.read_dir(0, 0, &mut [])), Some(Errno::Notdir));
}

#[test]
fn entries_and_stat_agree_and_numbers_stay() {
    let mut rig = Rig::new();
    rig.vfs.make_dir(OUTPUTS, "d").unwrap();
    rig.create("d/f", b"12345");
    rig.vfs.symlink("d/f", OUTPUTS, "l").unwrap();
    for (fd, dir) in [(OUTPUTS, "."), (OUTPUTS, "d"), (INPUTS, "."), (INPUTS, "sub")] {
        let open = rig.open(fd, dir, oflags::DIRECTORY, 0).unwrap();
        let mut buffer = vec![0; 4096];
        let used = rig.vfs.read_dir(open, 0, &mut buffer).unwrap();
        let mut rest = &buffer[..used];
        for name in names(rest) {
            let ino = u64::from_le_bytes(rest[8..16].try_into().unwrap());
            if name != ".." {
                let stat = rig.vfs.stat(open, &name, false).unwrap();
                assert_eq!((stat.ino, stat.kind as u8), (ino, rest[20]), "{dir}/{name}");
            }
            rest = &rest[24 + name.len()..];
        }
        rig.vfs.close(open).unwrap();
    }
    let before = rig.vfs.stat(OUTPUTS, "d/f", true).unwrap();
    assert_eq!((before.kind, before.size), (FileType::File, 5));
    rig.vfs.rename((OUTPUTS, "d/f"), (OUTPUTS, "g")).unwrap();
    assert_eq!(rig.vfs.stat(OUTPUTS, "g", true).unwrap(), before);
    let again = Rig::new();
    for path in ["a.txt", "sub", "sub/b.txt"] {
        let (one, other) = (rig.vfs.stat(INPUTS, path, true), again.vfs.stat(INPUTS, path, true));
        assert_eq!(one.unwrap(), other.unwrap());
    }
    assert_eq!(rig.vfs.stat(INPUTS, "sub", true).unwrap().kind, FileType::Directory);
    assert_eq!(rig.vfs.stat(INPUTS, "inside", false).unwrap().size, 9);
}

#[test]
fn descriptors_are_few_and_numbered_from_below() {
    let mut rig = Rig::new();
    let opened: Vec<_> = (0..10).map(|_| rig.open(INPUTS, ".", 0, 0).unwrap()).collect();
    assert_eq!(opened, (5..15).collect::<Vec<_>>());
    assert_eq!(errno(rig.open(INPUTS, "a.txt", 0, READ)), Some(Errno::Nfile));
    assert_eq!(errno(rig.open(OUTPUTS, "new", oflags::CREATE, BOTH)), Some(Errno::Nfile));
    assert_eq!(rig.names(OUTPUTS), [".", ".."], "nothing is made that cannot be opened");
    rig.vfs.close(7).unwrap();
    assert_eq!(errno(rig.vfs.close(7)), Some(Errno::Badf));
    assert_eq!(errno(rig.vfs.renumber(7, 8)), Some(Errno::Badf));
    assert_eq!(errno(rig.vfs.renumber(8, 7)), Some(Errno::Badf));
    let file = rig.open(INPUTS, "a.txt", 0, READ).unwrap();
    assert_eq!(file, 7);
    rig.vfs.renumber(file, 0).unwrap();
    assert_eq!(rig.read(0), b"input");
    assert_eq!(errno(rig.vfs.close(file)), Some(Errno::Badf));
    rig.vfs.renumber(0, 0).unwrap();
    for fd in [7, 15, 1 << 20, u32::MAX] {
        assert_eq!(errno(rig.vfs.fdstat(fd)), Some(Errno::Badf));
    }
}

#[test]
fn rights_are_what_was_asked_for_and_only_shrink() {
    let mut rig = Rig::new();
    let fd = rig.create("f", b"text");
    rig.vfs.close(fd).unwrap();
    let reader = rig.open(OUTPUTS, "f", 0, READ).unwrap();
    let denied = Some(Errno::Notcapable);
    assert_eq!(errno(rig.vfs.write(reader, None, b"x")), denied);
    assert_eq!(errno(rig.vfs.set_size(reader, 0)), denied);
    assert_eq!(errno(rig.vfs.allocate(reader, 0, 9)), denied);
    let writer = rig.open(OUTPUTS, "f", 0, rights::FD_WRITE).unwrap();
    assert_eq!(errno(rig.vfs.read(writer, None, &mut [0])), denied);
    assert_eq!(errno(rig.vfs.set_rights(writer, rights::ALL, 0)), denied);
    rig.vfs.set_rights(writer, 0, 0).unwrap();
    assert_eq!(errno(rig.vfs.write(writer, None, b"x")), denied);
    assert_eq!(errno(rig.vfs.seek(writer, 0, Whence::Start)), denied);
    let mut stat = rig.vfs.fdstat(INPUTS).unwrap();
    stat.rights &= !rights::PATH_OPEN;
    rig.vfs.set_rights(INPUTS, stat.rights, stat.inheriting).unwrap();
    assert_eq!(errno(rig.open(INPUTS, "a.txt", 0, READ)), denied);
    rig.vfs.set_rights(OUTPUTS, rights::OF_DIRECTORIES, READ).unwrap();
    assert_eq!(errno(rig.open(OUTPUTS, "f", 0, BOTH)), denied);
    assert_eq!(errno(rig.vfs.read(OUTPUTS, None, &mut [])), Some(Errno::Isdir));
    assert_eq!(errno(rig.vfs.seek(1, 0, Whence::Start)), Some(Errno::Spipe));
    assert_eq!(errno(rig.vfs.seek(reader, -1, Whence::Start)), Some(Errno::Inval));
    assert_eq!(rig.vfs.read(0, None, &mut [0; 9]).unwrap(), 0, "stdin is at its end");
}

#[test]
fn a_tree_too_deep_to_be_imported_is_no_result() {
    let mut rig = Rig::with(|limits| limits.files_max = 10_000);
    let mut at = OUTPUTS;
    for _ in 0..400 {
        rig.vfs.make_dir(at, "d").unwrap();
        let next = rig.open(at, "d", oflags::DIRECTORY, 0).unwrap();
        if at != OUTPUTS {
            rig.vfs.close(at).unwrap();
        }
        at = next;
    }
    assert_eq!(rig.vfs.export().unwrap_err().kind, FailureKind::OutputUnsafe);
}

#[test]
fn listings_of_all_directories_together_are_limited() {
    let mut listings = Listings::default();
    let InputNode::Directory(many) = dir(&[("x".repeat(255).as_str(), file("")), ("y", file(""))])
    else {
        unreachable!()
    };
    let place = place::Place::input_root("/", many);
    let overlay = Overlay::new(RoomLimits {
        bytes_max: 0,
        files_max: 0,
        memory_max_bytes: 0,
        disk_reserve_bytes: 0,
        spill_dir: "unused".into(),
    });
    let one = listings.list(&overlay, &KillSwitch::default(), &place).unwrap();
    listings.forget(Some(one));
    let mut kept = 0u64;
    while listings.list(&overlay, &KillSwitch::default(), &place).is_ok() {
        kept += 1;
    }
    // Four entries, and the bytes of their names: 515 for each listing.
    assert_eq!(kept, (256 << 20) / 515);
}

#[test]
fn a_path_ends_with_its_guest() {
    let rig = Rig::new();
    let path = "deadly/".to_owned() + &"d/../".repeat(500);
    match rig.vfs.stat(INPUTS, &path, true) {
        Err(Fault::Killed(Killed::Stop)) => {}
        other => panic!("{other:?}"),
    }
    let mut rig = Rig::new();
    rig.kill.stop();
    assert!(matches!(rig.vfs.read_dir(INPUTS, 0, &mut []), Err(Fault::Killed(Killed::Stop))));
}

#[test]
fn a_link_says_no_more_than_every_disk_can_hold() {
    let mut rig = Rig::new();
    rig.vfs.symlink(&"x".repeat(1023), OUTPUTS, "longest").unwrap();
    let longer = rig.vfs.symlink(&"x".repeat(1024), OUTPUTS, "longer");
    assert_eq!(errno(longer), Some(Errno::Nametoolong));
    assert_eq!(rig.exported(), [("longest@".to_owned(), b"x".repeat(1023))]);
}

#[test]
fn a_slash_behind_a_link_does_not_make_it_a_directory_to_change() {
    let mut rig = Rig::new();
    rig.vfs.make_dir(OUTPUTS, "d").unwrap();
    rig.vfs.symlink("d", OUTPUTS, "l").unwrap();
    rig.vfs.symlink("none", OUTPUTS, "dangling").unwrap();
    for link in ["l/", "dangling/"] {
        assert_eq!(errno(rig.vfs.remove_dir(OUTPUTS, link)), Some(Errno::Notdir), "{link}");
        assert_eq!(errno(rig.vfs.unlink(OUTPUTS, link)), Some(Errno::Notdir), "{link}");
        let renamed = rig.vfs.rename((OUTPUTS, link), (OUTPUTS, "x"));
        assert_eq!(errno(renamed), Some(Errno::Notdir), "{link}");
        assert_eq!(errno(rig.vfs.make_dir(OUTPUTS, link)), Some(Errno::Exist), "{link}");
    }
    // To look at, it is what it leads to.
    assert_eq!(rig.vfs.stat(OUTPUTS, "l/", false).unwrap().kind, FileType::Directory);
    assert_eq!(errno(rig.vfs.read_link(OUTPUTS, "l/")), Some(Errno::Inval));
    assert_eq!(rig.names(OUTPUTS), [".", "..", "d", "dangling", "l"]);
}

#[test]
fn a_place_in_a_file_is_where_a_file_can_have_bytes() {
    let mut rig = Rig::new();
    let fd = rig.create("f", b"12345");
    let end = i64::MAX.unsigned_abs();
    assert_eq!(rig.vfs.seek(fd, i64::MAX, Whence::Start).unwrap(), end);
    assert_eq!(errno(rig.vfs.seek(fd, 1, Whence::Current)), Some(Errno::Overflow));
    assert_eq!(errno(rig.vfs.seek(fd, i64::MAX, Whence::Current)), Some(Errno::Overflow));
    assert_eq!(errno(rig.vfs.seek(fd, i64::MAX, Whence::End)), Some(Errno::Overflow));
    assert_eq!(errno(rig.vfs.seek(fd, i64::MIN, Whence::Current)), Some(Errno::Inval));
    assert_eq!(rig.vfs.tell(fd).unwrap(), end);
    assert_eq!(rig.vfs.seek(fd, -5, Whence::End).unwrap(), 0);
}

#[test]
fn cutting_a_file_off_as_it_is_opened_needs_the_right() {
    let mut rig = Rig::new();
    rig.create("f", b"12345");
    let given = rights::OF_DIRECTORIES & !rights::PATH_FILESTAT_SET_SIZE;
    rig.vfs.set_rights(OUTPUTS, given, rights::ALL).unwrap();
    let cut = rig.open(OUTPUTS, "f", oflags::TRUNCATE, BOTH);
    assert_eq!(errno(cut), Some(Errno::Notcapable));
    assert_eq!(rig.vfs.stat(OUTPUTS, "f", true).unwrap().size, 5);
    rig.open(OUTPUTS, "f", 0, BOTH).unwrap();
}

#[test]
fn few_files_of_the_host_are_open_however_many_the_guest_has() {
    let mut rig = Rig::of(100, |limits| limits.memory_max_bytes = 0);
    let spill = rig.dir.path().join("spill");
    let open_there = || {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let to = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        to.filter(|to| to.starts_with(&spill)).count()
    };
    let opened: Vec<_> = (0..40).map(|n| rig.create(&n.to_string(), &[n; 10])).collect();
    assert_eq!(open_there(), room::SPILLED_OPEN_MAX);
    for (fd, n) in opened.iter().zip(0..) {
        rig.vfs.write(*fd, None, &[n; 10]).unwrap();
        assert_eq!(rig.read(*fd), [n; 20]);
    }
    assert_eq!(open_there(), room::SPILLED_OPEN_MAX);
    // Without a name it can still be read, until it is closed.
    rig.vfs.unlink(OUTPUTS, "0").unwrap();
    assert_eq!(rig.read(opened[0]), [0; 20]);
    for fd in &opened {
        rig.vfs.close(*fd).unwrap();
    }
    assert_eq!(open_there(), 0);
    assert_eq!(rig.exported().len(), 39);
}

#[test]
fn zeros_do_not_take_the_last_of_a_disk() {
    let mut rig = Rig::with(|limits| {
        limits.memory_max_bytes = 0;
        limits.bytes_max = u64::MAX;
    });
    let fd = rig.create("f", b"12345");
    // More than any disk of a test machine has, and no more than a file of one can be.
    for zeros in [rig.vfs.set_size(fd, 1 << 43), rig.vfs.allocate(fd, 0, 1 << 43)] {
        match zeros {
            Err(Fault::Broken(failure)) => assert_eq!(failure.kind, FailureKind::DiskFull),
            other => panic!("{other:?}"),
        }
    }
}
