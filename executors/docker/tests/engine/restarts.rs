//! A node that goes away and comes back finds its containers.

use gadus_model::{FailureKind, NodeId, Outcome};
use gadus_ports::{Executor as _, LogSink};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, Kept, output, spawn};

/// Says and counts that it ran, and waits to be let go.
const COUNTED: &str = "echo ran >>/out/count; printf 'first\\0\\377\\n'; echo ready >&2; \
    while [ ! -e /out/go ]; do sleep 0.02; done; echo last; exit 7";

const SAID: &[u8] = b"first\0\xff\nlast\n";

#[tokio::test]
async fn a_restarted_node_goes_on_with_what_runs() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh(COUNTED).await;
    let host = output(&mut request, "/out");
    let before = spawn(&bench.executor, request.clone());
    before.kept.says("ready").await;
    // Nothing is told to stop: this is how a run looks when its process is killed.
    before.task.abort();
    _ = before.task.await;
    let keep = [request.execution].into();
    assert_eq!(bench.restarted().reap(&keep).await.unwrap(), []);
    let after = spawn(&bench.restarted(), request);
    after.kept.says("ready").await;
    std::fs::write(host.join("go"), "").unwrap();
    assert_eq!(after.task.await.unwrap().unwrap().outcome, Outcome::Exit(7));
    assert_eq!(after.kept.bytes(gadus_ports::StdStream::Stdout), SAID);
    assert_eq!(std::fs::read_to_string(host.join("count")).unwrap(), "ran\n", "it ran once");
}

#[tokio::test]
async fn a_restarted_node_finds_what_ended_meanwhile() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh(COUNTED).await;
    let host = output(&mut request, "/out");
    let before = spawn(&bench.executor, request.clone());
    before.kept.says("ready").await;
    before.task.abort();
    _ = before.task.await;
    std::fs::write(host.join("go"), "").unwrap();
    let name = bench.containers().await.remove(0);
    let mut ended = Box::pin(bench.docker.wait_container(&name[1..], None));
    _ = futures::StreamExt::next(&mut ended).await;
    let after = spawn(&bench.restarted(), request);
    assert_eq!(after.task.await.unwrap().unwrap().outcome, Outcome::Exit(7));
    assert_eq!(after.kept.bytes(gadus_ports::StdStream::Stdout), SAID);
    assert_eq!(std::fs::read_to_string(host.join("count")).unwrap(), "ran\n");
}

#[tokio::test]
async fn a_kill_that_nobody_saw_is_no_result() {
    let Some(bench) = Bench::new().await else { return };
    let request = bench.sh("echo ready >&2; sleep 600").await;
    let before = spawn(&bench.executor, request.clone());
    before.kept.says("ready").await;
    before.task.abort();
    _ = before.task.await;
    let name = bench.containers().await.remove(0);
    bench.docker.kill_container(&name[1..], None).await.unwrap();
    let after = spawn(&bench.restarted(), request);
    assert_eq!(after.task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
}

#[tokio::test]
async fn a_container_that_was_made_and_not_started_is_started() {
    let Some(bench) = Bench::new().await else { return };
    let request = bench.sh("echo once").await;
    // A description that is ours in name and labels, as a crash between two calls leaves it.
    let running = spawn(&bench.executor, bench.sh("echo ready >&2; sleep 600").await);
    running.kept.says("ready").await;
    let other = bench.containers().await.remove(0);
    let mut body = bollard::models::ContainerCreateBody {
        image: Some(crate::support::ROOT_IMAGE.into()),
        cmd: Some(vec!["/bin/echo".into(), "once".into()]),
        ..Default::default()
    };
    let labels =
        bench.docker.inspect_container(&other[1..], None).await.unwrap().config.unwrap().labels;
    let mut labels = labels.unwrap();
    labels.insert("org.gadus.execution".into(), request.execution.to_string());
    body.labels = Some(labels);
    body.host_config = Some(bollard::models::HostConfig {
        network_mode: Some("none".into()),
        ..Default::default()
    });
    let name = format!("{}{}", &other[1..other.len() - 38], request.execution);
    let options =
        bollard::query_parameters::CreateContainerOptionsBuilder::default().name(&name).build();
    bench.docker.create_container(Some(options), body).await.unwrap();
    let (ended, kept) = bench.run(request).await;
    assert_eq!((ended.unwrap().outcome, kept.stdout().as_str()), (Outcome::Exit(0), "once\n"));
    running.stop.cancel();
    _ = running.task.await;
    bench.is_clean().await;
}

#[tokio::test]
async fn orphans_are_reaped_and_others_containers_are_not() {
    let Some(bench) = Bench::new().await else { return };
    let orphan = bench.sh("echo ready >&2; sleep 600").await;
    let kept = bench.sh("echo ready >&2; sleep 600").await;
    let mut neighbours = Vec::new();
    for change in [0, 1] {
        let mut config = bench.config.clone();
        match change {
            0 => config.network = "another".into(),
            _ => config.node = NodeId([9; 32]),
        }
        let executor = gadus_docker::DockerExecutor::connect(config);
        let request = bench.sh("echo ready >&2; sleep 600").await;
        neighbours.push(spawn(&executor, request));
    }
    let ours = [&orphan, &kept].map(|request| spawn(&bench.executor, request.clone()));
    for running in ours.iter().chain(&neighbours) {
        running.kept.says("ready").await;
    }
    for running in ours {
        running.task.abort();
        _ = running.task.await;
    }
    let restarted = bench.restarted();
    let keep = [kept.execution].into();
    assert_eq!(restarted.reap(&keep).await.unwrap(), [orphan.execution]);
    assert_eq!(restarted.reap(&keep).await.unwrap(), []);
    for running in neighbours {
        assert!(!running.task.is_finished(), "another's container was touched");
        running.stop.cancel();
        assert_eq!(running.task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
    }
    assert_eq!(restarted.reap(&[].into()).await.unwrap(), [kept.execution]);
    bench.is_clean().await;
}

#[tokio::test]
async fn the_time_limit_counts_from_the_first_start() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("echo ready >&2; sleep 600").await;
    let before = spawn(&bench.executor, request.clone());
    before.kept.says("ready").await;
    before.task.abort();
    _ = before.task.await;
    // Any time at all has passed by now.
    request.limits.timeout = Some(std::time::Duration::from_nanos(1));
    let sink: Arc<dyn LogSink> = Arc::new(Kept::default());
    let ended = bench.restarted().run(request, sink, CancellationToken::new()).await;
    assert_eq!(ended.unwrap_err().kind, FailureKind::Timeout);
    assert_eq!(bench.containers().await, Vec::<String>::new());
}
