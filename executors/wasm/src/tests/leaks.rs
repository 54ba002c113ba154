//! What a guest could find out about its node, its engine or who ran there before, and does not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::{Det, Failure, FailureKind, Outcome, PROFILE_DET_1};
use gadus_ports::{
    ContentError, ExecRequest, Finished, InputDirectory, InputEntry, InputNode, Mount, MountSource,
    StdStream,
};
use tokio_util::sync::CancellationToken;

use super::built::built;
use super::engines::Kind;
use super::rig::{Kept, Rig, command};
use super::script::script;

fn det(request: &mut ExecRequest, change: impl FnOnce(&mut Det)) {
    let mut det = Det { profile: PROFILE_DET_1.into(), ..Det::default() };
    change(&mut det);
    request.limits.det = Some(det);
}

async fn run(rig: &Rig, module: &str) -> Result<Outcome, FailureKind> {
    let (result, _) = rig.run_with(module, |request| det(request, |_| {})).await;
    result.map(|finished| finished.outcome).map_err(|failure| failure.kind)
}

#[tokio::test]
async fn nothing_is_left_of_who_ran_before() {
    // With an argument it leaves what it can behind; without, it looks for that. Globals and
    // tables count, and every byte of a memory that has grown.
    let module = command(
        "(table $t 3 50 funcref) (elem declare func $f) (func $f)
         (global $g (mut i64) (i64.const 7)) (global $found (mut i32) (i32.const 0))
         (data (i32.const 5000) \"kept\")
         (func $dirty
           (memory.fill (i32.const 0) (i32.const 255) (i32.mul (memory.size) (i32.const 65536)))
           (table.fill $t (i32.const 0) (ref.func $f) (table.size $t))
           (global.set $g (i64.const 8)))
         (func $look (local $at i32)
           (global.set $found (i32.wrap_i64 (i64.sub (global.get $g) (i64.const 7))))
           (i32.store (i32.const 5000) (i32.xor (i32.load (i32.const 5000)) (i32.const 0x7470656b)))
           (loop $bytes
             (global.set $found (i32.or (global.get $found)
               (i32.ne (i64.eqz (i64.load (local.get $at))) (i32.const 1))))
             (local.set $at (i32.add (local.get $at) (i32.const 8)))
             (br_if $bytes (i32.lt_u (local.get $at) (i32.const 1048576))))
           (local.set $at (i32.const 0))
           (loop $elements
             (global.set $found (i32.or (global.get $found)
               (i32.eqz (ref.is_null (table.get $t (local.get $at))))))
             (local.set $at (i32.add (local.get $at) (i32.const 1)))
             (br_if $elements (i32.lt_u (local.get $at) (i32.const 50)))))",
        "(drop (memory.grow (i32.const 15)))
         (drop (table.grow $t (ref.null func) (i32.const 47)))
         (call $must (call $args_sizes_get (i32.const 0) (i32.const 4)))
         (if (i32.eq (i32.load (i32.const 0)) (i32.const 2)) (then (call $dirty) unreachable))
         (i64.store (i32.const 0) (i64.const 0))
         (call $look)
         (call $exit (global.get $found))",
    );
    // Another module, which the pool has no image of at hand.
    let other = module.replace("(func $f)", "(func $f nop)");
    for kind in Kind::ALL {
        let rig = Rig::of_kind(kind);
        let (result, _) = rig
            .run_with(&module, |request| {
                det(request, |_| {});
                request.args = vec!["leave".to_owned()];
            })
            .await;
        assert_eq!(result.unwrap().outcome, Outcome::Trap("unreachable".to_owned()));
        for module in [&module, &other] {
            assert_eq!(run(&rig, module).await, Ok(Outcome::Exit(0)), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn how_deep_the_stack_is_makes_no_result() {
    let locals: String = (0..500).map(|n| format!("(local.get {n})")).collect();
    let sums = "(i64.add)".repeat(499);
    let wide = format!(
        "(func $deeper (result i64) (local {}) (drop (call $deeper)) {locals} {sums})",
        "i64 ".repeat(500)
    );
    let in_start = "(module (func $deeper (call $deeper) (call $deeper)) (start $deeper)
        (func (export \"_start\")))";
    let modules = [
        command("(func $deeper (call $deeper) (call $deeper))", "(call $deeper)"),
        command(&wide, "(drop (call $deeper))"),
        command(
            "(table funcref (elem $deeper))
             (func $deeper (call_indirect (i32.const 0)) (call_indirect (i32.const 0)))",
            "(call $deeper)",
        ),
        // Where the stack ends it may be the host that needs some.
        command(
            "(func $deeper
               (drop (call $random_get (i32.const 64) (i32.const 1000)))
               (drop (call $path_create_directory (i32.const 3) (i32.const 64) (i32.const 9)))
               (call $deeper) (call $deeper))",
            "(call $deeper)",
        ),
        in_start.to_owned(),
    ];
    for kind in Kind::ALL {
        let rig = Rig::of_kind(kind);
        for module in &modules {
            assert_eq!(run(&rig, module).await, Err(FailureKind::Invalid), "{kind:?} {module}");
        }
    }
}

#[tokio::test]
async fn a_start_function_ends_like_any_other() {
    let p1 = "wasi_snapshot_preview1";
    let start = |body: &str| {
        format!(
            "(module (import \"{p1}\" \"proc_exit\" (func $exit (param i32)))
               (memory (export \"memory\") 0) (table $t 0 funcref)
               (func $start {body}) (start $start) (func (export \"_start\")))"
        )
    };
    // That memory which begins with nothing does not grow is no reason why it does not start.
    let grow = "(drop (memory.grow (i32.const 65536)))
        (drop (table.grow $t (ref.null func) (i32.const 0x7fffffff)))";
    for kind in Kind::ALL {
        let rig = Rig::of_kind(kind);
        for (body, outcome) in [
            (format!("{grow} unreachable"), Outcome::Trap("unreachable".to_owned())),
            (format!("{grow} (call $exit (i32.const 3))"), Outcome::Exit(3)),
            (grow.to_owned(), Outcome::Exit(0)),
        ] {
            assert_eq!(run(&rig, &start(&body)).await, Ok(outcome), "{kind:?} {body}");
        }
        let host = format!(
            "(module (import \"{p1}\" \"sched_yield\" (func $f (result i32)))
               (export \"_start\" (func $f)))"
        );
        assert_eq!(run(&rig, &host).await, Ok(Outcome::Exit(0)), "{kind:?}: a call of the host's");
        let (result, _) = rig
            .run_with(&start("(loop $again (br $again))"), |request| {
                det(request, |det| det.fuel_max = Some(1000));
            })
            .await;
        assert_eq!(result.unwrap().outcome, Outcome::OutOfFuel);
    }
}

#[tokio::test]
async fn whatever_the_fuel_it_ends_at_the_same_place() {
    // Writes a byte in every round of a loop, and calls in between.
    let module = command(
        "(global $n (mut i32) (i32.const 0)) (func $f (param i32) (result i32)
           (if (result i32) (i32.and (local.get 0) (i32.const 1))
             (then (i32.mul (local.get 0) (i32.const 3))) (else (local.get 0))))",
        "(loop $again
           (i32.store8 (i32.const 64) (call $f (global.get $n)))
           (call $write (i32.const 1) (i32.const 64) (i32.const 1))
           (global.set $n (i32.add (global.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (global.get $n) (i32.const 5))))",
    );
    let mut seen = Vec::new();
    for kind in Kind::ALL {
        let rig = Rig::of_kind(kind);
        let mut ends = Vec::new();
        for fuel in 0..200 {
            let (result, kept) = rig
                .run_with(&module, |request| det(request, |det| det.fuel_max = Some(fuel)))
                .await;
            let Finished { outcome, fuel, .. } = result.unwrap();
            ends.push((outcome, fuel, kept.bytes(StdStream::Stdout)));
        }
        seen.push(ends);
    }
    assert!(seen.iter().all(|ends| *ends == seen[0]));
    assert_eq!(seen[0][0], (Outcome::OutOfFuel, Some(0), Vec::new()));
    assert_eq!(seen[0][199].0, Outcome::Exit(0));
    let places: Vec<_> = seen[0].iter().map(|(_, _, stdout)| stdout.len()).collect();
    assert!(places.is_sorted() && places.contains(&3), "{places:?}");
}

#[tokio::test]
async fn all_of_the_memory_that_a_module_can_have_is_had() {
    let module = command(
        "",
        "(drop (memory.grow (i32.const 65535)))
         (i32.store8 (i32.const -1) (i32.const 9))
         (drop (memory.grow (i32.const 1)))
         (call $exit (i32.add (memory.size) (i32.load8_u (i32.const -1))))",
    );
    for kind in Kind::ALL {
        let rig = Rig::of_kind(kind);
        let (result, _) = rig
            .run_with(&module, |request| det(request, |det| det.memory_max_bytes = 4 << 30))
            .await;
        assert_eq!(result.unwrap().outcome, Outcome::Exit(65_545), "{kind:?}");
    }
    // More than that is for none.
    let rig = Rig::with(|config| {
        config.memory_max_bytes = 6 << 30;
        config.pool_slots = 0;
    });
    let (result, _) =
        rig.run_with(&module, |request| det(request, |det| det.memory_max_bytes = 6 << 30)).await;
    assert_eq!(result.unwrap().outcome, Outcome::Exit(65_545));
}

#[tokio::test]
async fn a_directory_is_read_the_same_in_pieces_of_any_size() {
    let rig = Rig::new();
    fs::create_dir(rig.path("inputs")).unwrap();
    for name in ["z", "a-long-name-that-no-small-buffer-holds", "ß", "A", "a.b", "a"] {
        fs::write(rig.path("inputs").join(name), "").unwrap();
    }
    let read = |cookie: usize, bytes: usize| {
        let call = format!("(call $fd_readdir #3 #1024 #{bytes} L{cookie} #64)");
        let module = script(&[&call, "=64:4", "=1024:600"]);
        let rig = &rig;
        async move {
            let (result, kept) = rig
                .run_with(&module, |request| {
                    det(request, |_| {});
                    request.mounts = vec![rig.mount("inputs", "/inputs")];
                })
                .await;
            assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
            let shown = kept.bytes(StdStream::Stdout);
            let used = u32::from_le_bytes(shown[..4].try_into().unwrap()) as usize;
            assert!(used <= bytes && shown[4 + used..].iter().all(|byte| *byte == 0));
            shown[4..4 + used].to_vec()
        }
    };
    let whole = read(0, 600).await;
    let order = ["a", "a-long-name-that-no-small-buffer-holds", "a.b", "z"];
    let places: Vec<_> = order.map(|name| find(&whole, name.as_bytes())).into();
    assert!(places.is_sorted(), "{places:?}");
    for bytes in [0, 1, 23, 24, 25, 49, 100, whole.len() - 1, whole.len()] {
        assert_eq!(read(0, bytes).await, whole[..bytes], "{bytes} bytes");
    }
    // From the entry that a cookie names on, whatever was read before.
    let mut at = 0;
    for cookie in 0..8 {
        assert_eq!(read(cookie, 600).await, whole[at..], "from {cookie}");
        let name = u32::from_le_bytes(whole[at + 16..at + 20].try_into().unwrap());
        at += 24 + name as usize;
    }
    assert_eq!(at, whole.len());
}

fn find(all: &[u8], name: &[u8]) -> Option<usize> {
    // Its length stands before it, and its kind.
    let mut entry = u32::try_from(name.len()).unwrap().to_le_bytes().to_vec();
    entry.extend([4, 0, 0, 0]);
    entry.extend(name);
    all.windows(entry.len()).position(|window| window == entry)
}

/// A tree with what lies in a directory.
#[derive(Debug)]
struct Copied(BTreeMap<String, InputNode>);

impl Copied {
    fn of(dir: &Path) -> InputNode {
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap).map(|entry| {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let node = if kind.is_dir() {
                Self::of(&path)
            } else if kind.is_symlink() {
                InputNode::Symlink(fs::read_link(&path).unwrap().to_str().unwrap().to_owned())
            } else {
                InputNode::File(Arc::new(Bytes::from(fs::read(&path).unwrap())))
            };
            (entry.file_name().into_string().unwrap(), node)
        });
        InputNode::Directory(Arc::new(Self(entries.collect())))
    }
}

impl InputDirectory for Copied {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        Ok(self.0.get(name).cloned())
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        let entry = |(name, node): (&String, &InputNode)| InputEntry {
            name: name.clone(),
            kind: node.kind(),
        };
        Ok(self.0.iter().map(entry).collect())
    }
}

#[tokio::test]
async fn whether_an_input_is_a_tree_or_a_directory_of_the_hosts_does_not_show() {
    let Some((wasm, _)) = built("files") else { return };
    let rig = Rig::new();
    let inputs = rig.path("inputs");
    fs::create_dir_all(inputs.join("deep/er/empty")).unwrap();
    for name in ["b", "a", "deep/c", "deep/er/d", "ß", "-", "a.b", "Z"] {
        fs::write(inputs.join(name), name.repeat(5000)).unwrap();
    }
    for (target, name) in [("a", "link"), ("deep/../b", "far"), ("/etc", "out"), ("none", "no")] {
        std::os::unix::fs::symlink(target, inputs.join(name)).unwrap();
    }
    let of_tree = Mount { source: MountSource::Tree(Copied::of(&inputs)), guest: "/inputs".into() };
    let mut seen = Vec::new();
    for mount in [rig.mount("inputs", "/inputs"), of_tree] {
        let (result, kept): (Result<Finished, Failure>, Arc<Kept>) = rig
            .run_bytes(
                wasm.clone(),
                |request| {
                    det(request, |_| {});
                    request.args = vec!["20".to_owned()];
                    request.mounts = vec![mount];
                    request.outputs = vec![rig.output("outputs", "/outputs")];
                },
                &CancellationToken::new(),
            )
            .await;
        let Finished { outcome, fuel, .. } = result.unwrap();
        assert_eq!(kept.text(StdStream::Stderr), "");
        seen.push((outcome, fuel, kept.text(StdStream::Stdout)));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].2.contains("/inputs/deep/er/empty/. ino "), "{}", seen[0].2);
}
