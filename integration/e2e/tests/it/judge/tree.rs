//! Trees by seed: what they are, and how they come to disk.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::names;

const CHUNK_BYTES: u64 = 1 << 20;
/// Bytes that one tree's files come to at most; most come to far less.
const TREE_BYTES_MAX: u64 = 8 << 20;
/// Entries of one tree, about.
const TREE_ENTRIES_MAX: usize = 150;
/// Bytes of an old CID.
const CIDV0_BYTES: usize = 34;
/// Directories within each other, chains left out.
const DEPTH_MAX: usize = 6;
/// Directories of a chain, one in the other.
const CHAIN_MAX: usize = 60;

/// A tree that can be written.
pub(super) enum Tree {
    File { bytes: u64, seed: u64, filling: Filling, mode: u32 },
    Link(String),
    Directory(BTreeMap<String, Self>),
}

/// What is in a file.
#[derive(Clone, Copy)]
pub(super) enum Filling {
    /// Bytes that do not repeat.
    Noise,
    /// Zeros, with a few other bytes somewhere.
    Holes,
}

/// What a tree may still come to.
struct Left {
    bytes: u64,
    entries: usize,
}

impl Tree {
    /// Any tree of moderate size.
    pub(super) fn random(rng: &mut ChaCha8Rng) -> Self {
        let mut left = Left { bytes: TREE_BYTES_MAX, entries: TREE_ENTRIES_MAX };
        match rng.random_range(0..10) {
            0 => file(rng, &mut left),
            _ => directory(rng, &mut left, 1),
        }
    }

    /// A directory of small files, with so many entries; some are directories in turn.
    pub(super) fn wide(rng: &mut ChaCha8Rng, entries: usize) -> Self {
        let mut children = BTreeMap::new();
        while children.len() < entries {
            let name = if rng.random_ratio(1, 4) {
                names::random(rng)
            } else {
                children.len().to_string()
            };
            let mut left = Left { bytes: 10, entries: 3 };
            let child = match rng.random_range(0..4000) {
                0 => directory(rng, &mut left, DEPTH_MAX),
                1 => Self::directory_of(rng, (256 << 10) + 1),
                2..80 => Self::Link(target(rng)),
                _ => small_file(rng),
            };
            children.insert(name, child);
        }
        Self::Directory(children)
    }

    /// A directory whose block, were it one, has exactly so many bytes, which are at least 1000.
    pub(super) fn directory_of(rng: &mut ChaCha8Rng, block_bytes: usize) -> Self {
        // The block's message: a field of two bytes, in one of four.
        let mut left = block_bytes - 4;
        let mut children = BTreeMap::new();
        let longest = link_bytes(names::NAME_BYTES_MAX, 300);
        while left > 0 {
            let (name_bytes, bytes) = if left > 2 * longest {
                (rng.random_range(60..=names::NAME_BYTES_MAX), rng.random_range(0..300))
            } else {
                fitting(left).unwrap_or((100, 0))
            };
            let name = names::of_bytes(rng, name_bytes);
            let (seed, filling) = (rng.random(), Filling::Noise);
            let file = Self::File { bytes, seed, filling, mode: 0o644 };
            if let std::collections::btree_map::Entry::Vacant(free) = children.entry(name) {
                free.insert(file);
                left -= link_bytes(name_bytes, bytes);
            }
        }
        Self::Directory(children)
    }

    /// A directory whose names and CIDs, of 34 bytes each, come to exactly so many bytes, which are
    /// at least 1000.
    pub(super) fn directory_of_names(rng: &mut ChaCha8Rng, bytes: usize) -> Self {
        let longest = names::NAME_BYTES_MAX + CIDV0_BYTES;
        let mut left = bytes;
        let mut children = BTreeMap::new();
        while left > 0 {
            let link_bytes = match left {
                _ if left > 2 * longest => rng.random_range(100..=longest),
                _ if left > longest => left / 2,
                _ => left,
            };
            let name = names::of_bytes(rng, link_bytes - CIDV0_BYTES);
            if let std::collections::btree_map::Entry::Vacant(free) = children.entry(name) {
                free.insert(small_file(rng));
                left -= link_bytes;
            }
        }
        Self::Directory(children)
    }

    /// Writes the tree at a path that is not there yet.
    pub(super) fn write(&self, path: &Path) {
        match self {
            Self::File { bytes, seed, filling, mode } => {
                let file = File::create_new(path).unwrap();
                fill(&file, *bytes, *seed, *filling);
                file.set_permissions(Permissions::from_mode(*mode)).unwrap();
            }
            Self::Link(target) => symlink(target, path).unwrap(),
            Self::Directory(children) => {
                fs::create_dir(path).unwrap();
                for (name, child) in children {
                    child.write(&path.join(name));
                }
            }
        }
    }
}

