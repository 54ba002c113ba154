//! Random trees, in by every door and out by every other, are the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use futures::TryStreamExt as _;
use gadus_data::{ContentConfig, EmbeddedContent, raw_cid};
use gadus_ports::{
    BoxRead, Content as _, ContentError, EntryKind, Layout, Node, PinReason, Profile,
};
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tree {
    File(Vec<u8>),
    Link(String),
    Directory(BTreeMap<String, Self>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let sizes = prop_oneof![0..40_usize, (1_usize << 20) - 2..(1 << 20) + 3, Just(2_500_000)];
    let file = (sizes, any::<u8>()).prop_map(|(size, seed)| {
        Tree::File((0..size).map(|at| (at * 7 + at / 251) as u8 ^ seed).collect())
    });
    // The archiver used here writes targets in their shortest form; so they are made in it.
    let link = "/?([a-z]{1,3}|[.]{2})(/([a-z]{1,3}|[.]{2})){0,3}".prop_map(Tree::Link);
    let name = "[a-zA-Zé日 ._-]{1,20}"
        .prop_filter("no entry", |name| !matches!(name.as_str(), "." | ".."));
    prop_oneof![3 => file, 1 => link].prop_recursive(4, 24, 6, move |inner| {
        proptest::collection::btree_map(name.clone(), inner, 0..6).prop_map(Tree::Directory)
    })
}

fn write(tree: &Tree, path: &Path) {
    match tree {
        Tree::File(bytes) => std::fs::write(path, bytes).unwrap(),
        Tree::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        Tree::Directory(entries) => {
            std::fs::create_dir(path).unwrap();
            entries.iter().for_each(|(name, tree)| write(tree, &path.join(name)));
        }
    }
}

fn read(path: &Path) -> Tree {
    let found = path.symlink_metadata().unwrap();
    if found.is_symlink() {
        return Tree::Link(std::fs::read_link(path).unwrap().to_str().unwrap().to_owned());
    }
    if found.is_file() {
        assert!(found.permissions().readonly(), "{} is read-only", path.display());
        return Tree::File(std::fs::read(path).unwrap());
    }
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), read(&entry.path()))
    };
    Tree::Directory(std::fs::read_dir(path).unwrap().map(entry).collect())
}

fn tar(path: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.follow_symlinks(false);
    if path.is_dir() && !path.is_symlink() {
        builder.append_dir_all("top", path).unwrap();
    } else {
        builder.append_path_with_name(path, "top").unwrap();
    }
    builder.into_inner().unwrap()
}

fn boxed(bytes: Vec<u8>) -> BoxRead {
    Box::pin(std::io::Cursor::new(bytes))
}

async fn all(content: &EmbeddedContent, root: gadus_model::Cid, path: &str) -> Tree {
    match content.open(root, path, None).await.unwrap() {
        Node::File { reader, size, .. } => {
            let bytes = reader.read(0, u64::MAX).try_collect::<Vec<_>>().await.unwrap().concat();
            assert_eq!(bytes.len() as u64, size);
            for (offset, length) in [(0, 1), (size / 2, 10), (size.saturating_sub(3), 9), (size, 1)]
            {
                let part =
                    reader.read(offset, length).try_collect::<Vec<_>>().await.unwrap().concat();
                let begin = usize::try_from(offset).unwrap();
                let end = bytes.len().min(begin + usize::try_from(length).unwrap());
                assert_eq!(part, bytes[begin..end], "{length} bytes at {offset}");
            }
            Tree::File(bytes)
        }
        Node::Symlink { target, .. } => Tree::Link(target),
        Node::Directory { entries, .. } => {
            let mut trees = BTreeMap::new();
            for entry in entries {
                let tree = Box::pin(all(content, root, &format!("{path}/{}", entry.name))).await;
                let kind = match &tree {
                    Tree::File(_) => EntryKind::File,
                    Tree::Link(_) => EntryKind::Symlink,
                    Tree::Directory(_) => EntryKind::Directory,
                };
                assert_eq!(entry.kind, kind);
                trees.insert(entry.name, tree);
            }
            Tree::Directory(trees)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_survives_every_way_in_and_out(tree in tree(), old: bool) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let content =
                EmbeddedContent::open(dir.path().join("store"), ContentConfig::default()).unwrap();
            let (source, out) = (dir.path().join("source"), dir.path().join("out"));
            write(&tree, &source);
            let profile = if old { Profile::V0 } else { Profile::V1 };
            let layout = Layout { profile, keep_modes: false };
            let imported = content.import_path(source.clone(), layout).await.unwrap();
            let by_tar = content.import_tar(boxed(tar(&source)), layout).await.unwrap();
            assert_eq!(imported, by_tar);
            if let Tree::File(bytes) = &tree {
                let by_stream = content.import_file(boxed(bytes.clone()), layout).await.unwrap();
                assert_eq!(imported, by_stream);
            }
            assert_eq!(content.bytes_missing(&imported.root, 1), 0);
            assert_eq!(content.pins().await.unwrap(), [(imported.root, PinReason::User)]);
            assert_eq!(all(&content, imported.root, "").await, tree);
            content.materialise(imported.root, out.clone()).await.unwrap();
            assert_eq!(read(&out), tree);
        });
    }
}

fn block(codec: u64, bytes: &[u8]) -> (gadus_model::Cid, Bytes) {
    (gadus_model::codec::cid_of(codec, bytes), Bytes::copy_from_slice(bytes))
}

