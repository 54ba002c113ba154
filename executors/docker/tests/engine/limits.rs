//! Floods.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use gadus_model::FailureKind;
use gadus_ports::{Executor as _, StdStream};

use crate::support::{Bench, is_root, output, spawn};

#[tokio::test]
async fn a_flood_on_stdout_fills_no_disk() {
    let Some(bench) = Bench::new().await else { return };
    let line = "0123456789".repeat(10);
    let mut request = bench.sh(&format!("yes {line} | head -c 33554432; sleep 600")).await;
    request.limits.caps.stdout_max_bytes = 1 << 20;
    request.limits.caps.stderr_max_bytes = 1 << 20;
    let running = spawn(&bench.executor, request);
    // The sink sees it all, and keeps what it likes.
    running.kept.sees(StdStream::Stdout, 32 << 20).await;
    // The engine's own files can be seen by root alone.
    if is_root() {
        let root = bench.docker.info().await.unwrap().docker_root_dir.unwrap();
        let name = bench.containers().await.remove(0);
        let id = bench.docker.inspect_container(&name[1..], None).await.unwrap().id.unwrap();
        let used = disk_used(&Path::new(&root).join("containers").join(id));
        assert!((1..6 << 20).contains(&used), "{used} bytes");
    }
    running.stop.cancel();
    assert_eq!(running.task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
}

fn disk_used(path: &Path) -> u64 {
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    let here = std::fs::symlink_metadata(path).map_or(0, |meta| meta.blocks() * 512);
    here + below.map(|entry| disk_used(&entry.path())).sum::<u64>()
}

#[tokio::test]
async fn outputs_that_grow_too_large_end_the_job() {
    let Some(bench) = Bench::new().await else { return };
    let many_files = "i=0; while :; do i=$((i+1)); head -c 100000 /dev/zero >/out/$i; done";
    let one_file = "cat /dev/zero >/out/x; sleep 600";
    let with_holes = "truncate -s 1T /out/x; echo $?; sleep 600";
    let many_names = "i=0; while :; do i=$((i+1)); : >/out/$i; done";
    let directories = "cd /out; while :; do mkdir d && cd d || exit; done";
    for text in [many_files, one_file, many_names] {
        let mut request = bench.sh(text).await;
        _ = output(&mut request, "/out");
        request.limits.caps.output_max_bytes = 4 << 20;
        request.limits.caps.output_max_files = 1000;
        let (kind, message) = bench.failure_of(request).await;
        assert_eq!(kind, FailureKind::OutputLimit, "{text}: {message}");
    }
    // The kernel refuses the length at once.
    for text in [with_holes.replace("sleep 600", "exit 9").as_str(), directories] {
        let mut request = bench.sh(text).await;
        _ = output(&mut request, "/out");
        request.limits.caps.output_max_bytes = 4 << 20;
        request.limits.caps.output_max_files = 50;
        let ended = bench.run(request).await.0;
        let stopped = match &ended {
            Ok(finished) => finished.outcome.exit_code() != 0,
            Err(failure) => failure.kind == FailureKind::OutputLimit,
        };
        assert!(stopped, "{text}: {ended:?}");
    }
    bench.is_clean().await;
}

#[tokio::test]
async fn what_is_too_large_at_the_end_is_no_result() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("head -c 3000000 /dev/zero >/out/x").await;
    _ = output(&mut request, "/out");
    request.limits.caps.output_max_bytes = 2_000_000;
    let (kind, message) = bench.failure_of(request).await;
    assert_eq!(
        (kind, message.as_str()),
        (FailureKind::OutputLimit, "the outputs have more than 2000000 bytes")
    );
}

#[tokio::test]
async fn an_ended_container_stays_for_its_pause() {
    let Some(socket) = crate::support::socket() else { return };
    let bench = Bench::at(socket, |limits| limits.removal_pause_ms = 3_600_000).await;
    assert_eq!(bench.exit_of(bench.sh("exit 3").await).await, 3);
    let left = bench.containers().await;
    assert_eq!(left.len(), 1, "the answer did not wait for it");
    // What a node finds at its next start, and what nobody waits for, goes at once.
    assert_eq!(bench.restarted().reap(&[].into()).await.unwrap().len(), 1);
    assert_eq!(bench.containers().await, Vec::<String>::new());
}
