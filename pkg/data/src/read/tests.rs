//! Trees that no importer of ours would make.

use std::cell::Cell;

use bytes::Bytes;
use futures::TryStreamExt as _;
use gadus_model::Cid;
use gadus_ports::{Content as _, ContentError, Node, PinReason};
use tempfile::TempDir;

use crate::read::tree::{Halt, entries_by};
use crate::unixfs::node::{Link, encode};
use crate::unixfs::parse::parse;
use crate::unixfs::{data, hamt};
use crate::{ContentConfig, EmbeddedContent, dag_pb_cid, raw_cid};

fn open(config: ContentConfig) -> (TempDir, EmbeddedContent) {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    (dir, content)
}

async fn raw(content: &EmbeddedContent, bytes: &'static [u8]) -> Cid {
    let cid = raw_cid(bytes);
    content.put(vec![(cid, Bytes::from_static(bytes))]).await.unwrap();
    cid
}

async fn node(content: &EmbeddedContent, links: &[(&str, Cid)], message: &[u8]) -> Cid {
    let link = |(name, cid): &(&str, Cid)| Link { cid: *cid, name: (*name).to_owned(), size: 0 };
    let links: Vec<Link> = links.iter().map(link).collect();
    let block = encode(links.iter(), message);
    let cid = dag_pb_cid(&block);
    content.put(vec![(cid, block.into())]).await.unwrap();
    cid
}

/// A part of a file: bytes of its own, then children with their sizes.
async fn part(content: &EmbeddedContent, own: &[u8], children: &[(Cid, u64)]) -> Cid {
    let sizes = children.iter().map(|(_, size)| *size);
    let total = own.len() as u64 + sizes.clone().sum::<u64>();
    let mut message = data::file(total, sizes, None);
    crate::unixfs::protobuf::put_bytes(&mut message, 2, own);
    let links: Vec<_> = children.iter().map(|(cid, _)| ("", *cid)).collect();
    node(content, &links, &message).await
}

