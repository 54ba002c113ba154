//! Work that several nodes answer: no answer is seen before its time, and the verdict is one that
//! anybody comes to again.

use std::time::Duration;

use gadus_api::{LogsRequest, Service};
use gadus_auth::{verified, verify_receipt};
use gadus_model::view::JobView;
use gadus_model::{
    Det, Engine, ExecutionState, Job, JobState, PROFILE_DET_1, Quorum, Verification,
};
use gadus_ports::Content as _;
use gadus_protocol::verify::{Record, draw, held_against, recompute};

use crate::cluster::{Cluster, wasm_job};

fn sealed_job(script: &[&str]) -> Job {
    let mut job = wasm_job(script);
    job.context.verification = Verification::Quorum(Quorum::TWO);
    for task in job.tasks.values_mut() {
        task.det = Some(Det { profile: PROFILE_DET_1.to_owned(), ..Det::default() });
    }
    job
}

/// Everything that is behind the verdict of a job's only partition holds.
fn assert_holds(view: &JobView) {
    let sealed = &view.sealed[0];
    let verdict = sealed.verdict.as_ref().expect("there is a verdict");
    let requester = verdict.node;
    verified(verdict).unwrap();
    for close in &sealed.closes {
        verified(close).unwrap();
        assert_eq!(close.node, requester);
    }
    sealed.reveals.iter().for_each(|reveal| verify_receipt(&reveal.receipt).unwrap());
    for e in view.executions.iter().filter_map(|e| e.commit.as_ref()) {
        verified(e).unwrap();
    }
    assert!(sealed.draws.iter().all(|record| draw::is_fair(record).unwrap()));
    let record = Record {
        verdict: &verdict.body,
        closes: &sealed.closes,
        reveals: &sealed.reveals,
        referee: verdict.body.referee.and(sealed.referee.as_ref()),
        engine: Engine::Wasm,
    };
    recompute(&record, &|_| true).unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_nodes_that_agree_make_a_verified_result() {
    let cluster = Cluster::start(3).await;
    let view = cluster.run(sealed_job(&["emit=hello"])).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_holds(&view);
    let nodes: std::collections::BTreeSet<_> = view.executions.iter().map(|e| e.node).collect();
    assert_eq!((view.executions.len(), nodes.len()), (2, 2));
    assert!(view.executions.iter().all(|e| e.state == ExecutionState::Published));
    let result = view.executions[0].manifest.as_ref().unwrap().result;
    assert_eq!(cluster.hosts[0].content.bytes_missing(&result, 1), 0, "its keeper has it");
}

#[tokio::test(start_paused = true)]
async fn a_liar_is_outvoted_by_who_is_trusted_and_banned() {
    let mut cluster = Cluster::start(3).await;
    let honest = [cluster.hosts[2].key.id(), cluster.hosts[3].key.id()];
    let config = &mut cluster.hosts[0].config;
    config.approved.trusted.extend(honest);
    cluster.hosts[0].crash().await;
    let network = cluster.network.clone();
    cluster.hosts[0].start(&network).await;
    cluster.until_known(3).await;
    cluster.hosts[1].wasm.set_lies(true);
    let mut lied = false;
    for _ in 0..6 {
        let mut job = sealed_job(&["emit=hello"]);
        job.context.fresh = true;
        let view = cluster.run(job).await;
        assert_eq!(view.state, JobState::Completed, "{view:#?}");
        assert_holds(&view);
        let accepted = view.executions.iter().find(|e| e.state == ExecutionState::Published);
        assert_eq!(accepted.unwrap().summary.as_ref().unwrap().stdout, "hello");
        let liar = cluster.hosts[1].key.id();
        let took_part = view.executions.iter().any(|e| e.node == liar);
        assert!(!(lied && took_part), "who was caught is not asked again");
        lied |= took_part;
    }
    assert!(lied, "chance never drew it in six jobs");
    assert_evidence(&cluster).await;
}

/// What the liar signed is kept, and is found after a restart too: by all, and by its key.
async fn assert_evidence(cluster: &Cluster) {
    let liar = cluster.hosts[1].key.id();
    let list = |node: Option<String>, offset, limit| async move {
        cluster.requester().lies(node.as_deref(), offset, limit).await
    };
    let all = list(None, 0, 9).await.unwrap();
    assert!(
        all.next_offset.is_none() && list(None, all.lies.len(), 9).await.unwrap().lies.is_empty()
    );
    assert_eq!(list(Some(liar.did_key()), 0, 9).await.unwrap().lies, all.lies);
    assert!(list(Some("n-nobody".to_owned()), 0, 9).await.is_err());
    let (view, lie) = &all.lies[0];
    assert_eq!((lie.node(), all.lies.len()), (liar, 1), "it was banned at once");
    verify_receipt(&lie.receipt).unwrap();
    let sealed = &view.sealed[0];
    let verdict = &sealed.verdict.as_ref().unwrap().body;
    let record = Record {
        verdict,
        closes: &sealed.closes,
        reveals: &sealed.reveals,
        referee: verdict.referee.and(sealed.referee.as_ref()),
        engine: Engine::Wasm,
    };
    let held = held_against(&lie.receipt, &record).unwrap();
    assert_eq!((held.accepted, held.decided_by), (lie.accepted, lie.decided_by));
}

#[tokio::test(start_paused = true)]
async fn what_was_verified_is_known_and_after_a_restart_too() {
    let mut cluster = Cluster::start(2).await;
    let first = cluster.run(sealed_job(&["emit=hello"])).await;
    let again = cluster.run(sealed_job(&["emit=hello"])).await;
    assert_eq!(again.state, JobState::Completed, "{again:#?}");
    let origin = again.executions[0].origin.as_ref().expect("it is known");
    assert_eq!((origin.job, again.executions.len()), (first.job.id, 1));
    cluster.hosts[0].crash().await;
    let network = cluster.network.clone();
    cluster.hosts[0].start(&network).await;
    cluster.until_known(2).await;
    let later = cluster.run(sealed_job(&["emit=hello"])).await;
    assert_eq!(later.executions[0].origin.as_ref().expect("still").job, first.job.id);
    let other = cluster.run(sealed_job(&["emit=other"])).await;
    assert!(other.executions.iter().all(|e| e.origin.is_none()), "this one is new");
}

#[tokio::test(start_paused = true)]
async fn answers_that_differ_with_nobody_to_ask_are_no_result() {
    let cluster = Cluster::start(2).await;
    cluster.hosts[1].wasm.set_lies(true);
    let view = cluster.run(sealed_job(&["emit=hello"])).await;
    assert_eq!(view.state, JobState::Failed);
    assert!(view.message.starts_with("inconclusive: two different answers"), "{}", view.message);
    assert_holds(&view);
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_an_answer_before_its_time() {
    let cluster = Cluster::start(2).await;
    // Nobody ever hears an answer.
    cluster.network.lose("reveal", 1_000_000);
    let id = cluster.submit(sealed_job(&["emit=secret"])).await;
    let committed = |view: &JobView| !view.sealed[0].closes.is_empty();
    let view = cluster.until(id, committed).await;
    assert!(view.executions.iter().all(|e| e.manifest.is_none() && e.summary.is_none()));
    for execution in &view.executions {
        for follow in [false, true] {
            let execution = Some(execution.execution.id());
            let request = LogsRequest { job: id, execution, follow, tail: false };
            let output = cluster.requester().logs(request);
            let answer = tokio::time::timeout(Duration::from_millis(100), output).await;
            assert!(!matches!(answer, Ok(Ok(_))), "its output is sealed");
        }
    }
    // The result lies where it was made, for nobody.
    let hidden = cluster.hosts[1].content.quarantined();
    assert!(!hidden.is_empty());
    for (host, cid) in cluster.hosts.iter().flat_map(|host| hidden.iter().map(move |c| (host, c))) {
        assert!(!host.content.has(cid) && host.content.block(cid, None).await.unwrap().is_none());
    }
    let view = cluster.end(id).await;
    assert_eq!(view.state, JobState::Failed);
    assert!(view.executions.iter().all(|e| e.state == ExecutionState::Faulted), "{view:#?}");
    let gone = async {
        while cluster.hosts.iter().any(|host| !host.content.quarantined().is_empty()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it goes with the job");
}
