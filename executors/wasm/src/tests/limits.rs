//! What a guest may use.

use std::sync::Arc;

use bytes::Bytes;
use gadus_model::{Det, FailureKind, Network, Outcome};
use gadus_ports::{Executor, LogSink, StdStream};
use tokio_util::sync::CancellationToken;

use super::rig::{Kept, Rig, cid_of_module, command, kind};

#[tokio::test]
async fn memory_grows_to_the_limit_and_not_beyond() {
    let rig = Rig::new();
    // Grows until it cannot, and exits with the number of pages it got.
    let bomb = command(
        "",
        "(loop $again
           (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
         (call $exit (memory.size))",
    );
    for (det_bytes, asked_bytes, pages) in
        [(10 << 16, 0, 10), (10 << 16, 4 << 16, 4), (3 << 16, 1 << 30, 3), ((10 << 16) - 1, 0, 9)]
    {
        let (result, _) = rig
            .run_with(&bomb, |request| {
                request.limits.resources.memory_bytes = asked_bytes;
                let det = Det { memory_max_bytes: det_bytes, ..Det::default() };
                request.limits.det = Some(det);
            })
            .await;
        let finished = result.unwrap();
        assert_eq!(finished.outcome, Outcome::Exit(pages));
        assert_eq!(finished.memory_peak_bytes, Some(u64::try_from(pages).unwrap() << 16));
    }
    let trapping = command(
        "",
        "(if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1))
        (then unreachable))",
    );
    let finished = rig.run(&trapping).await.unwrap();
    assert_eq!(finished.outcome, Outcome::Trap("unreachable".to_owned()));
}

#[tokio::test]
async fn a_module_larger_than_its_limits_does_not_start() {
    let rig = Rig::new();
    let memory = "(module (memory 100) (func (export \"_start\")))";
    let (result, _) =
        rig.run_with(memory, |request| request.limits.resources.memory_bytes = 99 << 16).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::OutOfMemory);
    assert!(failure.message.contains("6553600 bytes"), "{}", failure.message);
    let table = "(module (table 1001 funcref) (func (export \"_start\")))";
    let (result, _) = rig
        .run_with(table, |request| {
            request.limits.det = Some(Det { table_max: 1000, ..Det::default() });
        })
        .await;
    let failure = result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.message.contains("1001 table elements"), "{}", failure.message);
}

#[tokio::test]
async fn tables_grow_to_the_limit_and_not_beyond() {
    let rig = Rig::new();
    let bomb = command(
        "(table $a 10 funcref) (table $b 10 funcref)",
        "(loop $again (br_if $again (i32.ne
           (table.grow $a (ref.null func) (i32.const 7)) (i32.const -1))))
         (call $exit (i32.add (table.size $a) (table.size $b)))",
    );
    let (result, _) = rig
        .run_with(&bomb, |request| {
            request.limits.det = Some(Det { table_max: 50, ..Det::default() });
        })
        .await;
    assert_eq!(result.unwrap().outcome, Outcome::Exit(48));
}

#[tokio::test]
async fn an_exhausted_stack_is_no_result() {
    let rig = Rig::new();
    let module = command("(func $deeper (call $deeper) (call $deeper))", "(call $deeper)");
    let failure = rig.run(&module).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(!failure.kind.is_retryable());
    assert!(failure.message.contains("stack of 1048576 bytes"), "{}", failure.message);
}

#[tokio::test]
async fn a_flood_of_output_reaches_the_sink_as_it_comes() {
    let rig = Rig::new();
    let module = Bytes::from(command(
        "(global $n (mut i32) (i32.const 0))",
        "(loop $again
           (call $write (i32.const 1) (i32.const 0) (i32.const 65536))
           (call $write (i32.const 2) (i32.const 1024) (i32.const 10))
           (global.set $n (i32.add (global.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (global.get $n) (i32.const 500))))",
    ));
    let request = rig.request(cid_of_module(&module));
    rig.executor.prepare(&request.code, Some(module)).await.unwrap();
    let sink = Arc::new(Kept::new(1000));
    let log: Arc<dyn LogSink> = Arc::clone(&sink) as _;
    let finished = rig.executor.run(request, log, CancellationToken::new()).await.unwrap();
    assert_eq!(finished.outcome, Outcome::Exit(0));
    assert_eq!(sink.counted(StdStream::Stdout), 500 << 16);
    assert_eq!(sink.counted(StdStream::Stderr), 5000);
}

