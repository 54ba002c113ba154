//! `det/1`: the same task comes to the same result, whoever runs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gadus_model::{Det, FailureKind, Outcome, PROFILE_DET_1};
use gadus_ports::{ExecRequest, Finished, StdStream};

use super::engines::Kind;
use super::rig::{Rig, command, kind};
use super::script::{open, script};

/// All that a run came to.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    outcome: Outcome,
    fuel: Option<u64>,
    memory_peak_bytes: Option<u64>,
    stdout: Vec<u8>,
    stderr: String,
    outputs: BTreeMap<String, Vec<u8>>,
}

fn det(change: impl FnOnce(&mut Det)) -> Det {
    let mut det = Det { profile: PROFILE_DET_1.into(), ..Det::default() };
    change(&mut det);
    det
}

/// Runs it with inputs, outputs, arguments and an environment.
async fn run(rig: &Rig, module: &str, change: impl FnOnce(&mut ExecRequest)) -> Answer {
    fs::create_dir_all(rig.path("inputs/sub")).unwrap();
    for name in ["b", "a", "Z", "a.b"] {
        fs::write(rig.path("inputs").join(name), name).unwrap();
    }
    let _ = fs::remove_dir_all(rig.path("outputs"));
    let (result, kept) = rig
        .run_with(module, |request| {
            request.mounts = vec![rig.mount("inputs", "/inputs")];
            request.outputs = vec![rig.output("outputs", "/outputs")];
            request.args = vec!["one".into(), "two".into()];
            request.env = [("B".into(), "2".into()), ("A".into(), "1".into())].into();
            request.limits.det = Some(det(|_| {}));
            change(request);
        })
        .await;
    let Finished { outcome, fuel, memory_peak_bytes, .. } = result.unwrap();
    Answer {
        outcome,
        fuel,
        memory_peak_bytes,
        stdout: kept.bytes(StdStream::Stdout),
        stderr: kept.text(StdStream::Stderr),
        outputs: files(&rig.path("outputs")),
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Runs it on rigs of all kinds, and compares.
async fn everywhere(module: &str, change: impl Fn(&mut ExecRequest)) -> Answer {
    let rigs = [
        Rig::new(),
        Rig::with(|config| config.pool_slots = 0),
        Rig::with(|config| {
            config.open_files_max = 1;
            config.overlay_memory_bytes = 0;
            config.memory_max_bytes = 1 << 30;
            config.tick_ms = 1;
        }),
        Rig::of_kind(Kind::ALL[2]),
        Rig::of_kind(Kind::ALL[4]),
    ];
    let first = run(&rigs[0], module, &change).await;
    for (n, rig) in rigs.iter().enumerate() {
        assert_eq!(run(rig, module, &change).await, first, "rig {n}");
    }
    first
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[tokio::test]
async fn everything_a_guest_can_look_at_is_the_same_everywhere() {
    let calls = [
        "(call $args_sizes_get #64 #68)",
        "(call $args_get #72 #128)",
        "=64:100",
        "(call $environ_sizes_get #64 #68)",
        "(call $environ_get #72 #128)",
        "=64:100",
        "(call $random_get #1024 #100)",
        "=1024:100",
        "(call $clock_time_get #0 L0 #64)",
        "(call $clock_time_get #1 L0 #72)",
        "(call $clock_time_get #2 L0 #80)",
        "(call $clock_time_get #3 L0 #88)",
        "=64:32",
        "(call $fd_readdir #3 #1024 #4000 L0 #64)",
        "=1024:4000",
        "(call $path_filestat_get #3 #0 'a.b' #64)",
        "=64:64",
        "(call $fd_filestat_get #4 #64)",
        "=64:64",
        "(call $fd_filestat_get #1 #64)",
        "=64:64",
        "(call $fd_fdstat_get #1 #64)",
        "=64:24",
        &open(4, "made", 1, 64),
        "(call $fd_filestat_set_size @ L5000)",
        "(call $fd_filestat_get @ #64)",
        "=64:64",
    ];
    let result = everywhere(&script(&calls), |_| {}).await;
    assert_eq!(result.outcome, Outcome::Exit(0));
    assert_eq!(result.outputs, [("made".to_owned(), vec![0; 5000])].into());
    let out = &result.stdout;
    assert_eq!(&out[64..77], b"main\0one\0two\0");
    assert_eq!(&out[100 + 64..100 + 72], b"A=1\0B=2\0");
    let clocks: Vec<_> = (0..4).map(|n| u64_at(out, 300 + 8 * n)).collect();
    assert_eq!(clocks, [0, 1000, 2000, 3000]);
    let stat = &out[332 + 4000..][..64];
    // Device, links, size, times.
    let numbers: Vec<_> = [0, 24, 32, 40, 48, 56].map(|at| u64_at(stat, at)).into();
    assert_eq!(numbers, [0, 1, 3, 0, 0, 0]);
    assert_eq!(stat[16], 4, "a file");
}

#[tokio::test]
async fn randomness_is_the_seeds() {
    let rig = Rig::new();
    let module = script(&["(call $random_get #1024 #64)", "=1024:64"]);
    let drawn = |seed: u8| {
        let module = &module;
        let rig = &rig;
        async move { run(rig, module, |request| request.seed = [seed; 32]).await.stdout }
    };
    let (one, again, other) = (drawn(1).await, drawn(1).await, drawn(2).await);
    assert_eq!(one.len(), 64);
    assert_eq!(one, again);
    assert_ne!(one, other);
    // Many draws are one stream.
    let parts = script(&[
        "(call $random_get #1024 #8)",
        "(call $random_get #1032 #8)",
        "(call $random_get #1040 #48)",
        "=1024:64",
    ]);
    let parts = run(&rig, &parts, |request| request.seed = [1; 32]).await.stdout;
    assert_eq!(parts, one);
    // The attested profile takes what it draws from the host.
    let attested = |seed: u8| {
        let module = &module;
        let rig = &rig;
        async move {
            let change = |request: &mut ExecRequest| {
                request.seed = [seed; 32];
                request.limits.det = Some(Det::default());
            };
            run(rig, module, change).await.stdout
        }
    };
    assert_ne!(attested(1).await, attested(1).await);
}

#[tokio::test]
async fn the_names_and_order_of_nothing_tell_of_the_job() {
    let module = script(&[
        "(call $environ_sizes_get #64 #68)",
        "(call $environ_get #72 #128)",
        "=128:64",
        "(call $random_get #1024 #32)",
        "=1024:32",
    ]);
    let rig = Rig::new();
    let one = run(&rig, &module, |_| {}).await;
    let other = run(&rig, &module, |request| {
        request.execution = "e-00000000-0000-0000-0000-0000000000ff".parse().unwrap();
        request.scratch = rig.path("elsewhere");
        request.limits.caps.output_max_bytes = 1;
        request.limits.timeout = Some(std::time::Duration::from_secs(100));
    })
    .await;
    assert_eq!(one, other);
}

#[tokio::test]
async fn sleeping_takes_no_time_and_makes_time_pass() {
    // A century of the monotonic clock, counted from now.
    let sleep = "(call $poll_oneoff
        (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 32))";
    let module = command(
        "",
        &format!(
            "(i32.store (i32.const 80) (i32.const 1))
             (i64.store (i32.const 88) (i64.const 3155760000000000000))
             (call $must {sleep})
             (call $must (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 512)))
             (i32.store16 (i32.const 104) (i32.const 1))
             (call $must {sleep})
             (call $must (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 520)))
             (i32.store16 (i32.const 104) (i32.const 0))
             (i64.store (i32.const 88) (i64.const -1))
             (call $must {sleep})
             (call $must (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 528)))
             (call $write (i32.const 1) (i32.const 512) (i32.const 24))
             (call $exit (i32.load (i32.const 32)))"
        ),
    );
    let result = everywhere(&module, |_| {}).await;
    assert_eq!(result.outcome, Outcome::Exit(1), "one event");
    let shown: Vec<_> = (0..3).map(|n| u64_at(&result.stdout, 8 * n)).collect();
    let century = 3_155_760_000_000_000_000;
    // The second time was there already; the last is the end of time.
    assert_eq!(shown, [century, century + 1000, u64::MAX]);
}

