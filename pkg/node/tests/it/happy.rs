//! What should happen.

use futures::StreamExt;
use gadus_api::{LogsRequest, Service};
use gadus_model::{ExecutionState, Input, JobState, JobType};

use crate::cluster::{Cluster, docker_job, wasm_job};

#[tokio::test(start_paused = true)]
async fn a_job_goes_from_submission_to_a_result_that_its_keeper_holds() {
    let cluster = Cluster::start(3).await;
    let view = cluster.run(wasm_job(&["emit=hello", "exit=3"])).await;
    assert_eq!(view.state, JobState::Completed);
    let [execution] = view.executions.as_slice() else { panic!("{view:#?}") };
    assert_eq!(execution.state, ExecutionState::Published);
    let summary = execution.summary.as_ref().unwrap();
    assert_eq!(summary.stdout, "hello");
    let result = execution.manifest.as_ref().unwrap().result;
    let held = gadus_ports::Content::bytes_missing(&*cluster.hosts[0].content, &result, 1);
    assert_eq!(held, 0, "the requester has every block");
    assert!(execution.holders.contains(&cluster.requester().id()));
}

#[tokio::test(start_paused = true)]
async fn losers_bid_and_stay_unused() {
    let cluster = Cluster::start(3).await;
    let view = cluster.run(wasm_job(&["exit=0"])).await;
    let plan = &view.executions[0].plan;
    assert_eq!(plan.ranked.iter().filter(|r| r.bid).count(), 3, "{plan:#?}");
    assert_eq!(cluster.network.sent("bid"), 3);
    let started = cluster.hosts.iter().map(|h| h.wasm.log().started.len()).sum::<usize>();
    assert_eq!(started, 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_both_bids_to_itself_through_the_same_messages() {
    let cluster = Cluster::alone().await;
    let view = cluster.run(wasm_job(&["emit=x"])).await;
    assert_eq!(view.state, JobState::Completed);
    for kind in ["ask", "bid", "award", "granted", "propose"] {
        assert!(cluster.network.sent(kind) >= 1, "no {kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn partitions_run_once_each_and_know_their_number() {
    let cluster = Cluster::start(2).await;
    let mut job = wasm_job(&["exit=0"]);
    job.kind = JobType::Batch.kind(4);
    let view = cluster.run(job).await;
    assert_eq!(view.state, JobState::Completed);
    let mut parts: Vec<u32> = view.executions.iter().map(|e| e.execution.slot.partition).collect();
    parts.sort_unstable();
    assert_eq!(parts, [0, 1, 2, 3]);
    let env = cluster.hosts[1].wasm.log().env;
    assert_eq!(env.get("BACALHAU_PARTITION_COUNT").map(String::as_str), Some("4"));
    assert!(!env.contains_key("BACALHAU_EXECUTION_ID"), "a function does not learn who it is");
}

#[tokio::test(start_paused = true)]
async fn an_ops_job_runs_on_every_node_that_matches() {
    let cluster = Cluster::start(3).await;
    let mut job = wasm_job(&["exit=0"]);
    job.kind = JobType::Ops.kind(0);
    let view = cluster.run(job).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    let mut nodes: Vec<_> = view.executions.iter().map(|e| e.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_image_is_pinned_to_the_digest_that_the_winner_has() {
    let cluster = Cluster::start(2).await;
    cluster.hosts[2].docker.set_image(Some("sha256:abc"));
    let view = cluster.run(docker_job(&["exit=0"])).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(view.executions[0].node, cluster.hosts[2].key.id(), "the warm node wins");
    let env = cluster.hosts[2].docker.log().env;
    assert_eq!(env.get("BACALHAU_JOB_ID"), Some(&view.job.id.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_job_goes_to_the_node_that_has_its_data() {
    let cluster = Cluster::start(3).await;
    let holder = &cluster.hosts[2];
    let (here, elsewhere) = (vec![7; 1 << 20], b"known to its holder alone");
    for (input, seconds) in [(&here[..], "60"), (elsewhere, "0")] {
        let cid = holder.content.add(input);
        if input.len() > elsewhere.len() {
            cluster.hosts[0].content.add(input);
        }
        // The holder is as busy as the others, and busier still while the first job runs.
        let mut job = wasm_job(&[&format!("run={seconds}000")]);
        let task = job.tasks.values_mut().next().unwrap();
        task.inputs.insert("/in".to_owned(), Input::Cid(cid));
        let id = cluster.submit(job).await;
        let view = cluster.until(id, |view| !view.executions.is_empty()).await;
        let [execution] = view.executions.as_slice() else { panic!("{view:#?}") };
        assert_eq!(execution.node, holder.key.id(), "{:#?}", execution.plan);
        let lacking: Vec<u64> =
            execution.plan.ranked[1..].iter().map(|r| r.bytes_missing).collect();
        assert!(lacking.iter().all(|bytes| *bytes >= view.job.context.input_bytes.values().sum()));
    }
}

#[tokio::test(start_paused = true)]
async fn inputs_come_from_another_node_through_the_requester() {
    let cluster = Cluster::start(2).await;
    let (one, two) = (cluster.hosts[1].key.id(), cluster.hosts[2].key.id());
    cluster.network.set_cut(one, two, true);
    let cid = cluster.hosts[2].content.add(b"the input");
    let mut job = wasm_job(&["exit=0"]);
    let label = gadus_model::Constraint {
        key: "host".to_owned(),
        operator: gadus_model::Operator::In,
        values: vec!["2".to_owned()],
    };
    job.context.constraints.push(label);
    let task = job.tasks.values_mut().next().unwrap();
    task.inputs.insert("/in".to_owned(), Input::Cid(cid));
    let view = cluster.run(job).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(view.executions[0].node, one);
    let zero = cluster.hosts[0].key.id();
    assert_eq!(cluster.network.block_bytes(two, zero), 9, "the requester asked the holder");
    assert!(cluster.network.block_bytes(zero, one) >= 9);
}

#[tokio::test(start_paused = true)]
async fn output_streams_while_the_job_runs_and_is_there_afterwards() {
    let cluster = Cluster::start(1).await;
    let script = ["emit=one ", "run=60000", "emit=two"];
    let id = cluster.submit(wasm_job(&script)).await;
    let ask = LogsRequest { job: id, execution: None, follow: true, tail: false };
    let mut live = cluster.requester().logs(ask).await.unwrap();
    let first = live.next().await.unwrap().unwrap();
    assert_eq!(first.bytes.as_ref(), b"one ");
    let view = cluster.requester().job(&id.to_string(), None).await.unwrap();
    assert_eq!(view.state, JobState::Running, "it was read while it ran");
    assert_eq!(live.next().await.unwrap().unwrap().bytes.as_ref(), b"two");
    assert!(live.next().await.is_none());
    cluster.end(id).await;
    let after = LogsRequest { follow: false, ..ask };
    let all: Vec<_> = cluster.requester().logs(after).await.unwrap().collect().await;
    let text: Vec<u8> = all.into_iter().flat_map(|c| c.unwrap().bytes.to_vec()).collect();
    assert_eq!(text, b"one two");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_waits_its_turn() {
    let cluster = Cluster::start(1).await;
    let mut jobs = Vec::new();
    for _ in 0..20 {
        let mut job = wasm_job(&["run=100"]);
        job.context.resources.cpu_millis = 2_000;
        jobs.push(cluster.submit(job).await);
    }
    let running = cluster.hosts[1].wasm.log().running.len();
    assert!(running <= 2, "{running} of 2 seats");
    for id in jobs {
        assert_eq!(cluster.end(id).await.state, JobState::Completed);
    }
}
