//! One job: reading, waiting, stopping, explaining.

use std::time::Duration;

use gadus_model::event::JobEvent;
use gadus_model::reason::{Failure, FailureKind};
use gadus_model::view::JobView;
use gadus_model::{ExecutionState, JobState, Outcome, Reason};
use serde_json::{Value, json};

use super::Api;
use crate::fake::FakeService;
use crate::fake::sample::{self, completed, execution, execution_of, job_id, new_view, stamped};

const JOB: &str = "/api/v1/orchestrator/jobs/hello";

fn running() -> JobView {
    JobView { state: JobState::Running, ..new_view(sample::job(job_id(1))) }
}

#[tokio::test]
async fn a_job_is_found_by_name_id_or_prefix() {
    let api = Api::new(FakeService::with_job(completed()));
    let id = job_id(1).to_string();
    for reference in ["hello", &id, &id[..12]] {
        let reply = api.get(&format!("/api/v1/orchestrator/jobs/{reference}")).await;
        assert_eq!(reply.value()["Job"]["ID"], id.as_str());
    }
    let reply = api.get(&format!("{JOB}?namespace=other")).await;
    assert_eq!(reply.error(), (404, "NotFound".into(), "job not found: hello".into()));
    assert_eq!(reply.value()["Component"], "JobStore");

    let mut second = completed();
    second.job.id = job_id(2);
    second.job.name = "other".into();
    api.fake.inner().jobs.insert(second.job.id, second.into());
    let reply = api.get("/api/v1/orchestrator/jobs/j-0000").await;
    assert_eq!(reply.error().0, 500);
    assert_eq!(reply.value()["Code"], "MultipleJobsFound");
    assert_eq!(reply.value()["Hint"], "Use full job ID");
}

#[tokio::test]
async fn history_and_executions_come_when_asked() {
    let api = Api::new(FakeService::with_job(completed()));
    let bare = api.get(JOB).await.value();
    assert!(bare.get("History").is_none() && bare.get("Executions").is_none());
    let full = api.get(&format!("{JOB}?Include=history,%20executions&limit=10")).await.value();
    assert_eq!(full["History"]["Items"].as_array().map(Vec::len), Some(8));
    assert_eq!(full["Executions"]["Items"][0]["ComputeState"]["StateType"], 9);
}