#[tokio::test]
async fn memory_and_tables_grow_to_the_tasks_limit_everywhere() {
    let bomb = command(
        "(table $t 10 funcref)",
        "(loop $again
           (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
         (loop $again
           (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 9)) (i32.const -1))))
         (call $exit (i32.add (i32.mul (memory.size) (i32.const 1000)) (table.size $t)))",
    );
    let result = everywhere(&bomb, |request| {
        request.limits.det = Some(det(|det| {
            det.memory_max_bytes = (10 << 16) + 5;
            det.table_max = 50;
        }));
        // More than the task's limit is no more for the task.
        request.limits.resources.memory_bytes = 1 << 30;
    })
    .await;
    assert_eq!(result.outcome, Outcome::Exit(10_046));
    assert_eq!(result.memory_peak_bytes, Some(10 << 16));
    let rig = Rig::new();
    let (less, _) = rig
        .run_with(&bomb, |request| {
            request.limits.det = Some(det(|_| {}));
            request.limits.resources.memory_bytes = 1 << 20;
        })
        .await;
    assert_eq!(kind(less), FailureKind::Invalid);
}

#[tokio::test]
async fn fuel_ends_it_and_the_stack_and_time_are_nobodys_answer() {
    let endless = command(
        "",
        "(loop $again (call $write (i32.const 1) (i32.const 0) (i32.const 64)) (br $again))",
    );
    let result = everywhere(&endless, |request| {
        request.limits.det = Some(det(|det| det.fuel_max = Some(10_000)));
    })
    .await;
    assert_eq!(result.outcome, Outcome::OutOfFuel);
    assert!(result.fuel.unwrap() <= 10_000);
    assert!(!result.stdout.is_empty());
    let rig = Rig::new();
    let deeper = command("(func $deeper (call $deeper) (call $deeper))", "(call $deeper)");
    for (module, kind_of_end) in [(&deeper, FailureKind::Invalid), (&endless, FailureKind::Timeout)]
    {
        let (result, _) = rig
            .run_with(module, |request| {
                request.limits.det = Some(det(|_| {}));
                request.limits.timeout = Some(std::time::Duration::from_millis(50));
            })
            .await;
        assert_eq!(kind(result), kind_of_end);
    }
}

