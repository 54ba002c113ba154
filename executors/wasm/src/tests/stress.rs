//! Many at once.

use std::sync::Arc;

use bytes::Bytes;
use gadus_model::Outcome;
use gadus_ports::{Executor, LogSink, StdStream};
use tokio_util::sync::CancellationToken;

use super::rig::{Kept, Rig, cid_of_module, command};

/// Grows its memory, writes into it, says something.
fn busy() -> Bytes {
    Bytes::from(command(
        "(data (i32.const 1024) \"hello\")",
        "(drop (memory.grow (i32.const 20)))
         (if (i32.load (i32.const 1000000)) (then unreachable))
         (i32.store (i32.const 1000000) (i32.const 1))
         (call $write (i32.const 1) (i32.const 1024) (i32.const 5))",
    ))
}

async fn run_many(rig: &Rig, n: usize) {
    let module = busy();
    let request = rig.request(cid_of_module(&module));
    rig.executor.prepare(&request.code, Some(module)).await.unwrap();
    let runs: Vec<_> = (0..n)
        .map(|_| {
            let (executor, request) = (Arc::clone(&rig.executor), request.clone());
            tokio::spawn(async move {
                let sink = Arc::new(Kept::new(100));
                let log: Arc<dyn LogSink> = Arc::clone(&sink) as _;
                let result = executor.run(request, log, CancellationToken::new()).await;
                (result, sink.text(StdStream::Stdout))
            })
        })
        .collect();
    for run in runs {
        let (result, text) = run.await.unwrap();
        // Each finds its memory as new.
        assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
        assert_eq!(text, "hello");
    }
    assert_eq!(rig.executor.stats().running, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_in_a_pool() {
    run_many(&Rig::new(), 64).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_on_demand() {
    run_many(&Rig::with(|config| config.pool_slots = 0), 64).await;
}

#[tokio::test]
async fn a_pool_smaller_than_its_threads_says_so() {
    let rig = Rig::with(|config| {
        config.pool_slots = 1;
        config.threads = 2;
    });
    let endless = Bytes::from(command(
        "",
        "(call $write (i32.const 1) (i32.const 1024) (i32.const 1)) (loop $again (br $again))",
    ));
    let request = rig.request(cid_of_module(&endless));
    rig.executor.prepare(&request.code, Some(endless)).await.unwrap();
    let (sink, stop) = (Arc::new(Kept::new(1)), CancellationToken::new());
    let first = tokio::spawn({
        let (executor, stop) = (Arc::clone(&rig.executor), stop.clone());
        let log: Arc<dyn LogSink> = Arc::clone(&sink) as _;
        async move { executor.run(request, log, stop).await }
    });
    sink.first_write().await;
    let failure = rig.run(&command("", "")).await.unwrap_err();
    assert!(failure.kind.is_retryable());
    assert!(failure.message.contains("no room"), "{}", failure.message);
    stop.cancel();
    assert!(first.await.unwrap().is_err());
}

#[test]
fn the_callers_own_thread_can_run_one() {
    let rig = Rig::new();
    let module = busy();
    let request = rig.request(cid_of_module(&module));
    let unprepared = rig.executor.call_blocking(&request, Arc::new(Kept::new(1)));
    assert!(unprepared.unwrap_err().message.contains("not prepared"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(rig.executor.prepare(&request.code, Some(module))).unwrap();
    for _ in 0..100 {
        let sink = Arc::new(Kept::new(100));
        let finished = rig.executor.call_blocking(&request, Arc::clone(&sink) as _).unwrap();
        assert_eq!(finished.outcome, Outcome::Exit(0));
        assert_eq!(sink.text(StdStream::Stdout), "hello");
    }
}
