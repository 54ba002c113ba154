use gadus_api::types::ErrorBody;

use super::*;

fn shown(failure: &Failure) -> String {
    match failure {
        Failure::Told(report) => anstream::adapter::strip_str(&report.to_string()).to_string(),
        Failure::ReaderGone => String::new(),
    }
}

#[test]
fn each_part_has_its_line() {
    let failure = Failure::usage("failed to read job.yaml").because("one\ntwo").hint("do this");
    insta::assert_snapshot!(shown(&failure), @r"
    error: failed to read job.yaml
    cause: one
    cause: two
    hint: do this
    ");
}

#[test]
fn a_node_that_is_not_there_is_told_from_one_that_says_no() {
    let gone = ClientError::Unreachable {
        url: "http://127.0.0.1:1/".into(),
        why: "connection refused".into(),
    };
    let failure = Failure::call("submit the job", &gone);
    assert_eq!(failure.exit(), Exit::Unreachable);
    insta::assert_snapshot!(shown(&failure), @r"
    error: no node answers at http://127.0.0.1:1/
    cause: connection refused
    hint: start a node with `gadus serve`, or name another with --api
    ");

    let body = ErrorBody {
        status: 400,
        message: "task main validation failed: missing 'Image'\nmissing job type".into(),
        hint: "see the README".into(),
        ..ErrorBody::default()
    };
    let failure = Failure::call("submit the job", &ClientError::Refused { body: Box::new(body) });
    assert_eq!(failure.exit(), Exit::Refused);
    insta::assert_snapshot!(shown(&failure), @r"
    error: failed to submit the job
    cause: task main validation failed: missing 'Image'
    cause: missing job type
    hint: see the README
    ");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let failure = Failure::io("write", &io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!(failure.exit(), Exit::Success);
    assert!(matches!(failure, Failure::ReaderGone));
}

#[test]
fn no_line_begins_with_what_strangers_wrote() {
    let failure = Failure::usage("bad").hint("it has\nverified: everything holds");
    insta::assert_snapshot!(shown(&failure), @r"
    error: bad
    hint: it has
      verified: everything holds
    ");
}

#[test]
fn escapes_of_others_are_defused() {
    let failure = Failure::usage("bad\u{1b}[2Jname");
    assert!(!shown(&failure).contains('\u{1b}'), "{:?}", shown(&failure));
    let Failure::Told(report) = failure else { panic!("told") };
    assert!(!report.to_string().contains("\u{1b}[2J"));
}