fn directory(rng: &mut ChaCha8Rng, left: &mut Left, depth: usize) -> Tree {
    let entries = match rng.random_range(0..10) {
        0 => 0,
        1..5 => rng.random_range(1..4),
        5..9 => rng.random_range(4..20),
        _ => rng.random_range(20..80),
    };
    let mut children = BTreeMap::new();
    for _ in 0..entries.min(left.entries) {
        left.entries = left.entries.saturating_sub(1);
        let child = match rng.random_range(0..20) {
            0..4 if depth < DEPTH_MAX => directory(rng, left, depth + 1),
            4..7 => Tree::Link(target(rng)),
            7 if depth < DEPTH_MAX && rng.random_ratio(1, 10) => chain(rng, left),
            8 => Tree::Directory(BTreeMap::new()),
            _ => file(rng, left),
        };
        children.insert(names::random(rng), child);
    }
    Tree::Directory(children)
}

/// Many directories, each alone in the one before.
fn chain(rng: &mut ChaCha8Rng, left: &mut Left) -> Tree {
    let length = rng.random_range(2..CHAIN_MAX);
    let end = directory(rng, left, DEPTH_MAX);
    (0..length).fold(end, |inner, _| Tree::Directory(BTreeMap::from([("d".to_owned(), inner)])))
}

fn file(rng: &mut ChaCha8Rng, left: &mut Left) -> Tree {
    let bytes = match rng.random_range(0..100) {
        0..15 => 0,
        15..60 => rng.random_range(1..300),
        60..85 => rng.random_range(300..20_000),
        // Where a size takes one byte more.
        85..92 => *[127, 128, 16_383, 16_384, 65_536].choose(rng).unwrap(),
        92..97 => rng.random_range(1..4) * CHUNK_BYTES + rng.random_range(0..3) - 1,
        _ => rng.random_range(20_000..3 * CHUNK_BYTES),
    };
    let bytes = bytes.min(left.bytes);
    left.bytes -= bytes;
    let filling = if rng.random_ratio(1, 5) { Filling::Holes } else { Filling::Noise };
    let mode = *[0o644, 0o600, 0o755, 0o444, 0o777].choose(rng).unwrap();
    Tree::File { bytes, seed: rng.random(), filling, mode }
}

fn small_file(rng: &mut ChaCha8Rng) -> Tree {
    let bytes = if rng.random_ratio(1, 3) { rng.random_range(1..20) } else { 0 };
    Tree::File { bytes, seed: rng.random_range(0..50), filling: Filling::Noise, mode: 0o644 }
}

/// Where a link points: mostly to nothing, and never followed.
fn target(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..6) {
        0 => "/etc/passwd".to_owned(),
        1 => {
            ["..", ".", "/", "../..", "./a/../b//c/", "/dev/zero"].choose(rng).unwrap().to_string()
        }
        2 => format!("../{}", names::random(rng)),
        3 => (0..rng.random_range(2..15)).map(|_| names::random(rng)).collect::<Vec<_>>().join("/"),
        _ => names::random(rng),
    }
}

fn fill(mut file: &File, bytes: u64, seed: u64, filling: Filling) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    match filling {
        Filling::Noise => {
            let mut buffer = vec![0; usize::try_from(bytes.min(CHUNK_BYTES)).unwrap()];
            let mut left = bytes;
            while left > 0 {
                let next = usize::try_from(left.min(CHUNK_BYTES)).unwrap();
                rng.fill_bytes(&mut buffer[..next]);
                file.write_all(&buffer[..next]).unwrap();
                left -= next as u64;
            }
        }
        Filling::Holes => {
            file.set_len(bytes).unwrap();
            if bytes > 8 {
                let at = rng.random_range(0..bytes - 8);
                file.write_all_at(&rng.random::<u64>().to_be_bytes(), at).unwrap();
            }
        }
    }
}

/// Bytes that an entry takes in a directory's block (<https://ipld.io/specs/codecs/dag-pb/spec/>):
/// its CID of 36 bytes, its name, and the size of its tree.
fn link_bytes(name_bytes: usize, tree_bytes: u64) -> usize {
    let field = |bytes: usize| 1 + varint_bytes(bytes as u64) + bytes;
    field(field(36) + field(name_bytes) + 1 + varint_bytes(tree_bytes))
}

fn varint_bytes(number: u64) -> usize {
    (1..).find(|bytes| *bytes >= 10 || number >> (7 * bytes) == 0).unwrap()
}

/// An entry that takes exactly so many bytes, if there is one: (bytes of its name, of its file).
fn fitting(bytes: usize) -> Option<(usize, u64)> {
    let named = |tree_bytes| {
        // Short names are too likely to be there already.
        let mut lengths = 20..=names::NAME_BYTES_MAX;
        lengths.find(|name| link_bytes(*name, tree_bytes) == bytes).map(|name| (name, tree_bytes))
    };
    named(0).or_else(|| named(200))
}
