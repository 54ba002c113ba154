//! Ends from outside: stop, timeout, a caller that goes away.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gadus_model::{FailureKind, Outcome};
use gadus_ports::{Executor, LogSink};
use tokio_util::sync::CancellationToken;

use super::rig::{Kept, Rig, cid_of_module, command, kind};

/// Says one byte, and then does not end.
fn endless(how: &str) -> String {
    command("", &format!("(call $write (i32.const 1) (i32.const 1024) (i32.const 1)) {how}"))
}

/// Ways not to end: in a loop, in calls of the host, and asleep for some centuries.
fn ways() -> [(&'static str, String); 4] {
    // A subscription to the monotonic clock, at 64, for 2^63 ns; relative, then absolute.
    let sleep = |flags: u32| {
        format!(
            "(i32.store (i32.const 80) (i32.const 1))
             (i64.store (i32.const 88) (i64.const 0x7fffffffffffffff))
             (i32.store16 (i32.const 104) (i32.const {flags}))
             (call $exit (call $poll_oneoff
               (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 32)))"
        )
    };
    [
        ("loop", "(loop $again (br $again))".to_owned()),
        (
            "calls",
            "(loop $again
               (call $write (i32.const 1) (i32.const 1024) (i32.const 1)) (br $again))"
                .to_owned(),
        ),
        ("sleep", sleep(0)),
        ("absolute sleep", sleep(1)),
    ]
}

#[tokio::test]
async fn a_timeout_ends_every_way_of_not_ending() {
    let rig = Rig::new();
    for (name, way) in ways() {
        let (result, _) = rig
            .run_with(&endless(&way), |request| {
                request.limits.timeout = Some(Duration::from_millis(30));
            })
            .await;
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout, "{name}");
        assert!(failure.message.contains("30 ms"), "{}", failure.message);
        assert_eq!(rig.executor.stats().running, 0);
    }
}

#[tokio::test]
async fn stop_ends_every_way_of_not_ending() {
    let rig = Rig::new();
    for (name, way) in ways() {
        let module = Bytes::from(endless(&way));
        let request = rig.request(cid_of_module(&module));
        rig.executor.prepare(&request.code, Some(module)).await.unwrap();
        let sink = Arc::new(Kept::new(100));
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (executor, stop) = (Arc::clone(&rig.executor), stop.clone());
            let sink: Arc<dyn LogSink> = Arc::clone(&sink) as _;
            async move { executor.run(request, sink, stop).await }
        });
        sink.first_write().await;
        assert_eq!(rig.executor.stats().running, 1, "{name}");
        stop.cancel();
        assert_eq!(kind(running.await.unwrap()), FailureKind::Interrupted, "{name}");
        assert_eq!(rig.executor.stats().running, 0, "{name}: it is gone when `run` returns");
    }
}

#[tokio::test]
async fn a_start_function_can_be_stopped_too() {
    let rig = Rig::new();
    let module = "(module (func $f (loop $again (br $again))) (start $f)
        (func (export \"_start\")))";
    let (result, _) = rig
        .run_with(module, |request| request.limits.timeout = Some(Duration::from_millis(30)))
        .await;
    assert_eq!(kind(result), FailureKind::Timeout);
}

#[tokio::test]
async fn stopped_before_it_began_or_while_it_waits_for_a_thread() {
    let rig = Rig::with(|config| config.threads = 1);
    let module = endless("(loop $again (br $again))");
    let stop = CancellationToken::new();
    stop.cancel();
    let (result, kept) = rig.run_bytes(Bytes::from(module.clone()), |_| {}, &stop).await;
    assert_eq!(kind(result), FailureKind::Interrupted);
    assert_eq!(kept.counted(gadus_ports::StdStream::Stdout), 0);

    let request = rig.request(cid_of_module(module.as_bytes()));
    let first = (Arc::new(Kept::new(1)), CancellationToken::new());
    let second = (Arc::new(Kept::new(1)), CancellationToken::new());
    let start = |(sink, stop): &(Arc<Kept>, CancellationToken)| {
        let (executor, request) = (Arc::clone(&rig.executor), request.clone());
        let (sink, stop): (Arc<dyn LogSink>, _) = (Arc::clone(sink) as _, stop.clone());
        tokio::spawn(async move { executor.run(request, sink, stop).await })
    };
    let holds_the_thread = start(&first);
    first.0.first_write().await;
    let waits = start(&second);
    second.1.cancel();
    assert_eq!(kind(waits.await.unwrap()), FailureKind::Interrupted);
    assert_eq!(second.0.counted(gadus_ports::StdStream::Stdout), 0);
    first.1.cancel();
    assert_eq!(kind(holds_the_thread.await.unwrap()), FailureKind::Interrupted);
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_ends() {
    let rig = Rig::with(|config| config.threads = 1);
    let module = Bytes::from(endless("(loop $again (br $again))"));
    let request = rig.request(cid_of_module(&module));
    rig.executor.prepare(&request.code, Some(module)).await.unwrap();
    let sink = Arc::new(Kept::new(1));
    {
        let log: Arc<dyn LogSink> = Arc::clone(&sink) as _;
        let run = rig.executor.run(request, log, CancellationToken::new());
        tokio::select! {
            _ = run => panic!("it does not end by itself"),
            () = sink.first_write() => {}
        }
    }
    // The one thread is free again only when the guest has ended.
    let next = rig.run("(module (func (export \"_start\")))").await.unwrap();
    assert_eq!(next.outcome, Outcome::Exit(0));
}

#[tokio::test]
async fn sleeping_reports_what_is_due() {
    let rig = Rig::new();
    // Three subscriptions: stdin, 1 ms of the monotonic clock, an hour of the other clock.
    let module = |first: u32, n: u32| {
        command(
            "(data (i32.const 64)
               \"\\0a\\00\\00\\00\\00\\00\\00\\00\\01\\00\\00\\00\\00\\00\\00\\00\")
             (data (i32.const 112)
               \"\\0b\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\01\")
             (data (i32.const 160)
               \"\\0c\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\")",
            &format!(
                "(i64.store (i32.const 136) (i64.const 1000000))
                 (i64.store (i32.const 184) (i64.const 3600000000000))
                 (call $must (call $poll_oneoff
                   (i32.const {first}) (i32.const 512) (i32.const {n}) (i32.const 32)))
                 ;; events × 100 + the first one's userdata
                 (call $exit (i32.add
                   (i32.mul (i32.load (i32.const 32)) (i32.const 100))
                   (i32.load (i32.const 512))))"
            ),
        )
    };
    // With stdin ready nothing sleeps, and the clocks are not due yet.
    let all = rig.run(&module(64, 3)).await.unwrap().outcome;
    assert_eq!(all, Outcome::Exit(110));
    let clocks = rig.run(&module(112, 2)).await.unwrap();
    assert_eq!(clocks.outcome, Outcome::Exit(111));
    assert!(clocks.run_us >= 1000, "{} µs", clocks.run_us);
    // Nothing to wait for, and pointers beyond the memory.
    assert_eq!(rig.run(&module(64, 0)).await.unwrap().outcome, Outcome::Exit(28));
    assert_eq!(rig.run(&module(65_530, 1)).await.unwrap().outcome, Outcome::Exit(21));
    assert_eq!(rig.run(&module(64, u32::MAX)).await.unwrap().outcome, Outcome::Exit(21));
}
