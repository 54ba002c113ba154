//! Guests that make calls at random, most of which make sense. Whatever they are answered lies in
//! their memory in the end, and is the same on nodes that have nothing in common.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use gadus_model::{Det, Outcome, PROFILE_DET_1};
use gadus_ports::StdStream;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use super::engines::Kind;
use super::rig::{CALLS, Rig, command};

const PROGRAMS: u64 = 60;
const CALLS_EACH: u32 = 150;

/// Paths, each in so many bytes.
const PATHS: [&str; 8] = ["a.txt", "sub", "sub/b", "new", "d/new", "link", "d", "../x"];
const PATH_BYTES: usize = 16;

/// Where the paths lie, buffers are described, and answers are kept.
const PATHS_AT: usize = 8192;
const IOVECS_AT: usize = 1024;
const ANSWERS_AT: u32 = 16_384;

/// What makes sense for a number, whichever it is: descriptors, flags and lengths are small, and
/// rights are those of reading and writing.
const SMALL: [i64; 12] = [0, 1, 2, 3, 3, 4, 4, 5, 6, 8, 9, 64];
const POINTERS: [i64; 6] = [2048, 2560, 3072, 4096, 65_530, IOVECS_AT as i64];
const LONG: [i64; 6] = [0, 2, 66, 1 << 14, (1 << 28) - 1, -1];

fn pick<T: Copy>(source: &mut ChaCha8Rng, from: &[T]) -> T {
    from[source.next_u32() as usize % from.len()]
}

/// The program of a seed: calls, each of which leaves its answer, and then all of its memory.
fn program(seed: u64) -> String {
    let source = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut data = String::new();
    for (n, path) in PATHS.iter().enumerate() {
        write!(data, "(data (i32.const {}) \"{path}\")", PATHS_AT + n * PATH_BYTES).unwrap();
    }
    // Two buffers of 32 bytes.
    let iovecs = "\\00\\0c\\00\\00\\20\\00\\00\\00\\00\\0e\\00\\00\\20\\00\\00\\00";
    write!(data, "(data (i32.const {IOVECS_AT}) \"{iovecs}\")").unwrap();
    let mut body = String::new();
    for n in 0..CALLS_EACH {
        let (name, params) = pick(source, &CALLS);
        let (name, args) = match source.next_u32() % 4 {
            0 => ("path_open", opening(source)),
            _ if name == "proc_exit" => continue,
            _ => (name, args(source, name, params)),
        };
        write!(body, "(i32.store16 (i32.const {}) (call ${name}{args}))", ANSWERS_AT + 2 * n)
            .unwrap();
    }
    body.push_str("(call $write (i32.const 1) (i32.const 0) (i32.const 65536))");
    command(&data, &body)
}

/// Opens or makes a file, as programs do.
fn opening(source: &mut ChaCha8Rng) -> String {
    let path = source.next_u32() as usize % PATHS.len();
    let (fd, oflags, flags) =
        (pick(source, &[3, 4, 4]), pick(source, &[0, 1, 9]), pick(source, &[0, 0, 1]));
    let rights = if oflags == 0 { 2 } else { 66 };
    let (at, length) = (PATHS_AT + path * PATH_BYTES, PATHS[path].len());
    [("i32", fd), ("i32", 1), ("i32", at as i64), ("i32", length as i64), ("i32", oflags)]
        .into_iter()
        .chain([("i64", rights), ("i64", 0), ("i32", flags), ("i32", 2048)])
        .fold(String::new(), |all, (kind, number)| format!("{all} ({kind}.const {number})"))
}

fn args(source: &mut ChaCha8Rng, name: &str, params: &str) -> String {
    let mut args = String::new();
    let mut length = None;
    for (n, kind) in params.split_whitespace().enumerate() {
        let number = match kind {
            "i64" => pick(source, &LONG),
            _ if length.is_some() => length.take().unwrap_or_default(),
            // In most calls a descriptor or a flag comes first, and pointers later.
            _ if n > 0 && name.starts_with("path_") && source.next_u32().is_multiple_of(2) => {
                let path = pick(source, &[0, 1, 2, 3, 4, 5, 6, 7]);
                length = Some(PATHS[path].len() as i64);
                (PATHS_AT + path * PATH_BYTES) as i64
            }
            _ if n > 0 && source.next_u32().is_multiple_of(2) => pick(source, &POINTERS),
            _ => pick(source, &SMALL),
        };
        write!(args, " ({kind}.const {number})").unwrap();
    }
    args
}

/// All that a run came to; what it wrote to the standard streams by its hash.
async fn answer(rig: &Rig, module: &str) -> (Outcome, Option<u64>, String, BTreeMap<String, u64>) {
    let _ = fs::remove_dir_all(rig.path("outputs"));
    let (result, kept) = rig
        .run_with(module, |request| {
            request.args = vec!["one".to_owned()];
            request.mounts = vec![rig.mount("inputs", "/inputs")];
            request.outputs = vec![rig.output("outputs", "/outputs")];
            request.limits.det = Some(Det {
                profile: PROFILE_DET_1.into(),
                output_max_bytes: 100_000,
                ..Det::default()
            });
        })
        .await;
    let finished = result.unwrap();
    let streams = [StdStream::Stdout, StdStream::Stderr].map(|stream| kept.bytes(stream));
    let hash = hex::encode(Sha256::digest(streams.concat()));
    (finished.outcome, finished.fuel, hash, sizes(&rig.path("outputs")))
}

fn sizes(dir: &Path) -> BTreeMap<String, u64> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let metadata = fs::symlink_metadata(entry.path()).unwrap();
            let size = if metadata.is_dir() { 0 } else { metadata.len() };
            (entry.file_name().to_string_lossy().into_owned(), size)
        })
        .collect()
}

/// Nodes with as little in common as can be; their inputs lie in directories made in turn.
fn nodes() -> [Rig; 3] {
    let nodes = [
        Rig::of_kind(Kind::ALL[0]),
        Rig::with(|config| {
            config.pool_slots = 0;
            config.overlay_memory_bytes = 50;
            config.open_files_max = 3;
            config.tick_ms = 1;
        }),
        Rig::of_kind(Kind::ALL[4]),
    ];
    for rig in &nodes {
        fs::create_dir_all(rig.path("inputs/sub")).unwrap();
        fs::write(rig.path("inputs/a.txt"), "some text to read").unwrap();
        fs::write(rig.path("inputs/sub/b"), "more").unwrap();
        std::os::unix::fs::symlink("sub/b", rig.path("inputs/link")).unwrap();
    }
    nodes
}

#[tokio::test]
async fn calls_at_random_are_answered_the_same_by_all_nodes() {
    let nodes = nodes();
    let mut with_outputs = 0;
    for seed in 0..PROGRAMS {
        let module = program(seed);
        let first = answer(&nodes[0], &module).await;
        for other in &nodes[1..] {
            assert_eq!(answer(other, &module).await, first, "seed {seed}");
        }
        with_outputs += usize::from(!first.3.is_empty());
    }
    assert!(with_outputs > 20, "{with_outputs} of {PROGRAMS}");
}