#[tokio::test]
async fn outputs_end_where_the_task_says_in_memory_and_beyond() {
    // Writes 1000 bytes at a time until it cannot, and exits with why.
    let module = command(
        "(data (i32.const 1024) \"f\") (global $errno (mut i32) (i32.const 0))",
        "(call $must (call $path_open (i32.const 4) (i32.const 0) (i32.const 1024) (i32.const 1)
           (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
         (i32.store (i32.const 4) (i32.const 1000))
         (loop $again
           (global.set $errno (call $fd_write
             (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))
           (br_if $again (i32.eqz (global.get $errno))))
         (call $exit (global.get $errno))",
    );
    let result = everywhere(&module, |request| {
        request.limits.det = Some(det(|det| det.output_max_bytes = 123_456));
    })
    .await;
    assert_eq!(result.outcome, Outcome::Exit(51));
    assert_eq!(result.outputs["f"].len(), 123_456);
}

#[tokio::test]
async fn calls_that_there_are_not_answer_and_traps_are_the_same() {
    let result = everywhere(&script(&["(call $sock_shutdown #3 #3)"]), |_| {}).await;
    assert_eq!(result.outcome, Outcome::Exit(52));
    let result = everywhere(&command("", "unreachable"), |_| {}).await;
    assert_eq!(result.outcome, Outcome::Trap("unreachable".into()));
    let result = everywhere(&command("", "(call $exit (i32.const 300))"), |_| {}).await;
    assert_eq!(result.outcome, Outcome::Exit(300));
}
