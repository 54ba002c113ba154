//! What should happen when things go wrong.

use std::time::Duration;

use gadus_api::service::ErrorCode;
use gadus_api::{Service, ServiceError, Submission};
use gadus_model::{ExecutionState, JobState};

use crate::cluster::{Cluster, docker_job, wasm_job};

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_elsewhere_up_to_the_limit() {
    let cluster = Cluster::start(3).await;
    let view = cluster.run(wasm_job(&["fail=the disk is on fire"])).await;
    assert_eq!(view.state, JobState::Failed);
    assert!(view.message.contains("the disk is on fire"), "{}", view.message);
    let mut nodes: Vec<_> = view.executions.iter().map(|e| e.node).collect();
    assert_eq!(nodes.len(), 3, "attempts_max");
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "each on another node");
}

#[tokio::test(start_paused = true)]
async fn what_can_never_run_is_not_tried_again() {
    let cluster = Cluster::start(3).await;
    let view = cluster.run(wasm_job(&["invalid=it has no _start"])).await;
    assert_eq!(view.state, JobState::Failed);
    assert_eq!(view.executions.len(), 1);
    assert!(view.message.contains("it has no _start"));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_nobody_can_run_fails_with_every_reason() {
    let cluster = Cluster::start(2).await;
    let mut job = wasm_job(&["exit=0"]);
    job.context.resources.cpu_millis = 64_000;
    let view = cluster.run(job).await;
    assert_eq!(view.state, JobState::Failed);
    let expected = "not enough nodes to run job. requested: 1, available: 2, suitable: 0.\n\
                    • 2 of 2 nodes: has too little cpu: the job needs 64.000 cores, \
                    it gives a job at most 4.000 cores";
    assert_eq!(view.message, expected);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_job_ends_at_its_time_limit() {
    let cluster = Cluster::start(1).await;
    let mut job = wasm_job(&["hang"]);
    job.context.timeouts.execution_ms = Some(2_000);
    let view = cluster.run(job).await;
    assert_eq!(view.state, JobState::Failed);
    assert!(view.message.contains("time limit"), "{}", view.message);
    let mut job = wasm_job(&["hang"]);
    job.context.timeouts.total_ms = Some(3_000);
    let view = cluster.run(job).await;
    assert!(view.message.contains("longer than 3 s"), "{}", view.message);
    let id = view.executions[0].execution.id();
    cluster.until_stopped(1, id).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_runs_nowhere() {
    let cluster = Cluster::start(1).await;
    let id = cluster.submit(wasm_job(&["hang"])).await;
    cluster.until(id, |v| v.state == JobState::Running).await;
    let stopped = cluster.requester().stop(id, "enough".to_owned()).await.unwrap();
    assert!(stopped.is_some());
    let view = cluster.requester().job(&id.to_string(), None).await.unwrap();
    assert_eq!((view.state, view.message.as_str()), (JobState::Stopped, "enough"));
    let execution = view.executions[0].execution.id();
    cluster.until_stopped(1, execution).await;
    let again = cluster.requester().stop(id, String::new()).await.unwrap();
    assert_eq!(again, None, "it was stopped before");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_exist_ends_the_job_with_a_reason() {
    let cluster = Cluster::start(1).await;
    let view = cluster.run(docker_job(&["exit=0"])).await;
    assert_eq!(view.state, JobState::Failed);
    assert!(view.message.contains("no image 'busybox'"), "{}", view.message);
}

#[tokio::test(start_paused = true)]
async fn who_submits_as_the_log_fails_is_told_why() {
    let cluster = Cluster::start(1).await;
    let (store, requester) = (&cluster.hosts[0].requester_store, cluster.requester());
    store.hold();
    let submission = || Submission { job: wasm_job(&["exit=0"]), force: false };
    let (answer, ()) = tokio::join!(requester.submit(submission()), async {
        while store.held() == 0 {
            tokio::task::yield_now().await;
        }
        store.fail("the disk is on fire");
    });
    for error in [answer.unwrap_err(), requester.submit(submission()).await.unwrap_err()] {
        assert_eq!(error.code, ErrorCode::DatastoreFailure, "{error}");
        assert!(error.message.contains("the disk is on fire"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_messages_are_repeated() {
    for kind in ["ask", "bid", "award", "granted", "propose", "release", "sync_reply"] {
        let cluster = Cluster::start(2).await;
        cluster.network.lose(kind, 3);
        let view = cluster.run(wasm_job(&["emit=x"])).await;
        assert_eq!(view.state, JobState::Completed, "{kind} lost");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_vanishes_is_replaced_when_its_lease_has_ended() {
    let cluster = Cluster::start(2).await;
    let id = cluster.submit(wasm_job(&["run=5000"])).await;
    let view = cluster.until(id, |v| v.state == JobState::Running).await;
    let (zero, gone) = (cluster.hosts[0].key.id(), view.executions[0].node);
    cluster.network.set_cut(zero, gone, true);
    let view = cluster.end(id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    let states: Vec<_> = view.executions.iter().map(|e| e.state).collect();
    assert_eq!(states, [ExecutionState::Lost, ExecutionState::Published]);
    assert_ne!(view.executions[1].node, gone);
}

#[tokio::test(start_paused = true)]
async fn one_key_is_one_job_and_another_body_is_refused() {
    let cluster = Cluster::start(1).await;
    let keyed = |document: &str| {
        let mut job = wasm_job(&["exit=0"]);
        job.idempotency_key = Some("k".to_owned());
        job.document = document.to_owned();
        Submission { job, force: false }
    };
    let requester = cluster.requester();
    let (a, b) = tokio::join!(requester.submit(keyed("{}")), requester.submit(keyed("{}")));
    let first = a.unwrap().job;
    assert_eq!(first, b.unwrap().job);
    cluster.end(first).await;
    assert_eq!(requester.submit(keyed("{}")).await.unwrap().job, first);
    let other = requester.submit(keyed(r#"{"Name":"other"}"#)).await;
    assert_eq!(other.unwrap_err(), ServiceError::idempotency_conflict("k", first));
}

impl Cluster {
    /// Waits until nothing of an execution runs on a host.
    async fn until_stopped(&self, host: usize, execution: gadus_model::ExecutionId) {
        while self.hosts[host].wasm.log().running.contains(&execution) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