/// Opens a file and writes pages to it until it cannot, then exits with why.
fn hoarder() -> String {
    command(
        "(data (i32.const 1024) \"big\") (global $errno (mut i32) (i32.const 0))",
        "(call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 3)
           (i32.const 1) (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 32)))
         (i32.store (i32.const 4) (i32.const 60000))
         (loop $again
           (global.set $errno (call $fd_write
             (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))
           (br_if $again (i32.eqz (global.get $errno))))
         (call $exit (global.get $errno))",
    )
}

#[tokio::test]
async fn a_guest_that_fills_its_outputs_is_told() {
    // In memory and beyond it.
    for memory in [2 << 20, 100_000, 0] {
        let rig = Rig::with(|config| config.overlay_memory_bytes = memory);
        let (result, _) = rig
            .run_with(&hoarder(), |request| {
                request.outputs = vec![rig.output("out", "/outputs")];
                request.limits.caps.output_max_bytes = 1 << 20;
            })
            .await;
        assert_eq!(result.unwrap().outcome, Outcome::Exit(51), "ENOSPC");
        // To the last byte.
        let bytes = std::fs::read(rig.path("out/big")).unwrap();
        assert_eq!(bytes.len(), 1 << 20);
        let spilled = rig.path("scratch/wasm-outputs");
        assert!(!spilled.exists(), "nothing stays in the scratch directory");
    }
}

#[tokio::test]
async fn a_guest_does_not_take_the_last_of_a_disk() {
    // More than any disk has left: known when the first bytes go to it.
    for memory in [2 << 20, 0] {
        let rig = Rig::with(|config| {
            config.disk_reserve_bytes = u64::MAX;
            config.overlay_memory_bytes = memory;
        });
        let (result, _) = rig
            .run_with(&hoarder(), |request| {
                request.outputs = vec![rig.output("out", "/outputs")];
                request.limits.caps.output_max_bytes = 1 << 20;
            })
            .await;
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::DiskFull);
        assert!(failure.kind.is_retryable());
    }
}

#[tokio::test]
async fn a_guest_has_so_many_files_open_and_no_more() {
    let rig = Rig::with(|config| config.open_files_max = 50);
    let module = command(
        "(data (i32.const 1024) \".\")",
        "(loop $again
           (call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 1)
             (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 32)))
           (br_if $again (i32.lt_u (i32.load (i32.const 32)) (i32.const 1000))))",
    );
    let (result, _) = rig
        .run_with(&module, |request| request.outputs = vec![rig.output("out", "/outputs")])
        .await;
    let finished = result.unwrap();
    assert_eq!(finished.outcome, Outcome::Exit(41), "ENFILE");
}

#[tokio::test]
async fn requests_that_no_guest_can_have_are_refused() {
    let rig = Rig::new();
    let module = command("", "");
    let nul = rig.run_with(&module, |request| request.args = vec!["a\0b".into()]).await.0;
    assert_eq!(kind(nul), FailureKind::Invalid);
    for (name, value) in [("", "v"), ("A=B", "v"), ("A\0", "v"), ("A", "v\0")] {
        let bad = rig
            .run_with(&module, |request| request.env = [(name.into(), value.into())].into())
            .await
            .0;
        assert_eq!(kind(bad), FailureKind::Invalid, "{name:?} {value:?}");
    }
    let network = rig.run_with(&module, |request| request.network = Network::Host).await.0;
    assert_eq!(kind(network), FailureKind::Invalid);
    let profile = rig
        .run_with(&module, |request| {
            request.limits.det = Some(Det { profile: "det/7".into(), ..Det::default() });
        })
        .await
        .0;
    assert!(profile.unwrap_err().message.contains("'det/7'"));
}
