use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::fake_node::{FakeNode, Script, stream};
use crate::render::samples::{JOB, RESULT, answer, failed, job, published, running};

fn flags(words: &str) -> WaitFlags {
    use clap::Parser;
    let words = format!("gadus job run f {words}");
    let cli = crate::cli::Cli::try_parse_from(words.split_whitespace()).unwrap();
    let crate::cli::Command::Job(crate::cli::JobCommand::Run(args)) = cli.command else {
        panic!("job run")
    };
    args.wait
}

/// Submits to a node that behaves as the script says; what was printed, and how it ended.
async fn submit_to(script: Script, words: &str) -> (String, String, Result<Exit, Failure>) {
    let node = FakeNode::start(script).await;
    let (session, captured) = node.session();
    let result = submit(&session, &json!({"Type": "batch"}), &flags(words)).await;
    (captured.out(), captured.err(), result)
}

fn told(result: Result<Exit, Failure>) -> String {
    match result.unwrap_err() {
        Failure::Told(report) => anstream::adapter::strip_str(&report.to_string()).to_string(),
        Failure::ReaderGone => panic!("told"),
    }
}

#[tokio::test]
async fn a_job_that_is_over_at_once_is_printed_from_its_summary() {
    let done = answer(job("Completed", ""), vec![published(7, "hello\n", "careful\n")]);
    let (out, err, result) = submit_to(Script::over(done), "").await;
    assert_eq!(out, "hello\n");
    assert_eq!(result.unwrap(), Exit::Job(7));
    assert_snapshot!(err, @r"
    job j-5772b6f9-7c73-493a-bdfe-aa3fe82e96a9 submitted
    careful
    warning: the output 'outputs' is empty
    exit code: 7
    result: bafybeiek6ng6g74chwv5jjut2aqveczlmsfpyxqup3oclmyosmfbl6pray
    ");
}

#[tokio::test]
async fn long_or_binary_output_is_read_from_the_result() {
    let mut execution = published(0, "only the first", "caf\u{fffd}");
    execution.run_output.stdout_truncated = true;
    let mut script = Script::over(answer(job("Completed", ""), vec![execution]));
    script.files = [
        (format!("/ipfs/{RESULT}/stdout"), b"only the first part of it all\n".to_vec()),
        (format!("/ipfs/{RESULT}/stderr"), b"caf\xff".to_vec()),
    ]
    .into();
    let node = FakeNode::start(script).await;
    let (session, captured) = node.session();
    submit(&session, &json!({}), &flags("")).await.unwrap();
    assert_eq!(captured.out(), "only the first part of it all\n");
    assert!(captured.err_bytes().windows(4).any(|bytes| bytes == b"caf\xff"));
}

#[tokio::test]
async fn output_is_streamed_while_it_runs_and_nothing_is_printed_twice() {
    let script = Script {
        answers: vec![
            answer(job("Pending", ""), vec![]),
            answer(job("Running", ""), vec![running()]),
            answer(job("Running", ""), vec![running()]),
            answer(job("Completed", ""), vec![published(0, "one\ntwo\nthree\n", "warn\n")]),
        ],
        // The first stream breaks off in the middle; the second begins anew.
        streams: vec![
            stream(&[(1, "one\n"), (2, "warn\n"), (1, "tw")], false),
            stream(&[(1, "one\ntwo\n"), (2, "warn\n"), (1, "thr")], true),
        ],
        ..Script::default()
    };
    let (out, err, result) = submit_to(script, "").await;
    assert_eq!(out, "one\ntwo\nthree\n");
    assert_eq!(err.matches("warn\n").count(), 1, "{err}");
    assert_eq!(result.unwrap(), Exit::Success);
}

#[tokio::test]
async fn what_a_job_waits_for_is_told_once() {
    let waits = || answer(job("Queued", "not enough nodes"), vec![]);
    let script = Script {
        answers: vec![
            answer(job("Pending", "for a moment"), vec![]),
            waits(),
            waits(),
            waits(),
            answer(job("Completed", ""), vec![published(0, "", "")]),
        ],
        ..Script::default()
    };
    let (_, err, result) = submit_to(script, "").await;
    assert_eq!(result.unwrap(), Exit::Success);
    assert_eq!(err.matches("waiting: not enough nodes\n").count(), 1, "{err}");
    assert!(!err.contains("for a moment"), "{err}");
}

#[tokio::test]
async fn partitions_are_printed_in_their_order() {
    let part = |partition: u32, name: &str, code: i32| {
        let mut execution = published(code, name, "");
        execution.partition_index = partition;
        execution.id = format!("e-{partition}");
        execution
    };
    let mut both = job("Completed", "");
    both.count = 2;
    let mut one = job("Running", "");
    one.count = 2;
    let script = Script {
        answers: vec![
            // The second partition is faster; it waits for the first.
            answer(one, vec![part(1, "second\n", 0)]),
            answer(both, vec![part(1, "second\n", 0), part(0, "first\n", 3)]),
        ],
        ..Script::default()
    };
    let (out, err, result) = submit_to(script, "").await;
    assert_eq!(out, "first\nsecond\n");
    assert_eq!(result.unwrap(), Exit::Job(3));
    assert!(err.contains("exit code of partition 0: 3"), "{err}");
}

#[tokio::test]
async fn a_retry_that_works_leaves_no_trace_of_the_try_that_failed() {
    let mut lost = failed("the node is gone", "");
    lost.id = "e-first".into();
    lost.run_output.stdout = "half".into();
    let script =
        Script::over(answer(job("Completed", ""), vec![lost, published(0, "whole\n", "")]));
    let (out, _, result) = submit_to(script, "").await;
    assert_eq!((out.as_str(), result.unwrap()), ("whole\n", Exit::Success));
}

#[tokio::test]
async fn a_job_without_a_result_fails_with_its_reason_and_the_way_on() {
    let tries = vec![failed("image 'busybux' does not exist", "check the image's name")];
    let script = Script::over(answer(job("Failed", "no attempt worked"), tries));
    let (out, _, result) = submit_to(script, "").await;
    assert_eq!(out, "");
    assert_eq!(result.as_ref().unwrap_err().exit(), Exit::JobFailed);
    assert_snapshot!(told(result), @r"
    error: the job j-5772b6f9-7c73-493a-bdfe-aa3fe82e96a9 failed
    cause: no attempt worked
    cause: image 'busybux' does not exist
    hint: check the image's name
    ");

    let script =
        Script::over(answer(job("Failed", "not enough nodes\n• 1 of 1 nodes: is busy"), vec![]));
    let (_, _, result) = submit_to(script, "").await;
    assert_snapshot!(told(result), @r"
    error: the job j-5772b6f9-7c73-493a-bdfe-aa3fe82e96a9 failed
    cause: not enough nodes
    cause: • 1 of 1 nodes: is busy
    hint: see which nodes would take it with `gadus job explain j-5772b6f9-7c73-493a-bdfe-aa3fe82e96a9`
    ");
}

#[tokio::test]
async fn what_is_asked_for_instead_of_waiting() {
    let over = || Script::over(answer(job("Completed", ""), vec![published(7, "hello\n", "")]));
    let (out, err, result) = submit_to(over(), "--id-only").await;
    assert_eq!((out, err, result.unwrap()), (format!("{JOB}\n"), String::new(), Exit::Success));

    let (out, err, result) = submit_to(over(), "--detach").await;
    assert_eq!((out, result.unwrap()), (format!("{JOB}\n"), Exit::Success));
    assert!(err.contains(&format!("gadus job stop {JOB}")), "{err}");

    let (out, _, result) = submit_to(over(), "--output json").await;
    let printed: gadus_api::types::GetJobResponse = serde_json::from_str(&out).unwrap();
    assert_eq!((printed.job.id.as_str(), result.unwrap()), (JOB, Exit::Job(7)));
}

#[tokio::test]
async fn a_wait_that_is_too_long_says_that_the_job_goes_on() {
    let script = Script::over(answer(job("Queued", ""), vec![]));
    let (_, _, result) = submit_to(script, "--wait-timeout 0").await;
    assert_eq!(result.as_ref().unwrap_err().exit(), Exit::TimedOut);
    assert!(told(result).contains("the job goes on"));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_nodes_words() {
    let script = Script {
        refusal: Some((400, "missing job type\nmissing job tasks".into())),
        ..Script::default()
    };
    let (_, _, result) = submit_to(script, "").await;
    assert_eq!(result.as_ref().unwrap_err().exit(), Exit::Refused);
    assert_snapshot!(told(result), @r"
    error: failed to submit the job
    cause: missing job type
    cause: missing job tasks
    ");
}