/// A DAG-PB directory block, written by hand, so that it can be wrong.
fn directory(links: &[(&str, gadus_model::Cid)]) -> (gadus_model::Cid, Bytes) {
    let mut bytes = Vec::new();
    let field = |out: &mut Vec<u8>, number: u8, value: &[u8]| {
        out.extend_from_slice(&[number << 3 | 2, u8::try_from(value.len()).unwrap()]);
        out.extend_from_slice(value);
    };
    for (name, cid) in links {
        let mut link = Vec::new();
        field(&mut link, 1, &cid.to_bytes());
        field(&mut link, 2, name.as_bytes());
        field(&mut bytes, 2, &link);
    }
    field(&mut bytes, 1, &[8, 1]);
    block(gadus_model::DAG_PB, &bytes)
}

#[tokio::test]
async fn hostile_trees_are_not_written_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = ContentConfig { path_depth_max: 4, tree_bytes_max: 1_000, ..Default::default() };
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    let leaf = block(gadus_model::RAW, &[b'x'; 400]);
    let mut deep = directory(&[("f", leaf.0)]);
    content.put(vec![leaf.clone(), deep.clone()]).await.unwrap();
    for _ in 0..6 {
        deep = directory(&[("d", deep.0)]);
        content.put(vec![deep.clone()]).await.unwrap();
    }
    let absent = raw_cid(b"absent");
    let table = [
        (directory(&[("..", leaf.0)]), "'..' is not allowed"),
        (directory(&[("ok", leaf.0), ("../../out", leaf.0)]), "not allowed"),
        (directory(&[("/etc/x", leaf.0)]), "not allowed"),
        (directory(&[("", leaf.0)]), "not allowed"),
        (directory(&[("a", leaf.0), ("a", leaf.0)]), "is there twice"),
        (directory(&[("a", leaf.0), ("b", leaf.0), ("c", leaf.0)]), "may come to 1000 bytes"),
        (deep, "deeper than 4"),
        (directory(&[("gone", absent)]), "nobody has block"),
    ];
    for (root, expected) in table {
        let dest = dir.path().join("dest");
        content.put(vec![root.clone()]).await.unwrap();
        let error = content.materialise(root.0, dest.clone()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error} is not about {expected}");
        assert!(!dest.exists(), "{expected}");
    }
    assert!(!dir.path().join("out").exists());
    let there = dir.path().join("there");
    std::fs::write(&there, "mine").unwrap();
    assert!(content.materialise(leaf.0, there.clone()).await.is_err());
    assert_eq!(std::fs::read_to_string(there).unwrap(), "mine");
}

#[tokio::test]
async fn wrong_paths_are_told_by_the_name_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let content =
        EmbeddedContent::open(dir.path().join("store"), ContentConfig::default()).unwrap();
    let leaf = block(gadus_model::RAW, b"x");
    let (inner, outer) = {
        let inner = directory(&[("f", leaf.0)]);
        (inner.clone(), directory(&[("d", inner.0)]))
    };
    content.put(vec![leaf, inner.clone(), outer.clone()]).await.unwrap();
    for (path, missing, under) in
        [("e", "e", outer.0), ("d/g", "g", inner.0), ("..", "..", outer.0)]
    {
        match content.open(outer.0, path, None).await {
            Err(ContentError::NoSuchPath { name, cid }) => {
                assert_eq!((name.as_str(), cid), (missing, under), "{path}");
            }
            other => panic!("{path}: {:?}", other.err()),
        }
    }
    assert!(content.open(outer.0, "/d//f", None).await.is_ok());
    assert!(content.open(outer.0, "d/f/x", None).await.is_err());
}

/// A CAR of blocks, some of which may lie.
fn car(roots: &[gadus_model::Cid], blocks: &[(gadus_model::Cid, Bytes)]) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Header<'a> {
        roots: &'a [gadus_model::Cid],
        version: u64,
    }
    let varint = |mut value: usize, out: &mut Vec<u8>| {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    };
    let header = gadus_model::codec::encode(&Header { roots, version: 1 }).unwrap();
    let mut out = Vec::new();
    varint(header.len(), &mut out);
    out.extend(header);
    for (cid, bytes) in blocks {
        varint(cid.to_bytes().len() + bytes.len(), &mut out);
        out.extend(cid.to_bytes());
        out.extend(bytes);
    }
    out
}

#[tokio::test]
async fn a_car_that_is_not_right_is_refused_and_nothing_of_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let content =
        EmbeddedContent::open(dir.path().join("store"), ContentConfig::default()).unwrap();
    let good = block(gadus_model::RAW, b"good");
    let lie = (raw_cid(b"truth"), Bytes::from_static(b"a lie"));
    let root = directory(&[("a", good.0), ("b", lie.0)]);
    let big = block(gadus_model::RAW, &vec![0; (2 << 20) + 1]);
    let whole = car(&[good.0], std::slice::from_ref(&good));
    let table = [
        (car(&[root.0], &[root.clone(), good.clone(), lie]), "another hash"),
        (car(&[root.0], &[root.clone(), good.clone()]), "it lacks block bafkrei"),
        (car(&[good.0], &[good.clone(), big]), "the limit is 2097152"),
        (car(&[], std::slice::from_ref(&good)), "names no root"),
        (whole[..whole.len() - 1].to_vec(), "in the middle of block bafkrei"),
        (b"not a car".to_vec(), "malformed"),
        (vec![0xff; 20], "malformed"),
        (Vec::new(), "it is empty"),
    ];
    for (car, expected) in table {
        let error = content.import_car(boxed(car)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error} is not about {expected}");
        assert!(!content.has(&good.0) && !content.has(&root.0), "{expected}");
        assert_eq!(content.pins().await.unwrap(), []);
    }
    let imported = content.import_car(boxed(whole)).await.unwrap();
    assert_eq!((imported.root, imported.files, imported.bytes), (good.0, 1, 0));
    assert!(content.has(&good.0));
}
