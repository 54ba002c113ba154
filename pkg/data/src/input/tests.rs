//! Trees as inputs.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{
    Content as _, ContentError, InputDirectory, InputFile, InputKind, InputNode, Layout,
};
use tempfile::TempDir;

use crate::unixfs::data;
use crate::unixfs::node::{Link, encode};
use crate::{ContentConfig, EmbeddedContent, dag_pb_cid, raw_cid};

fn open() -> (TempDir, EmbeddedContent) {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path().join("store"), ContentConfig::default());
    (dir, content.unwrap())
}

async fn node(content: &EmbeddedContent, links: &[(&str, Cid)], message: &[u8]) -> Cid {
    let link = |(name, cid): &(&str, Cid)| Link { cid: *cid, name: (*name).to_owned(), size: 0 };
    let links: Vec<Link> = links.iter().map(link).collect();
    let block = encode(links.iter(), message);
    let cid = dag_pb_cid(&block);
    content.put(vec![(cid, block.into())]).await.unwrap();
    cid
}

async fn raw(content: &EmbeddedContent, bytes: &'static [u8]) -> Cid {
    let cid = raw_cid(bytes);
    content.put(vec![(cid, Bytes::from_static(bytes))]).await.unwrap();
    cid
}

fn directory(node: InputNode) -> Arc<dyn InputDirectory> {
    match node {
        InputNode::Directory(directory) => directory,
        other @ (InputNode::File(_) | InputNode::Symlink(_)) => panic!("{other:?}"),
    }
}

fn file(node: Option<InputNode>) -> Arc<dyn InputFile> {
    match node {
        Some(InputNode::File(file)) => file,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tree_reads_as_it_was_imported() {
    let (dir, content) = open();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("sub/empty")).unwrap();
    fs::write(tree.join("b"), "bee").unwrap();
    fs::write(tree.join("none"), "").unwrap();
    let large: Vec<u8> = (0..3_300_000u32).flat_map(|n| n.to_le_bytes()).collect();
    fs::write(tree.join("large"), &large).unwrap();
    std::os::unix::fs::symlink("sub", tree.join("link")).unwrap();
    let root = content.import_path(tree, Layout::default()).await.unwrap().root;
    let root = directory(content.input(root).await.unwrap());
    let entries = root.list().unwrap().into_iter().map(|entry| (entry.name, entry.kind));
    let kinds = [
        ("b", InputKind::File),
        ("large", InputKind::File),
        ("link", InputKind::Symlink),
        ("none", InputKind::File),
        ("sub", InputKind::Directory),
    ];
    assert_eq!(entries.collect::<Vec<_>>(), kinds.map(|(name, kind)| (name.to_owned(), kind)));
    assert!(root.entry("missing").unwrap().is_none());
    match root.entry("link").unwrap() {
        Some(InputNode::Symlink(target)) => assert_eq!(target, "sub"),
        other => panic!("{other:?}"),
    }
    let sub = directory(root.entry("sub").unwrap().unwrap());
    assert!(directory(sub.entry("empty").unwrap().unwrap()).list().unwrap().is_empty());
    assert_eq!(file(root.entry("none").unwrap()).read_at(0, &mut [0]).unwrap(), 0);
    let read = file(root.entry("large").unwrap());
    assert_eq!(read.size(), large.len() as u64);
    // Forwards, backwards, over the ends of leaves and of the file.
    let places = [0, 1, 1_048_570, 1_048_576, 13_199_990, 13_200_000, 20_000_000, 5, 7_340_030];
    for offset in places {
        let mut buffer = vec![0; 2_200_000];
        let n = read.read_at(offset, &mut buffer).unwrap();
        let from = (offset as usize).min(large.len());
        let to = (from + buffer.len()).min(large.len());
        assert!(buffer[..n] == large[from..to], "{offset}");
    }
    assert_eq!(read.read_at(u64::MAX, &mut [0]).unwrap(), 0);
}

#[tokio::test]
async fn a_directory_of_many_blocks_reads_like_any_other() {
    let (dir, content) = open();
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let names: Vec<_> = (0..6000).map(|n| format!("a-rather-long-name-{n:05}")).collect();
    for name in &names {
        fs::write(tree.join(name), name).unwrap();
    }
    let root = content.import_path(tree, Layout::default()).await.unwrap().root;
    let root = directory(content.input(root).await.unwrap());
    let listed: Vec<_> = root.list().unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(listed, names);
    for name in names.iter().step_by(97) {
        let mut buffer = vec![0; 99];
        let n = file(root.entry(name).unwrap()).read_at(0, &mut buffer).unwrap();
        assert_eq!(&buffer[..n], name.as_bytes());
    }
    assert!(root.entry("a-rather-long-name-99999").unwrap().is_none());
}

#[tokio::test]
async fn what_is_missing_or_malformed_is_an_error_where_it_is_met() {
    let (_dir, content) = open();
    let gone = raw_cid(b"nobody has this");
    assert!(matches!(content.input(gone).await, Err(ContentError::Missing { .. })));
    let here = raw(&content, b"here").await;
    let message = data::file(9, [4, 5].into_iter(), None);
    let half = node(&content, &[("", here), ("", gone)], &message).await;
    let liar = node(&content, &[("", here)], &data::file(5, [5].into_iter(), None)).await;
    let message = data::directory(None);
    let links = [("../up", here), ("gone", gone), ("half", half), ("liar", liar)];
    let root = node(&content, &links, &message).await;
    let root = directory(content.input(root).await.unwrap());
    assert!(matches!(root.list(), Err(ContentError::UnsafeName { .. })));
    assert!(matches!(root.entry("gone"), Err(ContentError::Missing { .. })));
    let half = file(root.entry("half").unwrap());
    let mut buffer = [0; 9];
    assert_eq!(half.read_at(0, &mut buffer[..4]).unwrap(), 4);
    assert!(matches!(half.read_at(3, &mut buffer), Err(ContentError::Missing { .. })));
    let liar = file(root.entry("liar").unwrap());
    assert!(matches!(liar.read_at(0, &mut buffer), Err(ContentError::Malformed { .. })));
}

#[tokio::test]
async fn a_disk_that_lies_is_found_out() {
    let (dir, content) = open();
    let tree = dir.path().join("file");
    let marked = b"these bytes are found again".repeat(200_000);
    fs::write(&tree, &marked).unwrap();
    let root = content.import_path(tree, Layout::default()).await.unwrap().root;
    let input = file(Some(content.input(root).await.unwrap()));
    let mut buffer = vec![0; 100];
    assert_eq!(input.read_at(0, &mut buffer).unwrap(), 100);
    let mut waiting = vec![dir.path().join("store")];
    let mut changed = 0;
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            // Blocks are written in any order: one byte of each is changed.
            for from in (0..bytes.len()).step_by(300_000) {
                let mut marks = bytes[from..].windows(27);
                let Some(at) = marks.position(|bytes| bytes == &marked[..27]) else { break };
                let at = from + at;
                file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
                changed += 1;
            }
        }
    }
    assert!(changed > 0);
    let end = marked.len() as u64 - 500_000;
    let mut buffer = vec![0; 500_000];
    let read = input.read_at(end, &mut buffer);
    assert!(matches!(read, Err(ContentError::HashMismatch { .. })), "{read:?}");
}

