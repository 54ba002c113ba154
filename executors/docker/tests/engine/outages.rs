//! Engines that go away.

use std::path::PathBuf;

use gadus_docker::{DockerConfig, DockerExecutor};
use gadus_model::{FailureKind, NodeId, Outcome};
use gadus_ports::{Executor as _, ImageResolver as _};

use crate::support::{self, Bench, can_start_an_engine, ops, output, script, spawn, state_dir};

/// An engine of a test's own.
struct Engine {
    dir: PathBuf,
    flags: &'static str,
}

impl Engine {
    fn new(flags: &'static str) -> Option<Self> {
        if !can_start_an_engine() {
            support::skip("a docker engine of one's own takes root and docker.io");
            return None;
        }
        Some(Self { dir: state_dir("docker-engine.sh"), flags })
    }

    fn start(&self) -> String {
        let dir = self.dir.to_string_lossy();
        script(&ops("docker-engine.sh"), &["start", &dir], &[("ENGINE_FLAGS", self.flags)])
    }

    /// Ends the daemon and nothing else.
    fn kill(&self, signal: &str) {
        script(&ops("docker-engine.sh"), &["kill", &self.dir.to_string_lossy(), signal], &[]);
    }
}

const SLOW: &str = "echo first; echo ran >>/out/count; echo ready >&2; \
    while [ ! -e /out/go ]; do sleep 0.02; done; echo last; exit 7";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_an_engine_that_comes_back_with_its_containers() {
    let Some(engine) = Engine::new("--live-restore") else { return };
    let socket = engine.start();
    script(&ops("test-image.sh"), &[&socket], &[]);
    let bench = Bench::at(&socket, |_| {}).await;
    let mut request = bench.sh(SLOW).await;
    let host = output(&mut request, "/out");
    let running = spawn(&bench.executor, request);
    running.kept.says("ready").await;
    engine.kill("KILL");
    engine.start();
    std::fs::write(host.join("go"), "").unwrap();
    assert_eq!(running.task.await.unwrap().unwrap().outcome, Outcome::Exit(7));
    assert_eq!(running.kept.stdout(), "first\nlast\n", "nothing is lost and nothing comes twice");
    assert_eq!(std::fs::read_to_string(host.join("count")).unwrap(), "ran\n");
    bench.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_fell_with_its_engine_is_no_result() {
    let Some(engine) = Engine::new("") else { return };
    let socket = engine.start();
    script(&ops("test-image.sh"), &[&socket], &[]);
    let bench = Bench::at(&socket, |_| {}).await;
    // Asked to end, it ends its containers first, which looks like a job that dies by itself.
    for signal in ["KILL", "TERM"] {
        let running = spawn(&bench.executor, bench.sh("echo ready >&2; sleep 600").await);
        running.kept.says("ready").await;
        engine.kill(signal);
        engine.start();
        let failure = running.task.await.unwrap().unwrap_err();
        assert_eq!(failure.kind, FailureKind::EngineDown, "SIG{signal}: {failure}");
    }
    assert_eq!(bench.output_of("echo well").await, "well\n", "the next run is none the worse");
    bench.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stays_away_is_given_up() {
    let Some(engine) = Engine::new("") else { return };
    let socket = engine.start();
    script(&ops("test-image.sh"), &[&socket], &[]);
    let bench = Bench::at(&socket, |limits| limits.engine_patience_ms = 300).await;
    let running = spawn(&bench.executor, bench.sh("echo ready >&2; sleep 600").await);
    running.kept.says("ready").await;
    engine.kill("KILL");
    let failure = running.task.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::EngineDown);
    assert!(failure.hint.unwrap().contains("systemctl start docker"));
    assert_eq!(bench.executor.probe().await.unwrap_err().kind, FailureKind::EngineDown);
    engine.start();
    bench.executor.probe().await.unwrap();
    bench.is_clean().await;
}

#[tokio::test]
async fn an_engine_that_was_never_there_is_named() {
    let mut config = DockerConfig::new("test", NodeId([1; 32]));
    config.socket = Some("unix:///nonexistent/docker.sock".into());
    let executor = DockerExecutor::connect(config);
    let failure = executor.probe().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::EngineDown);
    assert!(failure.message.contains("/nonexistent/docker.sock"), "{failure}");
    assert!(failure.hint.unwrap().contains("apt-get install docker.io"));
    assert_eq!(executor.reap(&[].into()).await.unwrap_err().kind, FailureKind::EngineDown);
    assert_eq!(executor.resolve_image("a").await.unwrap_err().kind, FailureKind::EngineDown);
    assert_eq!(executor.resolve_image("a b").await.unwrap_err().kind, FailureKind::Invalid);
}