#[tokio::test]
async fn other_versions_are_not_found() {
    let api = Api::new(FakeService::with_job(completed()));
    assert_eq!(api.get(&format!("{JOB}?job_version=1")).await.status, 200);
    assert_eq!(api.get(&format!("{JOB}?job_version=")).await.status, 200);
    let (status, _, message) = api.get(&format!("{JOB}?job_version=7")).await.error();
    let expected = format!("job version 7 not found for job {}", job_id(1));
    assert_eq!((status, message), (404, expected));
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_job_or_with_the_time() {
    let api = Api::new(FakeService::with_job(running()));
    let reply = api.get(&format!("{JOB}?wait_ms=1500")).await.value();
    assert_eq!(reply["Job"]["State"]["StateType"], "Running");
    assert_eq!(api.fake.inner().waits, [Duration::from_millis(1500)]);

    let long = format!("{JOB}?wait_ms=99999999");
    let (reply, ()) = tokio::join!(api.get(&long), async {
        tokio::task::yield_now().await;
        api.fake.inner().jobs.insert(job_id(1), completed().into());
        api.fake.ended.notify_one();
    });
    assert_eq!(reply.value()["Job"]["State"]["StateType"], "Completed");
    assert_eq!(api.fake.inner().waits[1], Duration::from_secs(600), "cut to the limit");

    // A job that is over is not waited for.
    assert_eq!(api.get(&format!("{JOB}?wait_ms=1500")).await.status, 200);
    assert_eq!(api.fake.inner().waits.len(), 2);
    assert_eq!(api.get(&format!("{JOB}?wait_ms=soon")).await.status, 400);
}

#[tokio::test]
async fn stopping_takes_its_reason_from_body_or_query() {
    let api = Api::new(FakeService::with_job(running()));
    let reply = api.json("DELETE", JOB, r#"{"Reason":"user"}"#).await;
    let id = reply.value()["EvaluationID"].as_str().map(str::to_owned);
    assert_eq!((reply.status, id.map(|id| id.len())), (200, Some(36)));
    assert_eq!(api.json("DELETE", &format!("{JOB}?reason=late"), "").await.status, 200);
    let reasons: Vec<_> = api.fake.inner().stopped.iter().map(|s| s.1.clone()).collect();
    assert_eq!(reasons, ["user", "late"]);
}

#[tokio::test]
async fn a_job_that_is_over_is_not_stopped_again() {
    let stop = async |state| {
        let view = JobView { state, ..completed() };
        Api::new(FakeService::with_job(view)).json("DELETE", JOB, "").await
    };
    let (status, code, message) = stop(JobState::Completed).await.error();
    assert_eq!((status, code.as_str()), (500, "ConflictJobState"));
    assert_eq!(message, "cannot stop job in state Completed");
    let (_, _, message) = stop(JobState::Failed).await.error();
    assert!(message.ends_with("is in terminal state Failed and cannot transition to Stopped"));
    let again = stop(JobState::Stopped).await;
    assert_eq!((again.status, again.text().as_str()), (200, "{\"EvaluationID\":\"\"}\n"));
}

/// State numbers, desired state and messages of an execution that came to this.
async fn shown(state: ExecutionState, message: &str) -> Value {
    let mut one = execution(job_id(1));
    one.state = state;
    one.message = message.to_owned();
    one.hint = Some("try less".to_owned());
    let view = JobView { executions: vec![one], ..running() };
    let api = Api::new(FakeService::with_job(view));
    api.get(&format!("{JOB}/executions")).await.value()["Items"][0].clone()
}

#[tokio::test]
async fn executions_have_bacalhaus_numbers() {
    let cases = [
        (ExecutionState::Awarded, 5, 1, ""),
        (ExecutionState::Granted, 5, 1, ""),
        (ExecutionState::Proposed, 5, 1, ""),
        (ExecutionState::Refused, 4, 2, "bid rejected"),
        (ExecutionState::Rejected, 8, 2, "bid rejected"),
        (ExecutionState::Published, 9, 2, "execution completed"),
        (ExecutionState::Failed, 10, 2, "execution failed"),
        (ExecutionState::Lost, 10, 2, "execution failed"),
        (ExecutionState::Cancelled, 11, 2, "execution stopped"),
    ];
    for (state, number, desired, words) in cases {
        let mut one = execution(job_id(1));
        one.state = state;
        one.desired = if desired == 1 {
            gadus_model::Desired::Running
        } else {
            gadus_model::Desired::Stopped
        };
        let view = JobView { executions: vec![one], ..running() };
        let value = serde_json::to_value(crate::convert::execution(&view, &view.executions[0]));
        let value = value.unwrap();
        assert_eq!(value["ComputeState"]["StateType"], number, "{state:?}");
        assert_eq!(value["DesiredState"]["StateType"], desired, "{state:?}");
        let shown = value["DesiredState"]["Message"].as_str().unwrap_or_default();
        assert_eq!(shown, words, "{state:?}");
        let published = value["PublishedResult"]["Type"].as_str().unwrap();
        let expected = if state == ExecutionState::Published { "ipfs" } else { "" };
        assert_eq!(published, expected, "{state:?}");
    }
}

#[tokio::test]
async fn a_failure_says_why_and_what_to_do() {
    let failed = shown(ExecutionState::Failed, "no such image").await;
    assert_eq!(failed["ComputeState"]["Message"], "no such image");
    assert_eq!(failed["ComputeState"]["Details"], json!({"Hint": "try less"}));
    assert_eq!(failed["RunOutput"]["ErrorMsg"], "no such image");
    assert_eq!(failed["Gadus"]["Hint"], "try less");
}

#[tokio::test]
async fn an_exit_code_is_no_failure() {
    let mut view = completed();
    for execution in &mut view.executions {
        execution.manifest.as_mut().unwrap().outcome = Outcome::Exit(19);
    }
    let api = Api::new(FakeService::with_job(view));
    let value = api.get(&format!("{JOB}?include=executions")).await.value();
    assert_eq!(value["Job"]["State"]["StateType"], "Completed");
    assert_eq!(value["Executions"]["Items"][0]["RunOutput"]["ExitCode"], 19);
}

/// Topic, message and details of every entry.
async fn told(events: Vec<JobEvent>) -> Vec<(String, String, Value)> {
    let view = JobView { history: stamped(events), ..running() };
    let items = Api::new(FakeService::with_job(view)).get(&format!("{JOB}/history")).await.value();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = |item: &Value| {
        let event = &item["Event"];
        (text(&event["Topic"]), text(&event["Message"]), event["Details"].clone())
    };
    items["Items"].as_array().unwrap().iter().map(event).collect()
}

#[tokio::test]
async fn what_goes_wrong_is_in_the_history() {
    let execution = execution_of(job_id(1), 1);
    let failure = Failure::new(FailureKind::Timeout, "too slow").with_hint("ask for more time");
    let told = told(vec![
        JobEvent::Queued { plan: Box::new(sample::plan()) },
        JobEvent::Refused { execution: execution.clone(), reason: Reason::Draining },
        JobEvent::Failed { execution: execution.clone(), failure },
        JobEvent::Lost { execution: execution.clone(), why: "silent".into() },
        JobEvent::BackedOff { ms: 1500 },
        JobEvent::Cancelled { execution },
        JobEvent::Ended { state: JobState::Stopped, message: "user".into() },
    ])
    .await;
    let expected = [
        ("Submission", "Job submitted", Value::Null),
        (
            "Queueing",
            "Job queued. not enough nodes to run job. requested: 1, available: 2, suitable: 1.\n\
             • 1 of 2 nodes: does not support docker",
            Value::Null,
        ),
        ("Scheduling", "The node is shutting down", json!({"Reason": "is shutting down"})),
        (
            "Exec Timeout",
            "Execution timed out. Execution took longer than 10m0s",
            json!({"Hint": "ask for more time", "IsError": "true", "Retryable": "false"}),
        ),
        (
            "Scheduling",
            "Execution stop requested because node has disappeared",
            json!({"Reason": "silent"}),
        ),
        ("Scheduling", "Next attempt in 1.5s", Value::Null),
        ("Scheduling", "Execution stop requested because job has been stopped", Value::Null),
        ("Scheduling", "Job requested to stop before completion", json!({"Reason": "user"})),
        ("State Update", "Stopped", json!({"NewState": "Stopped"})),
    ];
    let expected =
        expected.map(|(topic, message, details)| (topic.to_owned(), message.to_owned(), details));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_job_that_nobody_can_take_says_so() {
    let message = sample::plan().not_enough_nodes(1);
    let ended = JobEvent::Ended { state: JobState::Failed, message: message.clone() };
    let told = told(vec![ended]).await;
    assert_eq!(told[0].1, "Job submitted");
    assert_eq!(told[1], ("Scheduling".into(), message.clone(), json!({"IsError": "true"})));
    assert_eq!(told[2].1, "Failed");
    let view = JobView { state: JobState::Failed, message: message.clone(), ..running() };
    let value = Api::new(FakeService::with_job(view)).get(JOB).await.value();
    assert_eq!(value["Job"]["State"], json!({"StateType": "Failed", "Message": message}));
}

#[tokio::test]
async fn a_draft_is_explained_and_not_kept() {
    let api = Api::empty();
    let body = format!("{{\"Job\":{}}}", sample::DOCKER_JOB);
    let reply = api.json("POST", "/api/v1/orchestrator/explain", &body).await;
    assert_eq!(reply.value()["TurnedDown"][0]["Reasons"], json!(["does not support docker"]));
    let inner = api.fake.inner();
    assert_eq!((inner.explained.len(), inner.submitted.len()), (1, 0));
}
