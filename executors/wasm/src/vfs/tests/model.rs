//! The overlay against a simple model, over random calls.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Names, so few that they clash.
const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File(Vec<u8>),
    Dir(BTreeMap<String, Self>),
}

type Names = Vec<&'static str>;

#[derive(Clone, Debug)]
enum Call {
    Create(Names),
    Write(Names, u64, Vec<u8>),
    SetSize(Names, u64),
    MakeDir(Names),
    RemoveDir(Names),
    Unlink(Names),
    Rename(Names, Names),
}

fn names() -> impl Strategy<Value = Names> {
    proptest::collection::vec(proptest::sample::select(&NAMES[..]), 1..4)
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..90);
    let call = prop_oneof![
        3 => names().prop_map(Call::Create),
        4 => (names(), 0u64..150, bytes()).prop_map(|(at, offset, b)| Call::Write(at, offset, b)),
        2 => (names(), 0u64..300).prop_map(|(at, size)| Call::SetSize(at, size)),
        4 => names().prop_map(Call::MakeDir),
        1 => names().prop_map(Call::RemoveDir),
        1 => names().prop_map(Call::Unlink),
        2 => (names(), names()).prop_map(|(from, to)| Call::Rename(from, to)),
    ];
    proptest::collection::vec(call, 1..60)
}

/// The model: a tree, and what it may come to.
#[derive(Debug)]
struct Model {
    root: BTreeMap<String, Node>,
    bytes_max: u64,
    files_max: usize,
}

impl Model {
    /// The directory that a path's last name is in.
    fn parent(&mut self, path: &[&str]) -> Result<&mut BTreeMap<String, Node>, Errno> {
        let mut at = &mut self.root;
        for name in &path[..path.len() - 1] {
            match at.get_mut(*name).ok_or(Errno::Noent)? {
                Node::Dir(entries) => at = entries,
                Node::File(_) => return Err(Errno::Notdir),
            }
        }
        Ok(at)
    }

    fn find(&mut self, path: &[&str]) -> Result<Option<&mut Node>, Errno> {
        Ok(self.parent(path)?.get_mut(path[path.len() - 1]))
    }

    /// Files and directories, and bytes.
    fn used(&self) -> (usize, u64) {
        fn of(entries: &BTreeMap<String, Node>) -> (usize, u64) {
            entries.values().fold((0, 0), |(files, bytes), node| {
                let (inner, more) = match node {
                    Node::File(text) => (0, text.len() as u64),
                    Node::Dir(entries) => of(entries),
                };
                (files + 1 + inner, bytes + more)
            })
        }
        of(&self.root)
    }

    fn make(&mut self, path: &[&str], node: Node) -> Result<(), Errno> {
        let is_full = self.used().0 >= self.files_max;
        let parent = self.parent(path)?;
        if is_full {
            return Err(Errno::Nospc);
        }
        parent.insert(path[path.len() - 1].to_owned(), node);
        Ok(())
    }

    fn file(&mut self, path: &[&str]) -> Result<&mut Vec<u8>, Errno> {
        match self.find(path)? {
            Some(Node::File(text)) => Ok(text),
            Some(Node::Dir(_)) => Err(Errno::Isdir),
            None => Err(Errno::Noent),
        }
    }

