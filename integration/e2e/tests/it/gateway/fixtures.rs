//! What both gateways have: Kubo's archives, a tree of ours, and blocks that link to it.

use std::fs;
use std::path::{Path, PathBuf};

use gadus_e2e::Process;
use gadus_model::{Cid, codec};
use serde_json::json;

/// Archives that Kubo made, whose hash functions both know.
const KUBOS: [&str; 8] = [
    "v0-default",
    "v1-2025",
    "v1-inline-identity",
    "v1-trickle",
    "v1-rabin",
    "dag-cbor",
    "dag-json",
    "hamt-fanout-16",
];

/// Content ids, and the archives of their blocks.
pub(super) struct Fixtures {
    pub(super) archives: Vec<PathBuf>,
    /// The roots of Kubo's archives, by name.
    pub(super) kubos: Vec<(&'static str, String)>,
    /// A directory with a bit of everything.
    pub(super) tree: String,
    /// A file of several levels in it.
    pub(super) large: String,
    /// Nobody has it.
    pub(super) missing: String,
    /// A DAG-CBOR block that links to the tree, and a DAG-JSON block that says the same.
    pub(super) plain: [String; 2],
    /// CBOR and JSON that are not DAG-CBOR and DAG-JSON.
    pub(super) loose: [String; 2],
}

impl Fixtures {
    /// Puts all of it into a node.
    pub(super) fn make(node: &Process, dir: &Path) -> Self {
        let cars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg/data/tests/cars");
        let roots = fs::read_to_string(cars.join("roots.txt")).unwrap();
        let root = |name: &str| {
            let (_, root) =
                roots.lines().filter_map(|l| l.split_once(' ')).find(|(n, _)| *n == name).unwrap();
            root.to_owned()
        };
        let kubos: Vec<_> = KUBOS.iter().map(|name| (*name, root(name))).collect();
        let mut archives: Vec<_> =
            KUBOS.iter().map(|name| cars.join(format!("{name}.car"))).collect();
        let tree = add(node, &make_tree(&dir.join("tree")));
        let exported = dir.join("tree.car");
        node.gadus(&["export", &tree, "-o", exported.to_str().unwrap()]).ok();
        archives.push(exported);
        let listing = node.gadus(&["ls", &tree, "--output", "json"]).json();
        let entries = listing["Entries"].as_array().unwrap();
        let large = entries.iter().find(|entry| entry["Name"] == "large.bin").unwrap();
        let large = large["CID"].as_str().unwrap().to_owned();
        let blocks = plain_blocks(&tree);
        let archive = dir.join("plain.car");
        fs::write(&archive, car(&blocks)).unwrap();
        archives.push(archive);
        let [cbor, json, loose_cbor, loose_json] = blocks.map(|(cid, _)| cid.to_string());
        for archive in &archives {
            node.gadus(&["import", archive.to_str().unwrap()]).ok();
        }
        Self {
            archives,
            kubos,
            tree,
            large,
            missing: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
            plain: [cbor, json],
            loose: [loose_cbor, loose_json],
        }
    }
}

fn add(node: &Process, path: &Path) -> String {
    node.gadus(&["add", path.to_str().unwrap()]).ok().trim().to_owned()
}

fn make_tree(tree: &Path) -> PathBuf {
    let write = |name: &str, bytes: &[u8]| fs::write(tree.join(name), bytes).unwrap();
    fs::create_dir_all(tree.join("site/css")).unwrap();
    fs::create_dir_all(tree.join("dir/empty")).unwrap();
    fs::create_dir_all(tree.join("odd/index.html")).unwrap();
    write("site/index.html", b"<!doctype html><title>t</title><p>hello");
    write("site/css/style.css", b"p { color: red }");
    write("dir/a.txt", b"abcdefghijklmnopqrstuvwxyz");
    write("dir/same", b"abcdefghijklmnopqrstuvwxyz");
    write("data.json", b"{\"a\": [1, 2, 3]}");
    write("document", b"{\"a\": {\"b\": true}}");
    write("empty", b"");
    write("blob", &[0, 1, 2, 250, 251, 252, 253]);
    write("pixel", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0");
    write("pixel.png", b"\x89PNG\r\n\x1a\n");
    write("sp\u{e4}ce & <x>.txt", b"odd");
    let large: Vec<u8> = (0..3_500_000_u32).map(|n| (n / 997) as u8).collect();
    write("large.bin", &large);
    std::os::unix::fs::symlink("dir/a.txt", tree.join("link")).unwrap();
    tree.to_owned()
}

/// A DAG-CBOR block with links, the same as DAG-JSON, and two documents without any.
fn plain_blocks(tree: &str) -> [(Cid, Vec<u8>); 4] {
    #[derive(serde::Serialize)]
    struct Document {
        files: Vec<Cid>,
        name: String,
        none: Option<u8>,
        tree: Cid,
    }
    let link: Cid = tree.parse().unwrap();
    let document = Document {
        files: vec![link, link],
        name: "d\u{e9}j\u{e0}".to_owned(),
        none: None,
        tree: link,
    };
    let cbor = codec::encode(&document).unwrap();
    let link = json!({"/": tree});
    let json = json!({"files": [link, link], "name": "d\u{e9}j\u{e0}", "none": null, "tree": link});
    let json = serde_json::to_vec(&json).unwrap();
    let loose = codec::encode(&("x", 7_u8)).unwrap();
    let block = |codec, bytes: Vec<u8>| {
        let hash = *codec::cid_of(0x55, &bytes).hash();
        (Cid::new_v1(codec, hash), bytes)
    };
    [
        block(0x71, cbor),
        block(0x0129, json),
        block(0x51, loose),
        block(0x0200, br#"{"b": [1, 2.5, "x"], "a": null}"#.to_vec()),
    ]
}

/// An archive of blocks that are all roots.
fn car(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Header {
        roots: Vec<Cid>,
        version: u64,
    }
    let roots = blocks.iter().map(|(cid, _)| *cid).collect();
    let header = codec::encode(&Header { roots, version: 1 }).unwrap();
    let section = |(cid, bytes): &(Cid, Vec<u8>)| [cid.to_bytes(), bytes.clone()].concat();
    let frames = std::iter::once(header).chain(blocks.iter().map(section));
    frames.flat_map(|frame| [length(frame.len()), frame].concat()).collect()
}

fn length(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
