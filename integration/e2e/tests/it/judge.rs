//! Content ids of trees made up by seed, held to those of boxo, Kubo's own library, and to those of
//! npm's `ipfs-unixfs-importer`, which shares no code with it; and to a real Kubo's, where `KUBO_BIN`
//! names one.
//!
//! `GADUS_JUDGE_SEEDS=0..5000` tries that many; a failure names the seed that shows it again.

mod asked;
mod court;
mod kubo;
mod names;
mod npm;
pub(crate) mod program;
mod second;
mod tree;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use gadus_ports::{Layout, Profile};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use self::asked::{Verdict, Whose};
use self::court::{Court, scratch, smallest_difference};
use self::tree::{Filling, Tree};

/// So many trees share one store: it lies in memory, and keeps all of their blocks.
const TREES_PER_STORE: u64 = 64;
/// A directory's block may be so large; one byte more and it is a HAMT.
const BLOCK_BYTES_MAX: usize = 256 << 10;

/// The seeds to try: so many unless told otherwise.
fn seeds(count: u64) -> Range<u64> {
    let Ok(told) = std::env::var("GADUS_JUDGE_SEEDS") else { return 0..count };
    let parsed =
        told.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parsed
        .unwrap_or_else(|| panic!("GADUS_JUDGE_SEEDS is FROM..TO, like 0..5000, and not '{told}'"))
}

/// Makes a tree for each seed, and has both say its content id. Skips where there is no judge.
fn hold_to_the_judge(
    seeds: Range<u64>,
    test: &str,
    layout: impl Fn(u64) -> Layout,
    make: impl Fn(u64, &mut ChaCha8Rng) -> (Tree, Option<&'static str>),
) {
    hold_to(Whose::Boxo, seeds, test, layout, make);
}

/// The same, with a say in whose opinion it is.
fn hold_to(
    whose: Whose,
    seeds: Range<u64>,
    test: &str,
    layout: impl Fn(u64) -> Layout,
    make: impl Fn(u64, &mut ChaCha8Rng) -> (Tree, Option<&'static str>),
) {
    let mut court: Option<Court> = None;
    for (nth, seed) in (0u64..).zip(seeds) {
        if nth % TREES_PER_STORE == 0 {
            drop(court.take());
            court = Court::open(whose);
        }
        let Some(court) = &mut court else { return };
        let dir = tempfile::tempdir_in(scratch()).unwrap();
        let path = dir.path().join("tree");
        let (tree, expected_kind) = make(seed, &mut ChaCha8Rng::seed_from_u64(seed));
        tree.write(&path);
        let layout = layout(seed);
        let (ours, theirs) = court.both(&path, layout);
        if ours.cid != theirs.cid {
            let difference = smallest_difference(&path, &mut |path| court.both(path, layout));
            panic!(
                "{whose:?}, seed {seed}, {layout:?}: {}\nagain: GADUS_JUDGE_SEEDS={seed}..{} cargo test -p gadus-e2e --test it judge::{test}",
                difference.unwrap_or_else(|| "the whole differed, once".to_owned()),
                seed + 1
            );
        }
        if let Some(kind) = expected_kind {
            assert_eq!(theirs.kind, kind, "seed {seed} made a tree of another kind than it was to");
        }
    }
}

/// The default.
fn newest(_: u64) -> Layout {
    Layout::default()
}

/// Each of them in turn.
fn any(seed: u64) -> Layout {
    let profile = if seed.is_multiple_of(2) { Profile::V1 } else { Profile::V0 };
    Layout { profile, keep_modes: seed % 4 > 1 }
}

#[test]
fn random_trees() {
    hold_to_the_judge(seeds(400), "random_trees", any, |_, rng| (Tree::random(rng), None));
}

/// Directories whose blocks are just as large as they may be, a byte or two less, or more.
#[test]
fn directories_around_the_size_where_they_become_hamts() {
    let test = "directories_around_the_size_where_they_become_hamts";
    hold_to_the_judge(seeds(10), test, newest, |seed, rng| {
        let block_bytes = BLOCK_BYTES_MAX - 2 + usize::try_from(seed % 5).unwrap();
        let kind = if block_bytes > BLOCK_BYTES_MAX { "hamt-shard" } else { "directory" };
        (Tree::directory_of(rng, block_bytes), Some(kind))
    });
}

/// The same in the old profile, which counts names and CIDs and nothing else.
#[test]
fn directories_around_the_size_where_they_became_hamts() {
    let test = "directories_around_the_size_where_they_became_hamts";
    let old = |seed: u64| Layout { profile: Profile::V0, keep_modes: !seed.is_multiple_of(2) };
    hold_to_the_judge(seeds(10), test, old, |seed, rng| {
        let bytes = BLOCK_BYTES_MAX - 2 + usize::try_from(seed % 5).unwrap();
        let kind = if bytes > BLOCK_BYTES_MAX { "hamt-shard" } else { "directory" };
        (Tree::directory_of_names(rng, bytes), Some(kind))
    });
}

/// Thousands of entries, so that some of their hashes share three bytes and more.
#[test]
fn hamts_of_several_levels() {
    hold_to_the_judge(seeds(4), "hamts_of_several_levels", any, |seed, rng| {
        let entries = [5_000, 9_000, 14_000, 25_000][usize::try_from(seed % 4).unwrap()];
        (Tree::wide(rng, entries), Some("hamt-shard"))
    });
}

/// 1024 chunks fill a node; this takes two of them, or a node and a chunk. The file is mostly
/// holes.
#[test]
fn a_file_of_more_chunks_than_a_node_links() {
    let test = "a_file_of_more_chunks_than_a_node_links";
    hold_to_the_judge(seeds(1), test, newest, |seed, _| {
        let bytes = (1024 << 20) + [1 << 20, 1, 1_234_567, 0][usize::try_from(seed % 4).unwrap()];
        (Tree::File { bytes, seed, filling: Filling::Holes, mode: 0o600 }, Some("file"))
    });
}

/// Before it judges, it is judged: by the table that a real Kubo made.
#[test]
fn the_judge_agrees_with_kubos_table() {
    let Some(go) = program::go() else { return };
    let mut test = Command::new(go);
    test.args(["test", "-short", "-p", "2", "./..."]).current_dir(program::sources());
    let output = test.env("GOTOOLCHAIN", "local").env("TMPDIR", scratch()).output().unwrap();
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn a_difference_is_traced_to_the_smallest_tree_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
    fs::create_dir_all(dir.path().join("a/z")).unwrap();
    fs::write(dir.path().join("a/b/file"), "").unwrap();
    let traced = |wrong: &'static str| {
        let wrong = dir.path().join(wrong);
        let mut both = |path: &Path| {
            let ours = if wrong.starts_with(path) { "wrong" } else { "right" };
            (Verdict::of(ours), Verdict::of("right"))
        };
        smallest_difference(dir.path(), &mut both)
    };
    for wrong in ["a/b/file", "a/b/c", "a/b", "a/z"] {
        let difference = traced(wrong).unwrap();
        assert!(difference.contains(&format!("{wrong}\"")), "{wrong}: {difference}");
    }
    let mut same = |_: &Path| (Verdict::of("x"), Verdict::of("x"));
    assert_eq!(smallest_difference(dir.path(), &mut same), None);
}
