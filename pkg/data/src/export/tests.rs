//! CARs of trees, read back with a reader of their own.

use bytes::Bytes;
use futures::TryStreamExt as _;
use gadus_model::{Cid, RAW};
use gadus_ports::{CarPart, Content as _, ContentError, EntityBytes, Layout, Scope};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::unixfs::node::{Link, encode};
use crate::unixfs::{BlockSink, Maker};
use crate::unixfs::{data, hamt};
use crate::{ContentConfig, EmbeddedContent, dag_pb_cid, raw_cid};

fn open(config: ContentConfig) -> (TempDir, EmbeddedContent) {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    (dir, content)
}

async fn put(content: &EmbeddedContent, cid: Cid, block: Vec<u8>) -> Cid {
    content.put(vec![(cid, block.into())]).await.unwrap();
    cid
}

async fn leaf(content: &EmbeddedContent, bytes: &[u8]) -> Cid {
    put(content, raw_cid(bytes), bytes.to_vec()).await
}

fn node(links: &[(&str, Cid)], message: &[u8]) -> (Cid, Vec<u8>) {
    let link = |(name, cid): &(&str, Cid)| Link { cid: *cid, name: (*name).to_owned(), size: 0 };
    let links: Vec<Link> = links.iter().map(link).collect();
    let block = encode(links.iter(), message);
    (dag_pb_cid(&block), block)
}

async fn directory(content: &EmbeddedContent, links: &[(&str, Cid)]) -> Cid {
    let (cid, block) = node(links, &data::directory(None));
    put(content, cid, block).await
}

/// A file of parts of some sizes.
async fn file(content: &EmbeddedContent, parts: &[(Cid, u64)]) -> Cid {
    let sizes = parts.iter().map(|(_, size)| *size);
    let message = data::file(sizes.clone().sum(), sizes, None);
    let links: Vec<_> = parts.iter().map(|(cid, _)| ("", *cid)).collect();
    let (cid, block) = node(&links, &message);
    put(content, cid, block).await
}

/// Blocks that go to the store later.
#[derive(Default)]
struct Gathered(Mutex<Vec<(Cid, Bytes)>>);

impl BlockSink for Gathered {
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        self.0.lock().push((*cid, Bytes::copy_from_slice(bytes)));
        Ok(())
    }
}