#[tokio::test]
async fn a_tree_does_not_keep_the_store() {
    let (dir, content) = open();
    let cid = raw(&content, b"text").await;
    let (directory_of, message) = (&[("f", cid)], data::directory(None));
    let root = node(&content, directory_of, &message).await;
    let root = directory(content.input(root).await.unwrap());
    assert_eq!(file(root.entry("f").unwrap()).size(), 4);
    drop(content);
    assert!(matches!(root.entry("f"), Err(ContentError::Io { .. })));
    EmbeddedContent::open(dir.path().join("store"), ContentConfig::default()).unwrap();
}

/// Far more than the work takes once, and far less than it takes as often as a hostile tree asks.
const SOON: Duration = Duration::from_secs(20);

/// A directory of many names, all of one file: a block that takes a while to read.
async fn crowded(content: &EmbeddedContent, first: &str) -> Cid {
    let leaf = raw(content, b"leaf").await;
    let names: Vec<_> = (0..15_000).map(|n| format!("{first}{n:06}")).collect();
    let links: Vec<_> = names.iter().map(|name| (name.as_str(), leaf)).collect();
    node(content, &links, &data::directory(None)).await
}

#[tokio::test]
async fn what_is_open_is_a_cid_alone() {
    let (_dir, content) = open();
    let large: Vec<u8> = vec![7; 900_000];
    let leaf = raw_cid(&large);
    content.put(vec![(leaf, large.into())]).await.unwrap();
    let directory_cid = crowded(&content, "n").await;
    let links = [("d", directory_cid), ("f", leaf)];
    let root = node(&content, &links, &data::directory(None)).await;
    let root = directory(content.input(root).await.unwrap());
    let open: Vec<_> = (0..100).flat_map(|_| ["d", "f"].map(|name| root.entry(name))).collect();
    for node in open {
        let node = node.unwrap().unwrap();
        // All that a node holds is shown.
        assert!(format!("{node:?}").len() < 1000);
        if let InputNode::File(file) = &node {
            assert_eq!(file.read_at(899_999, &mut [0; 9]).unwrap(), 1);
            assert!(format!("{node:?}").len() < 1000);
        }
    }
}

