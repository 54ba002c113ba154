//! Ways to end, told apart.

use std::time::Duration;

use gadus_model::FailureKind;
use gadus_ports::Executor as _;

use crate::support::{Bench, ROOT_IMAGE, spawn};

#[tokio::test]
async fn a_signal_from_inside_is_an_exit_code() {
    let Some(bench) = Bench::new().await else { return };
    assert_eq!(bench.exit_of(bench.sh("kill -TERM $$").await).await, 143);
    assert_eq!(bench.exit_of(bench.sh("kill -SEGV $$").await).await, 139);
}

#[tokio::test]
async fn out_of_memory_is_told_apart_from_exit_137() {
    let Some(bench) = Bench::new().await else { return };
    assert_eq!(bench.exit_of(bench.sh("exit 137").await).await, 137);
    assert_eq!(bench.exit_of(bench.sh("kill -KILL $$").await).await, 137);
    let bomb = bench.sh("x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done").await;
    let (kind, why) = bench.failure_of(bomb).await;
    assert_eq!(
        (kind, why.as_str()),
        (FailureKind::OutOfMemory, "the job used more than its 64 MiB of memory")
    );
    bench.is_clean().await;
}

#[tokio::test]
async fn time_runs_out_for_the_whole_tree() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("trap '' TERM INT; sleep 600 & setsid sleep 600 & wait").await;
    request.limits.timeout = Some(Duration::from_millis(300));
    let (kind, why) = bench.failure_of(request).await;
    assert_eq!((kind, why.as_str()), (FailureKind::Timeout, "it ran longer than its 0.3 s"));
    assert_eq!(bench.containers().await, Vec::<String>::new(), "it is gone when the run returns");
}

#[tokio::test]
async fn stop_kills_a_tree_that_ignores_sigterm() {
    let Some(bench) = Bench::new().await else { return };
    let marker = format!("6{}", uuid::Uuid::new_v4().as_u128() % 1_000_000);
    let text = format!(
        "trap '' TERM; (trap '' TERM; setsid sleep {marker}) & echo ready >&2; sleep {marker}"
    );
    let running = spawn(&bench.executor, bench.sh(&text).await);
    running.kept.says("ready").await;
    running.stop.cancel();
    let failure = running.task.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Interrupted);
    assert_eq!(bench.containers().await, Vec::<String>::new());
    assert_eq!(processes_with(&marker), 0);
}

/// Processes of this machine with some text among their arguments.
fn processes_with(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.split(|&b| b == 0).any(|arg| arg == text.as_bytes())).count()
}

#[tokio::test]
async fn stopped_before_it_begins_it_leaves_nothing() {
    let Some(bench) = Bench::new().await else { return };
    let request = bench.sh("sleep 600").await;
    let running = spawn(&bench.executor, request);
    running.stop.cancel();
    assert_eq!(running.task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
    bench.is_clean().await;
}

#[tokio::test]
async fn programs_that_cannot_be_started_say_why() {
    let Some(bench) = Bench::new().await else { return };
    for (program, why) in [
        ("/nope", "exec /nope failed: No such file or directory"),
        ("nope", "exec nope failed: No such file or directory"),
        ("/bin/plain", "exec /bin/plain failed: Permission denied"),
        ("/bin/alien", "exec format error: /bin/alien is no program for"),
        ("alien", "exec format error: alien is no program for"),
    ] {
        let (kind, message) = bench.failure_of(bench.request(ROOT_IMAGE, &[program]).await).await;
        assert_eq!(kind, FailureKind::Invalid, "{program}: {message}");
        assert!(message.contains(why), "{program}: {message}");
    }
    let shell = bench.sh("nope").await;
    assert_eq!(
        bench.exit_of(shell).await,
        127,
        "what a shell does not find is the job's own affair"
    );
    bench.is_clean().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_mounted_is_the_jobs_fault() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("true").await;
    _ = crate::support::output(&mut request, "/etc/passwd/below");
    let (kind, message) = bench.failure_of(request).await;
    assert_eq!(kind, FailureKind::Invalid, "{message}");
    bench.is_clean().await;
}

#[tokio::test]
async fn an_execution_does_not_run_twice_at_once() {
    let Some(bench) = Bench::new().await else { return };
    let request = bench.sh("echo ready >&2; sleep 600").await;
    let running = spawn(&bench.executor, request.clone());
    running.kept.says("ready").await;
    let (kind, message) = bench.failure_of(request).await;
    assert!(message.ends_with("runs already"), "{kind:?} {message}");
    assert!(
        bench.executor.reap(&[].into()).await.unwrap().is_empty(),
        "what runs is not an orphan"
    );
    running.stop.cancel();
    assert_eq!(running.task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
}
