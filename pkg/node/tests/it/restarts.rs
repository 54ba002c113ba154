//! Crashes and restarts.

use std::time::Duration;

use gadus_api::{Service, Submission};
use gadus_model::{ExecutionState, JobState};

use crate::cluster::{Cluster, wasm_job};

#[tokio::test(start_paused = true)]
async fn a_requester_that_restarts_finishes_what_it_began() {
    let mut cluster = Cluster::start(1).await;
    let id = cluster.submit(wasm_job(&["run=2000", "emit=x"])).await;
    cluster.until(id, |v| v.state == JobState::Running).await;
    let network = cluster.network.clone();
    cluster.hosts[0].crash().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.hosts[0].start(&network).await;
    let view = cluster.end(id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(view.executions.len(), 1, "it was not started a second time");
    assert_eq!(cluster.hosts[1].wasm.log().started.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_compute_node_that_restarts_offers_its_answer_again() {
    let mut cluster = Cluster::start(1).await;
    let (zero, one) = (cluster.hosts[0].key.id(), cluster.hosts[1].key.id());
    let id = cluster.submit(wasm_job(&["run=1000", "emit=x"])).await;
    cluster.until(id, |v| v.state == JobState::Running).await;
    let network = cluster.network.clone();
    network.set_cut(zero, one, true);
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.hosts[1].crash().await;
    network.set_cut(zero, one, false);
    cluster.hosts[1].start(&network).await;
    let view = cluster.end(id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(cluster.hosts[1].wasm.log().started.len(), 1, "what was proposed ran once");
}

#[tokio::test(start_paused = true)]
async fn a_submission_is_answered_only_when_it_is_durable() {
    let mut cluster = Cluster::start(1).await;
    cluster.hosts[0].requester_store.hold();
    let job = wasm_job(&["exit=0"]);
    let id = job.id;
    let submit = cluster.requester().submit(Submission { job, force: false });
    let answered = tokio::time::timeout(Duration::from_secs(60), submit).await;
    assert!(answered.is_err(), "nothing is said before it is durable");
    assert_eq!(cluster.network.sent("ask"), 0, "to nobody");
    let network = cluster.network.clone();
    cluster.hosts[0].crash().await;
    cluster.hosts[0].start(&network).await;
    let unknown = cluster.requester().job(&id.to_string(), None).await;
    assert!(unknown.is_err(), "what was not acknowledged may be gone");
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_is_there_after_a_restart() {
    let mut cluster = Cluster::start(1).await;
    let view = cluster.run(wasm_job(&["emit=kept"])).await;
    let network = cluster.network.clone();
    cluster.hosts[0].crash().await;
    cluster.hosts[0].start(&network).await;
    let again = cluster.requester().job(&view.job.id.short(), None).await.unwrap();
    assert_eq!(again.state, JobState::Completed);
    assert_eq!(again.executions[0].state, ExecutionState::Published);
    assert_eq!(again.history, view.history);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_fatal() {
    let cluster = Cluster::start(1).await;
    let fatal = cluster.requester().fatal().unwrap();
    cluster.hosts[0].requester_store.fail("no space left");
    let job = wasm_job(&["exit=0"]);
    let submit = cluster.requester().submit(Submission { job, force: false });
    assert!(submit.await.is_err());
    assert!(fatal.await.is_ok());
}