    fn write(&mut self, path: &[&str], offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let left = self.bytes_max - self.used().1;
        let text = self.file(path)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let end_max = text.len() as u64 + left;
        let fits = (end_max.saturating_sub(offset) as usize).min(bytes.len());
        if fits == 0 {
            return Err(Errno::Nospc);
        }
        let end = offset as usize + fits;
        if text.len() < end {
            text.resize(end, 0);
        }
        text[offset as usize..end].copy_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn set_size(&mut self, path: &[&str], size: u64) -> Result<(), Errno> {
        let left = self.bytes_max - self.used().1;
        let text = self.file(path)?;
        if size > text.len() as u64 + left {
            return Err(Errno::Nospc);
        }
        text.resize(size as usize, 0);
        Ok(())
    }

    fn rename(&mut self, from: &[&str], to: &[&str]) -> Result<(), Errno> {
        // Both ways are walked before anything is looked at.
        let moved = self.find(from)?.cloned();
        let replaced = self.find(to)?.cloned();
        let moved = moved.ok_or(Errno::Noent)?;
        if from == to {
            return Ok(());
        }
        match (&moved, &replaced) {
            (Node::Dir(_), _) if to.starts_with(from) => return Err(Errno::Inval),
            (Node::Dir(_), Some(Node::Dir(entries))) if !entries.is_empty() => {
                return Err(Errno::Notempty);
            }
            (Node::Dir(_), Some(Node::File(_))) => return Err(Errno::Notdir),
            (Node::File(_), Some(Node::Dir(_))) => return Err(Errno::Isdir),
            (Node::Dir(_) | Node::File(_), _) => {}
        }
        self.parent(from)?.remove(from[from.len() - 1]);
        self.parent(to)?.insert(to[to.len() - 1].to_owned(), moved);
        Ok(())
    }

    fn apply(&mut self, call: &Call) -> Result<usize, Errno> {
        match call {
            Call::Create(path) => match self.find(path)? {
                Some(Node::Dir(_)) => Err(Errno::Isdir),
                Some(Node::File(_)) => Ok(0),
                None => self.make(path, Node::File(Vec::new())).map(|()| 0),
            },
            Call::Write(path, offset, bytes) => self.write(path, *offset, bytes),
            Call::SetSize(path, size) => self.set_size(path, *size).map(|()| 0),
            Call::MakeDir(path) => match self.find(path)? {
                Some(_) => Err(Errno::Exist),
                None => self.make(path, Node::Dir(BTreeMap::new())).map(|()| 0),
            },
            Call::RemoveDir(path) => match self.find(path)? {
                None => Err(Errno::Noent),
                Some(Node::File(_)) => Err(Errno::Notdir),
                Some(Node::Dir(entries)) if !entries.is_empty() => Err(Errno::Notempty),
                Some(Node::Dir(_)) => {
                    self.parent(path)?.remove(path[path.len() - 1]);
                    Ok(0)
                }
            },
            Call::Unlink(path) => match self.find(path)? {
                None => Err(Errno::Noent),
                Some(Node::Dir(_)) => Err(Errno::Isdir),
                Some(Node::File(_)) => {
                    self.parent(path)?.remove(path[path.len() - 1]);
                    Ok(0)
                }
            },
            Call::Rename(from, to) => self.rename(from, to).map(|()| 0),
        }
    }

    fn exported(&self) -> Vec<(String, Vec<u8>)> {
        fn walk(at: &str, entries: &BTreeMap<String, Node>, all: &mut Vec<(String, Vec<u8>)>) {
            for (name, node) in entries {
                let path = format!("{at}{name}");
                match node {
                    Node::File(text) => all.push((path, text.clone())),
                    Node::Dir(entries) => {
                        let path = path + "/";
                        walk(&path, entries, all);
                        all.push((path, Vec::new()));
                    }
                }
            }
        }
        let mut all = Vec::new();
        walk("", &self.root, &mut all);
        all.sort();
        all
    }
}

fn apply(rig: &mut Rig, call: &Call) -> Result<usize, Fault> {
    let open =
        |rig: &mut Rig, path: &Names, oflags: u16| rig.open(OUTPUTS, &path.join("/"), oflags, BOTH);
    match call {
        Call::Create(path) => {
            let fd = open(rig, path, oflags::CREATE)?;
            rig.vfs.close(fd).map(|()| 0)
        }
        Call::Write(path, offset, bytes) => {
            let fd = open(rig, path, 0)?;
            let written = rig.vfs.write(fd, Some(*offset), bytes);
            rig.vfs.close(fd)?;
            written
        }
        Call::SetSize(path, size) => {
            let fd = open(rig, path, 0)?;
            let set = rig.vfs.set_size(fd, *size);
            rig.vfs.close(fd)?;
            set.map(|()| 0)
        }
        Call::MakeDir(path) => rig.vfs.make_dir(OUTPUTS, &path.join("/")).map(|()| 0),
        Call::RemoveDir(path) => rig.vfs.remove_dir(OUTPUTS, &path.join("/")).map(|()| 0),
        Call::Unlink(path) => rig.vfs.unlink(OUTPUTS, &path.join("/")).map(|()| 0),
        Call::Rename(from, to) => {
            let (from, to) = (from.join("/"), to.join("/"));
            rig.vfs.rename((OUTPUTS, &from), (OUTPUTS, &to)).map(|()| 0)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_overlay_does_what_the_model_does(
        calls in calls(),
        memory in proptest::sample::select(vec![0u64, 100, 300, 1 << 20]),
        bytes_max in 100u64..800,
        files_max in 2usize..12,
    ) {
        let mut model = Model { root: BTreeMap::new(), bytes_max, files_max };
        let mut rig = Rig::with(|limits| {
            limits.bytes_max = bytes_max;
            limits.files_max = files_max as u64;
            limits.memory_max_bytes = memory;
        });
        for call in &calls {
            let ours = match apply(&mut rig, call) {
                Ok(done) => Ok(done),
                Err(Fault::Errno(errno)) => Err(errno),
                Err(fault @ (Fault::Broken(_) | Fault::Killed(_))) => panic!("{fault:?}"),
            };
            prop_assert_eq!(ours, model.apply(call), "{:?}", call);
        }
        prop_assert_eq!(rig.exported(), model.exported());
    }
}
