//! HAMT directories: the walk over the shards of one.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{ContentError, Layout};
use parking_lot::Mutex;

use crate::block::{dag_pb_cid, raw_cid};
use crate::read::tree::{Halt, entries_by, entry_by};
use crate::unixfs::node::{Link, encode};
use crate::unixfs::parse::{Parsed, parse};
use crate::unixfs::{BlockSink, Maker, data, hamt as ours};

/// Shards of one directory, links of one shard, and names of a directory that is made: few, so that
/// many can be tried.
const SHARDS_MAX: usize = 12;
const LINKS_MAX: usize = 16;
const NAMES_MAX: usize = 64;
/// Entries that a directory may have.
const ENTRIES_MAX: usize = 100;

/// Blocks in memory.
#[derive(Default)]
struct Blocks(Mutex<HashMap<Cid, Bytes>>);

impl BlockSink for Blocks {
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        self.0.lock().insert(*cid, Bytes::copy_from_slice(bytes));
        Ok(())
    }
}

impl Blocks {
    fn read(&self, cid: &Cid) -> Result<Parsed, Halt> {
        let block = self.0.lock().get(cid).cloned();
        Ok(parse(cid, block.ok_or_else(|| Halt::Need(vec![*cid]))?)?)
    }

    fn entries(&self, root: &Cid) -> Result<Vec<Link>, Halt> {
        entries_by(|cid| self.read(cid), ENTRIES_MAX, root, self.read(root)?)
    }

    fn entry(&self, root: &Cid, name: &str) -> Result<Option<Link>, Halt> {
        let mut passed = Vec::new();
        entry_by(|cid| self.read(cid), root, self.read(root)?, name, &mut passed)
    }
}

/// After a first byte of 0, names of a directory that we make ourselves, and that is to be read as
/// it was made. Otherwise shards that link to each other as somebody may have them.
pub fn hamt(input: &[u8]) {
    match input.split_first() {
        Some((0, names)) => read_back(names),
        Some((_, rest)) => walk(rest),
        None => {}
    }
}

fn read_back(names: &[u8]) {
    let names: BTreeSet<&str> =
        names.split(|byte| *byte == b'/').filter_map(|name| str::from_utf8(name).ok()).collect();
    let names = names.into_iter().filter(|name| !name.is_empty()).take(NAMES_MAX);
    let links: Vec<Link> = names.map(|name| link(name.to_owned(), raw_cid(b""))).collect();
    let blocks = Blocks::default();
    let maker = Maker { sink: &blocks, form: Layout::default().into() };
    let Ok(built) = ours::build(maker, links.clone(), None) else {
        // Names whose hashes are the same; nobody can tell before.
        return;
    };
    let found = blocks.entries(&built.cid);
    assert!(found.is_ok_and(|found| found == links), "entries are lost, or others are there");
    for link in &links {
        let found = blocks.entry(&built.cid, &link.name);
        assert!(found.is_ok_and(|found| found.is_some()), "{:?} is not found", link.name);
    }
}

/// Each shard is a byte for its fan-out and one for the number of its links; a link is a byte for
/// where it leads, one for the length of its name, and the name. It leads to a shard that comes
/// later, or to something else.
fn walk(mut rest: &[u8]) {
    let mut byte = || rest.split_off_first().copied();
    let mut shards = Vec::new();
    while shards.len() < SHARDS_MAX
        && let Some(fanout) = byte()
    {
        let mut links = Vec::new();
        for _ in 0..usize::from(byte().unwrap_or_default()).min(LINKS_MAX) {
            let to = usize::from(byte().unwrap_or_default());
            let length = byte().unwrap_or_default() % 16;
            let name: Vec<u8> = (0..length).map_while(|_| byte()).collect();
            links.push((to, String::from_utf8_lossy(&name).into_owned()));
        }
        shards.push((fanout, links));
    }
    let blocks = Blocks::default();
    // From the last to the first, so that the content ids of later ones are known.
    let mut later: Vec<Cid> = Vec::new();
    let mut names = BTreeSet::new();
    for (fanout, links) in shards.into_iter().rev() {
        let to_link = |(to, name): (usize, String)| {
            let cid = later.iter().rev().nth(to).copied();
            link(name, cid.unwrap_or_else(|| raw_cid(b"leaf")))
        };
        let links: Vec<Link> = links.into_iter().map(to_link).collect();
        names.extend(links.iter().map(|link| link.name.chars().skip(2).collect::<String>()));
        let message = match fanout {
            0xff => data::directory(None),
            _ => data::hamt_shard(&[1], 1 << (fanout % 16), None),
        };
        let block = encode(links.iter(), &message);
        let cid = dag_pb_cid(&block);
        let stored = blocks.put(&cid, &block);
        assert!(stored.is_ok());
        later.push(cid);
    }
    let Some(root) = later.last() else { return };
    if let Ok(entries) = blocks.entries(root) {
        assert!(entries.len() <= ENTRIES_MAX && entries.is_sorted_by(|a, b| a.name <= b.name));
    }
    for name in names {
        if let Ok(Some(link)) = blocks.entry(root, &name) {
            assert_eq!(link.name, name);
        }
    }
}

fn link(name: String, cid: Cid) -> Link {
    Link { cid, name, size: 1 }
}