async fn read(
    content: &EmbeddedContent,
    root: Cid,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ContentError> {
    match content.open(root, "", None).await? {
        Node::File { reader, .. } => {
            Ok(reader.read(offset, length).try_collect::<Vec<_>>().await?.concat())
        }
        Node::Directory { .. } | Node::Symlink { .. } => panic!("it is no file"),
    }
}

#[tokio::test]
async fn parts_with_bytes_of_their_own_and_parts_below_parts_are_read_in_order() {
    let (dir, content) = open(ContentConfig::default());
    let (cde, fg, hij) =
        (raw(&content, b"cde").await, raw(&content, b"fg").await, raw(&content, b"hij").await);
    let inner = part(&content, b"", &[(cde, 3), (fg, 2)]).await;
    let root = part(&content, b"ab", &[(inner, 5), (hij, 3)]).await;
    for offset in 0..12 {
        for length in 0..12 {
            let end = 10.min(offset + length);
            let expected = &b"abcdefghij"[offset.min(10)..end.max(offset.min(10))];
            let found = read(&content, root, offset as u64, length as u64).await.unwrap();
            assert_eq!(found, expected, "{length} bytes at {offset}");
        }
    }
    let out = dir.path().join("out");
    content.materialise(root, out.clone()).await.unwrap();
    assert_eq!(std::fs::read(out).unwrap(), b"abcdefghij");
}

#[tokio::test]
async fn a_part_that_is_not_as_told_is_an_error() {
    let (dir, content) = open(ContentConfig::default());
    let leaf = raw(&content, b"abc").await;
    let folder = node(&content, &[], &data::directory(None)).await;
    let longer = part(&content, b"", &[(leaf, 4)]).await;
    let shorter = part(&content, b"", &[(leaf, 2)]).await;
    let odd = part(&content, b"", &[(folder, 3)]).await;
    let uneven = node(&content, &[("", leaf)], &data::file(3, [1, 2].into_iter(), None)).await;
    let wrong_sum = node(&content, &[("", leaf)], &data::file(9, [3].into_iter(), None)).await;
    let beyond = part(&content, b"x", &[]).await;
    let huge = node(
        &content,
        &[("", beyond), ("", beyond)],
        &data::file(1, [u64::MAX, u64::MAX].into_iter(), None),
    )
    .await;
    for root in [longer, shorter, odd, uneven, wrong_sum, huge] {
        let error = read(&content, root, 0, 9).await.unwrap_err();
        assert!(matches!(error, ContentError::Malformed { .. }), "{error}");
        let error = content.materialise(root, dir.path().join("out")).await.unwrap_err();
        assert!(matches!(error, ContentError::Malformed { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_few_blocks_that_name_a_huge_file_are_read_in_part_and_not_written() {
    let config = ContentConfig { tree_bytes_max: 1_000, ..ContentConfig::default() };
    let (dir, content) = open(config);
    let mut at = raw(&content, b"x").await;
    for level in 0..50 {
        at = part(&content, b"", &[(at, 1 << level), (at, 1 << level)]).await;
    }
    assert_eq!(read(&content, at, (1 << 49) - 2, 4).await.unwrap(), b"xxxx");
    let error = content.materialise(at, dir.path().join("out")).await.unwrap_err();
    assert!(matches!(error, ContentError::Full { .. }), "{error}");
    assert!(!dir.path().join("out").exists());
    // The same, with nothing at the bottom.
    let mut at = part(&content, b"", &[]).await;
    for _ in 0..50 {
        at = part(&content, b"", &[(at, 0), (at, 0)]).await;
    }
    assert_eq!(read(&content, at, 0, 9).await.unwrap(), b"");
    content.materialise(at, dir.path().join("out")).await.unwrap();
}

#[tokio::test]
async fn a_chain_of_parts_that_is_too_long_is_an_error() {
    let (dir, content) = open(ContentConfig::default());
    let mut at = raw(&content, b"x").await;
    for _ in 0..70 {
        at = part(&content, b"", &[(at, 1)]).await;
    }
    for error in [
        read(&content, at, 0, 1).await.unwrap_err(),
        content.materialise(at, dir.path().join("out")).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("too deep"), "{error}");
    }
}

#[tokio::test]
async fn hostile_hamts_are_refused() {
    let config = ContentConfig { directory_entries_max: 2_000, ..ContentConfig::default() };
    let (_dir, content) = open(config);
    let shard = |bits: u64| data::hamt_shard(&[1], bits, None);
    let leaf = raw(&content, b"x").await;
    let places: Vec<String> = (0..256).map(|place| format!("{place:02X}")).collect();
    // Shards that lead to shards many times over, and to nothing.
    let mut bomb = node(&content, &[], &shard(256)).await;
    for _ in 0..7 {
        let links: Vec<_> = places.iter().map(|place| (place.as_str(), bomb)).collect();
        bomb = node(&content, &links, &shard(256)).await;
    }
    let mut deep = node(&content, &[], &shard(256)).await;
    for _ in 0..9 {
        deep = node(&content, &[("00", deep)], &shard(256)).await;
    }
    let inner = node(&content, &[], &shard(16)).await;
    let names: Vec<String> = (0..300).map(|nth| format!("00{nth}")).collect();
    let crowd: Vec<_> = names.iter().map(|name| (name.as_str(), leaf)).collect();
    let table = [
        (bomb, "more shards than entries"),
        (deep, "not well formed"),
        (node(&content, &crowd, &shard(256)).await, "not well formed"),
        (node(&content, &[("00", inner)], &shard(256)).await, "changes its fan-out"),
        (node(&content, &[("00", leaf)], &shard(256)).await, "not well formed"),
        (node(&content, &[("0", leaf)], &shard(256)).await, "no place"),
        (node(&content, &[("zzname", leaf)], &shard(256)).await, "no place"),
        (node(&content, &[], &shard(7)).await, "bad fan-out"),
        (node(&content, &[], &shard(1 << 40)).await, "bad fan-out"),
    ];
    for (root, expected) in table {
        let Err(error) = content.open(root, "", None).await else {
            panic!("it is not {expected}");
        };
        assert!(error.to_string().contains(expected), "{error} is not about {expected}");
    }
    assert!(content.open(deep, "name", None).await.is_err());
}

/// Blocks of some kilobytes that would come to gigabytes, were all that a shard links to read before
/// it is looked at.
#[test]
fn a_hostile_hamt_is_refused_before_much_of_it_is_read() {
    let names: Vec<String> = (0..1024).map(|place| format!("{place:03X}")).collect();
    let shard = |below: Cid| {
        let links = names.iter().map(|name| Link { cid: below, name: name.clone(), size: 0 });
        let links: Vec<Link> = links.collect();
        Bytes::from(encode(links.iter(), &data::hamt_shard(&[1], 1024, None)))
    };
    let leaf = raw_cid(b"x");
    let bottom = shard(leaf);
    let mut blocks = vec![(dag_pb_cid(&bottom), bottom)];
    for _ in 0..5 {
        let above = shard(blocks[blocks.len() - 1].0);
        blocks.push((dag_pb_cid(&above), above));
    }
    let reads = Cell::new(0);
    let read = |cid: &Cid| {
        reads.set(reads.get() + 1);
        let block = blocks.iter().find(|(known, _)| known == cid).map(|(_, block)| block.clone());
        Ok(parse(cid, block.unwrap())?)
    };
    let root = blocks[blocks.len() - 1].0;
    let refused = entries_by(read, 100, &root, read(&root).unwrap());
    let Err(Halt::Failed(error)) = refused else { panic!("it was listed") };
    assert!(error.to_string().contains("more shards than entries"), "{error}");
    assert!(reads.get() < 10, "{} shards were read", reads.get());
}

#[tokio::test]
async fn a_directory_with_too_many_entries_is_not_listed() {
    let config = ContentConfig { directory_entries_max: 10, ..ContentConfig::default() };
    let (_dir, content) = open(config);
    let leaf = raw(&content, b"x").await;
    let names: Vec<String> = (0..11).map(|nth| nth.to_string()).collect();
    let links: Vec<_> = names.iter().map(|name| (name.as_str(), leaf)).collect();
    let root = node(&content, &links, &data::directory(None)).await;
    let Err(error) = content.open(root, "", None).await else { panic!("11 are too many") };
    assert!(error.to_string().contains("more than 10 entries"), "{error}");
}

#[test]
fn the_place_of_a_name_is_kubos() {
    // From a HAMT of the golden table: the names are in the shard that their hash says.
    let message = data::decode(&data::hamt_shard(&[1], 256, None)).unwrap();
    let shape = hamt::Shape::of(&message).unwrap();
    let hash = crate::unixfs::murmur3::murmur3_x64_64(b"hello");
    assert_eq!(shape.place("hello", 0), Some(format!("{:02X}", hash >> 56)));
    assert_eq!(shape.place("hello", 7), Some(format!("{:02X}", hash & 0xff)));
    assert_eq!(shape.place("hello", 8), None);
}

#[tokio::test]
async fn how_much_is_missing_is_told_from_what_is_here() {
    let config = ContentConfig { missing_walk_max: 20, ..ContentConfig::default() };
    let (dir, content) = open(config.clone());
    let leaf = raw(&content, b"x").await;
    let gone = raw_cid(b"gone");
    let root = node(&content, &[("a", leaf), ("b", gone)], &data::directory(None)).await;
    assert_eq!(content.bytes_missing(&gone, 5), 5);
    assert_eq!(content.bytes_missing(&gone, 0), 1);
    // Its link tells no size: one byte is the least.
    assert_eq!(content.bytes_missing(&root, 5), 1);
    content.put(vec![(gone, Bytes::from_static(b"gone"))]).await.unwrap();
    assert_eq!(content.bytes_missing(&root, 5), 0);
    let names: Vec<String> = (0..30).map(|nth| nth.to_string()).collect();
    let mut links = Vec::new();
    for name in &names {
        let text: &'static [u8] = Box::leak(name.clone().into_boxed_str()).as_bytes();
        links.push((name.as_str(), raw(&content, text).await));
    }
    let wide = node(&content, &links, &data::directory(None)).await;
    assert_eq!(content.bytes_missing(&wide, 5), 1, "it was not looked at to its end");
    content.pin(wide, PinReason::User.into()).await.unwrap();
    drop(content);
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    assert_eq!(content.bytes_missing(&wide, 5), 0, "it is pinned, so it is whole");
}

/// A file that is larger than any disk, of four blocks.
async fn bomb(content: &EmbeddedContent) -> Cid {
    let zeros: &[u8] = &[0; 1 << 20];
    let mut child = raw_cid(zeros);
    content.put(vec![(child, Bytes::from_static(&[0; 1 << 20]))]).await.unwrap();
    let mut size = 1 << 20;
    for _ in 0..3 {
        child = part(content, b"", &[(child, size); 1_000]).await;
        size *= 1_000;
    }
    child
}

#[tokio::test]
async fn a_tree_that_no_disk_holds_is_refused_before_anything_is_written() {
    let (dir, content) = open(ContentConfig { tree_bytes_max: u64::MAX, ..Default::default() });
    let root = bomb(&content).await;
    let out = dir.path().join("out");
    let error = content.materialise(root, out.clone()).await.unwrap_err().to_string();
    assert!(error.contains("disk_reserve_bytes"), "{error}");
    assert!(!out.exists());
    // The same below a directory.
    let root = node(&content, &[("file", root)], &data::directory(None)).await;
    let error = content.materialise(root, out.clone()).await.unwrap_err().to_string();
    assert!(error.contains("disk_reserve_bytes"), "{error}");
    assert!(!out.exists());
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_written_on() {
    let (dir, content) = open(ContentConfig::default());
    let mut root = raw(&content, b"a file").await;
    // A hundred million entries.
    for _ in 0..4 {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let links: Vec<_> = names.iter().map(|name| (name.as_str(), root)).collect();
        root = node(&content, &links, &data::directory(None)).await;
    }
    let out = dir.path().join("out");
    let writing = content.materialise(root, out.clone());
    let begun = async {
        while !out.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = writing => panic!("it cannot be done yet"),
        () = begun => {}
    }
    // It stops, and takes away what it wrote; else the runtime would wait for it for hours.
    while out.exists() {
        tokio::task::yield_now().await;
    }
}
