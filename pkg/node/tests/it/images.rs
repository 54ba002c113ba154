//! Where the digest of an image comes from that no bid names, and what an engine is asked.

use std::time::Duration;

use gadus_model::{Failure, FailureKind, JobState};
use tokio::time::Instant;

use crate::cluster::{Cluster, docker_job, wasm_job};

#[tokio::test(start_paused = true)]
async fn a_requester_without_an_engine_asks_the_registry() {
    let cluster = Cluster::start(1).await;
    let requester = &cluster.hosts[0];
    requester.docker.set_down(true);
    requester.registry.set(Ok("sha256:abc"));
    let view = cluster.run(docker_job(&["exit=0"])).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(requester.registry.asked(), ["busybox"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_answers_is_believed() {
    let cluster = Cluster::start(1).await;
    let requester = &cluster.hosts[0];
    requester.registry.set(Ok("sha256:abc"));
    let view = cluster.run(docker_job(&["exit=0"])).await;
    assert_eq!(view.state, JobState::Failed, "its engine knows that there is no such image");
    requester.docker.set_image(Some("sha256:def"));
    let view = cluster.run(docker_job(&["exit=0"])).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(requester.registry.asked(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_the_registry_says_of_a_missing_image_ends_the_job() {
    let cluster = Cluster::start(1).await;
    let requester = &cluster.hosts[0];
    requester.docker.set_down(true);
    let failure = Failure::new(FailureKind::ImagePull, "no registry answers").with_hint("look");
    requester.registry.set(Err(failure));
    let view = cluster.run(docker_job(&["exit=0"])).await;
    assert_eq!(view.state, JobState::Failed);
    assert!(view.message.contains("no registry answers") && view.message.contains("look"));
}

#[tokio::test(start_paused = true)]
async fn a_run_does_not_ask_the_engine_what_it_is() {
    let cluster = Cluster::start(1).await;
    let host = &cluster.hosts[1];
    let (before, began) = (host.wasm.log().probes, Instant::now());
    for _ in 0..10 {
        let view = cluster.run(wasm_job(&["exit=0"])).await;
        assert_eq!(view.state, JobState::Completed, "{view:#?}");
    }
    let looks = began.elapsed().as_nanos() / Duration::as_nanos(&host.config.probe_every) + 1;
    let asked = host.wasm.log().probes - before;
    assert!(asked as u128 <= looks, "{asked} times in {:?}", began.elapsed());
}