/// The roots and the blocks of a CAR, in order; each block is held to its CID.
fn read(car: &[u8]) -> (Vec<Cid>, Vec<Cid>) {
    #[derive(serde::Deserialize)]
    struct Header {
        version: u64,
        roots: Vec<Cid>,
    }
    let mut rest = car;
    let mut frame = move || -> Option<&[u8]> {
        let mut length = 0;
        for shift in (0..).step_by(7) {
            let (byte, after) = rest.split_first()?;
            rest = after;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (frame, after) = rest.split_at(length);
        rest = after;
        Some(frame)
    };
    let header: Header = serde_ipld_dagcbor::from_slice(frame().unwrap()).unwrap();
    assert_eq!(header.version, 1);
    let mut blocks = Vec::new();
    while let Some(mut section) = frame() {
        let cid = Cid::read_bytes(&mut section).unwrap();
        crate::block::verify(&cid, section).unwrap();
        blocks.push(cid);
    }
    (header.roots, blocks)
}

async fn export(
    content: &EmbeddedContent,
    root: Cid,
    path: &str,
    part: CarPart,
) -> Result<Vec<Cid>, ContentError> {
    let car = content.export_car(root, path, part, None).await?;
    let car = car.try_collect::<Vec<Bytes>>().await?.concat();
    let (roots, blocks) = read(&car);
    assert_eq!(roots, [content.resolve(root, path, None).await?.cid]);
    Ok(blocks)
}

const ALL: CarPart =
    CarPart { scope: Scope::All, bytes: EntityBytes { from: 0, to: None }, dups: false };

#[tokio::test]
async fn blocks_come_depth_first_behind_those_of_the_path() {
    let (_dir, content) = open(ContentConfig::default());
    let (x, y) = (leaf(&content, b"x").await, leaf(&content, &[7; 100_000]).await);
    let f = file(&content, &[(x, 1), (y, 100_000), (x, 1)]).await;
    let d = directory(&content, &[("f", f), ("x", x)]).await;
    let root = directory(&content, &[("a", d), ("b", y)]).await;
    let dups = CarPart { dups: true, ..ALL };
    let block = CarPart { scope: Scope::Block, ..ALL };
    let entity = CarPart { scope: Scope::Entity, ..ALL };
    let table = [
        ("", ALL, vec![root, d, f, x, y]),
        ("", dups, vec![root, d, f, x, y, x, x, y]),
        ("", block, vec![root]),
        ("", entity, vec![root]),
        ("a", ALL, vec![root, d, f, x, y]),
        ("a", block, vec![root, d]),
        ("a/f", dups, vec![root, d, f, x, y, x]),
        ("a/f", entity, vec![root, d, f, x, y]),
        ("b", ALL, vec![root, y]),
    ];
    for (path, part, expected) in table {
        assert_eq!(export(&content, root, path, part).await.unwrap(), expected, "{path} {part:?}");
    }
    assert!(matches!(
        export(&content, root, "a/nope", ALL).await,
        Err(ContentError::NoSuchPath { .. })
    ));
}

#[tokio::test]
async fn of_a_range_come_the_blocks_that_have_its_bytes() {
    let (_dir, content) = open(ContentConfig::default());
    let mut leaves = Vec::new();
    for byte in b'0'..=b'5' {
        leaves.push(leaf(&content, &[byte; 4]).await);
    }
    let [a, b, c, d, e, f] = leaves[..] else { panic!("six leaves") };
    let left = file(&content, &[(a, 4), (b, 4), (c, 4)]).await;
    // The same leaves again, so that a part is met twice with other bytes wanted of it.
    let root = file(&content, &[(left, 12), (d, 4), (e, 4), (f, 4), (left, 12)]).await;
    let table = [
        ((0, None), vec![root, left, a, b, c, d, e, f]),
        ((0, Some(0)), vec![root, left, a]),
        ((4, Some(7)), vec![root, left, b]),
        ((3, Some(4)), vec![root, left, a, b]),
        ((8, Some(-17)), vec![root, left, c, d, e]),
        ((8, Some(-12)), vec![root, left, c, d, e, f, a]),
        ((-1, None), vec![root, left, c]),
        ((36, None), vec![root]),
        ((0, Some(-99)), vec![root]),
    ];
    for ((from, to), expected) in table {
        let bytes = EntityBytes { from, to };
        let part = CarPart { scope: Scope::Entity, bytes, dups: false };
        assert_eq!(export(&content, root, "", part).await.unwrap(), expected, "{from} {to:?}");
    }
}

#[tokio::test]
async fn a_hamt_is_an_entity_of_its_shards() {
    let (_dir, content) = open(ContentConfig::default());
    let x = leaf(&content, b"x").await;
    let entry = |nth: u32| Link { cid: x, name: format!("file-{nth}"), size: 1 };
    let sink = Gathered::default();
    let maker = Maker { sink: &sink, form: Layout::default().into() };
    let hamt = hamt::build(maker, (0..2_000).map(entry).collect(), None).unwrap().cid;
    content.put(sink.0.into_inner()).await.unwrap();
    let entity = CarPart { scope: Scope::Entity, ..ALL };
    let shards = export(&content, hamt, "", entity).await.unwrap();
    assert!(shards.len() > 100 && shards[0] == hamt && !shards.contains(&x), "{}", shards.len());
    let all = export(&content, hamt, "", ALL).await.unwrap();
    assert_eq!(all.len(), shards.len() + 1);
    // On the way to an entry come its shards alone.
    let way = export(&content, hamt, "file-1234", ALL).await.unwrap();
    assert!(way.len() > 2 && way[0] == hamt && way.last() == Some(&x), "{way:?}");
    assert!(way[..way.len() - 1].iter().all(|cid| shards.contains(cid)));
}

#[tokio::test]
async fn identity_cids_are_no_blocks() {
    let (_dir, content) = open(ContentConfig::default());
    let identity = |codec, bytes: &[u8]| {
        Cid::new_v1(codec, cid::multihash::Multihash::wrap(0, bytes).unwrap())
    };
    let x = leaf(&content, b"x").await;
    let (_, inline) = node(&[("x", x)], &data::directory(None));
    let inline = identity(gadus_model::DAG_PB, &inline);
    let root = directory(&content, &[("i", inline), ("t", identity(RAW, b"tiny"))]).await;
    assert_eq!(export(&content, root, "", ALL).await.unwrap(), [root, x]);
    assert_eq!(export(&content, inline, "x", ALL).await.unwrap(), [x]);
    let dups = CarPart { dups: true, ..ALL };
    assert_eq!(export(&content, root, "t", dups).await.unwrap(), [root]);
}

#[tokio::test]
async fn a_node_that_is_named_as_a_leaf_too_is_followed_and_comes_once() {
    let (_dir, content) = open(ContentConfig::default());
    let below = leaf(&content, b"below").await;
    let inner = directory(&content, &[("below", below)]).await;
    let as_leaf = Cid::new_v1(RAW, *inner.hash());
    let root = directory(&content, &[("a", as_leaf), ("b", inner), ("c", as_leaf)]).await;
    assert_eq!(export(&content, root, "", ALL).await.unwrap(), [root, as_leaf, below]);
}

#[tokio::test]
async fn a_missing_block_ends_the_car() {
    let (_dir, content) = open(ContentConfig::default());
    let (x, gone) = (leaf(&content, b"x").await, raw_cid(b"gone"));
    let root = directory(&content, &[("a", x), ("b", gone), ("c", x)]).await;
    let mut car = content.export_car(root, "", ALL, None).await.unwrap();
    let first = car.try_next().await.unwrap().unwrap();
    assert_eq!(read(&first).1, []);
    let second = car.try_next().await.unwrap().unwrap();
    let whole = [&first[..], &second[..]].concat();
    assert_eq!(read(&whole).1, [root, x]);
    match car.try_next().await {
        Err(ContentError::Missing { cid, .. }) => assert_eq!(cid, gone),
        other => panic!("{other:?}"),
    }
    // Of what nobody has there is no CAR, not even a begin of one.
    let none = content.export_car(gone, "", ALL, None).await.map(|_| ());
    assert!(matches!(none, Err(ContentError::Missing { .. })));
}

#[tokio::test]
async fn what_a_car_remembers_is_limited() {
    let config = ContentConfig { car_blocks_max: 4, car_links_max: 8, ..ContentConfig::default() };
    let (_dir, content) = open(config);
    let mut leaves = Vec::new();
    for byte in 0..8 {
        leaves.push(("", leaf(&content, &[byte]).await));
    }
    let few = directory(&content, &leaves[..3]).await;
    let more = directory(&content, &leaves[..4]).await;
    let many = directory(&content, &[&leaves[..], &leaves[..1]].concat()).await;
    assert_eq!(export(&content, few, "", ALL).await.unwrap().len(), 4);
    let error = export(&content, more, "", ALL).await.unwrap_err().to_string();
    assert!(error.contains("dups=y") && error.contains("car_blocks_max"), "{error}");
    let dups = CarPart { dups: true, ..ALL };
    assert_eq!(export(&content, more, "", dups).await.unwrap().len(), 5);
    let error = export(&content, many, "", dups).await.unwrap_err().to_string();
    assert!(error.contains("car_links_max"), "{error}");
    // A chain needs no stack, however deep it is.
    let mut chain = leaves[0].1;
    for _ in 0..100 {
        chain = directory(&content, &[("d", chain)]).await;
    }
    assert_eq!(export(&content, chain, "", dups).await.unwrap().len(), 101);
}
