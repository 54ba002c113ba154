//! What a job sees, and what is seen of it.

use gadus_model::{Engine, Outcome};
use gadus_ports::{ExecCode, Executor as _, StdStream};

use crate::support::{Bench, spawn};

#[tokio::test]
async fn hello_on_both_streams() {
    let Some(bench) = Bench::new().await else { return };
    let info = bench.executor.probe().await.unwrap();
    assert!(info.id.starts_with("docker/") && !info.arch.is_empty(), "{info:?}");
    assert_eq!(bench.executor.engine(), Engine::Docker);
    let (ended, kept) = bench.run(bench.sh("echo hello; echo there >&2; exit 3").await).await;
    let ended = ended.unwrap();
    assert_eq!(ended.outcome, Outcome::Exit(3));
    assert!(ended.prepare_us > 0 && ended.run_us > 0, "{ended:?}");
    assert_eq!((kept.stdout().as_str(), kept.stderr().as_str()), ("hello\n", "there\n"));
    bench.is_clean().await;
}

#[tokio::test]
async fn every_exit_code_comes_back() {
    let Some(bench) = Bench::new().await else { return };
    for code in [0, 1, 2, 42, 126, 127, 255] {
        assert_eq!(bench.exit_of(bench.sh(&format!("exit {code}")).await).await, code);
    }
    bench.is_clean().await;
}

#[tokio::test]
async fn arguments_environment_entrypoint_and_workdir_arrive() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.request(crate::support::ROOT_IMAGE, &["a b", "$HOME", "\"q\""]).await;
    let ExecCode::Docker { entrypoint, workdir, .. } = &mut request.code else { return };
    let script = "for a; do echo \"[$a]\"; done; echo $K; pwd; echo ${UNSET-none}";
    *entrypoint = Some(["/bin/sh", "-c", script, "sh"].map(str::to_owned).into());
    *workdir = Some("/etc".to_owned());
    request.env.insert("K".into(), "v=1 2".into());
    let (ended, kept) = bench.run(request).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Exit(0));
    assert_eq!(kept.stdout(), "[a b]\n[$HOME]\n[\"q\"]\nv=1 2\n/etc\nnone\n");
}

#[tokio::test]
async fn output_is_exact_and_live() {
    let Some(bench) = Bench::new().await else { return };
    // Every byte value, empty lines, and no newline at the end.
    let text = "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done; \
        printf '\\n\\n\\nend'; while [ ! -e /o/go ]; do sleep 0.01; done; printf '!'";
    let mut request = bench.sh(text).await;
    let out = crate::support::output(&mut request, "/o");
    let running = spawn(&bench.executor, request);
    // All of it comes while the job still runs.
    running.kept.sees(StdStream::Stdout, 256 + 6).await;
    std::fs::write(out.join("go"), "").unwrap();
    assert_eq!(running.task.await.unwrap().unwrap().outcome, Outcome::Exit(0));
    let mut expected: Vec<u8> = (0..=255).collect();
    expected.extend_from_slice(b"\n\n\nend!");
    assert_eq!(running.kept.bytes(StdStream::Stdout), expected);
}

#[tokio::test]
async fn a_burst_at_the_very_end_is_complete() {
    let Some(bench) = Bench::new().await else { return };
    let (ended, kept) = bench.run(bench.sh("seq 1 200000; seq 1 1000 >&2").await).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Exit(0));
    let lines: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(kept.stdout(), lines);
    assert_eq!(kept.stderr().lines().count(), 1000);
}

#[tokio::test]
async fn several_run_at_once() {
    let Some(bench) = Bench::new().await else { return };
    let mut all = Vec::new();
    for i in 0..6 {
        all.push(spawn(&bench.executor, bench.sh(&format!("echo {i}; exit {i}")).await));
    }
    for (i, running) in all.into_iter().enumerate() {
        let code = running.task.await.unwrap().unwrap().outcome.exit_code();
        assert_eq!((code.to_string(), running.kept.stdout()), (i.to_string(), format!("{i}\n")));
    }
    bench.is_clean().await;
}