#[tokio::test]
async fn the_nodes_of_many_directories_take_no_more_than_their_limit() {
    let (_dir, content) = open();
    let mut cids = Vec::new();
    for n in 0..70 {
        cids.push(crowded(&content, &format!("directory-{n}-")).await);
    }
    let names: Vec<_> = (0..cids.len()).map(|n| n.to_string()).collect();
    let links: Vec<_> = names.iter().map(String::as_str).zip(cids).collect();
    let root = node(&content, &links, &data::directory(None)).await;
    let tree = super::Tree { core: Arc::downgrade(&content.core), cache: Arc::default() };
    let root = directory(tree.stands(&root).unwrap());
    let opened: Vec<_> = names.iter().map(|name| root.entry(name).unwrap().unwrap()).collect();
    let bytes = tree.cache.bytes();
    assert!(bytes <= 64 << 20, "{bytes}");
    // Those that are not kept any more are read again.
    for (n, opened) in opened.into_iter().enumerate() {
        let name = format!("directory-{n}-014999");
        assert!(directory(opened).entry(&name).unwrap().is_some());
    }
    assert!(tree.cache.bytes() <= 64 << 20);
}

#[tokio::test]
async fn what_is_named_many_times_is_read_once() {
    let (_dir, content) = open();
    let many = crowded(&content, "n").await;
    let names: Vec<_> = (0..15_000).map(|n| n.to_string()).collect();
    let links: Vec<_> = names.iter().map(|name| (name.as_str(), many)).collect();
    let root = node(&content, &links, &data::directory(None)).await;
    let root = directory(content.input(root).await.unwrap());
    let began = Instant::now();
    let entries = root.list().unwrap();
    assert_eq!(entries.len(), 15_000);
    assert!(entries.iter().all(|entry| entry.kind == InputKind::Directory));
    // As a path does that goes there and back.
    for name in &names {
        root.entry(name).unwrap().unwrap();
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_listing_ends_where_nobody_wants_more_of_it() {
    let (_dir, content) = open();
    let leaf = raw(&content, b"one").await;
    let links = [("a", leaf), ("b", leaf), ("c", leaf)];
    let root = node(&content, &links, &data::directory(None)).await;
    let root = directory(content.input(root).await.unwrap());
    let mut seen = Vec::new();
    let mut until = |last: &str| {
        seen.clear();
        let listed = root.list_while(&mut |name| {
            seen.extend(name.map(str::to_owned));
            name != Some(last)
        });
        (listed.unwrap().map(|entries| entries.len()), seen.clone())
    };
    assert_eq!(until("b"), (None, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(until("none").0, Some(3));
}

#[tokio::test]
async fn of_two_entries_with_one_name_the_first_counts() {
    let (_dir, content) = open();
    let (one, two) = (raw(&content, b"one").await, raw(&content, b"twice").await);
    let links = [("b", one), ("a", two), ("b", two), ("a", one)];
    let root = node(&content, &links, &data::directory(None)).await;
    let root = directory(content.input(root).await.unwrap());
    let names: Vec<_> = root.list().unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(file(root.entry("a").unwrap()).size(), 5);
    assert_eq!(file(root.entry("b").unwrap()).size(), 3);
}

#[tokio::test]
async fn a_shard_that_is_named_many_times_is_read_once() {
    let (_dir, content) = open();
    let leaf = raw(&content, b"leaf").await;
    let padded = data::hamt_shard(&vec![0xff; 1_900_000], 256, None);
    let names: Vec<_> = (0..256).map(|n| format!("{n:02X}")).collect();
    let all = |cid| names.iter().map(|name| (name.as_str(), cid)).collect::<Vec<_>>();
    let lowest = node(&content, &[("00x", leaf)], &padded).await;
    let middle = node(&content, &all(lowest), &padded).await;
    let root = node(&content, &all(middle), &padded).await;
    let root = directory(content.input(root).await.unwrap());
    let began = Instant::now();
    assert_eq!(root.list().unwrap().len(), 1 << 16);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}
