use insta::assert_snapshot;
use serde_json::json;

use super::*;

fn told(text: &str) -> String {
    match parse("job.yaml", text).unwrap_err() {
        Failure::Told(report) => anstream::adapter::strip_str(&report.to_string()).to_string(),
        Failure::ReaderGone => String::new(),
    }
}

#[test]
fn yaml_and_json_say_the_same_in_any_case() {
    let yaml = "
name: hello
type: batch
count: 1
tasks:
  - name: main
    engine: {type: docker, params: {Image: busybox, Parameters: [echo, hi]}}
    env: {N: 1}
    timeouts: {executiontimeout: 60}
";
    let json = r#"{"Name": "hello", "Type": "batch", "Count": 1, "Tasks": [{"Name": "main",
        "Engine": {"Type": "docker", "Params": {"Image": "busybox", "Parameters": ["echo", "hi"]}},
        "Env": {"N": "1"}, "Timeouts": {"ExecutionTimeout": 60}}]}"#;
    let expected = json!({"Name": "hello", "Type": "batch", "Count": 1, "Tasks": [{"Name": "main",
        "Engine": {"Type": "docker", "Params": {"Image": "busybox", "Parameters": ["echo", "hi"]}},
        "Env": {"N": "1"}, "Timeouts": {"ExecutionTimeout": 60}}]});
    assert_eq!(parse("x", yaml).unwrap(), expected);
    assert_eq!(parse("x", json).unwrap(), expected);
    assert_eq!(parse("x", &format!("{{\"Job\": {json}}}")).unwrap(), expected);
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_the_nearest_one() {
    let yaml =
        "Type: batch\nTasks:\n  - Name: main\n    Engin:\n      Type: docker\n    ResultPath: []\n";
    assert_snapshot!(told(yaml), @r"
    error: job.yaml has keys that mean nothing
    cause: Tasks.0.Engin (line 4)
    cause: Tasks.0.ResultPath (line 6)
    hint: 'Engin' may be meant to be 'Engine'
    ");
    assert_snapshot!(told("{\"Type\": \"batch\",\n \"Xyzzy\": 1}"), @r"
    error: job.yaml has keys that mean nothing
    cause: Xyzzy (line 2)
    hint: remove them, or put free facts into Meta
    ");
}

#[test]
fn text_that_is_no_job_is_told_with_its_line_and_what_to_do() {
    assert_snapshot!(told("Type: batch\nCount: [1\nTasks: x\n"), @r#"
    error: job.yaml is no YAML
    cause: did not find expected ',' or ']' at line 3 column 6, while parsing a flow sequence at line 2 column 8
    cause: line 3: Tasks: x
    hint: look at line 3 and the one before it; a job at its smallest: {"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox:1.37"}}}]}; see `gadus job run --help`
    "#);
    assert_snapshot!(told("{\"Type\": \"batch\",\n \"Count\": }"), @r#"
    error: job.yaml is no JSON
    cause: expected value at line 2 column 11
    cause: line 2: "Count": }
    hint: look at line 2 and the one before it; a job at its smallest: {"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox:1.37"}}}]}; see `gadus job run --help`
    "#);
    assert_snapshot!(told("Type: batch\n\tCount: 1\n"), @r#"
    error: job.yaml is no YAML
    cause: found a tab character that violates indentation at line 2 column 1, while scanning a plain scalar at line 1 column 7
    cause: line 2: Count: 1
    hint: indent with blanks: YAML takes no tabs
    "#);
    assert_snapshot!(told("Type: batch\nTasks:\n- Name: main\n  Env: [A]\n"), @r#"
    error: job.yaml is no job
    cause: this is no job: invalid type: sequence, expected an object at Tasks.0.Env (line 4)
    hint: a job at its smallest: {"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox:1.37"}}}]}; see `gadus job run --help`
    "#);
    assert_snapshot!(told("# nothing\n"), @r#"
    error: job.yaml is empty
    hint: a job at its smallest: {"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox:1.37"}}}]}; see `gadus job run --help`
    "#);
    assert_snapshot!(told("- 1\n- 2"), @r#"
    error: job.yaml is no job
    cause: it is not a set of keys
    hint: a job at its smallest: {"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox:1.37"}}}]}; see `gadus job run --help`
    "#);
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    let expected = json!({"Type": "batch"});
    assert_eq!(parse("x", "\u{feff}Type: batch\n").unwrap(), expected);
    assert_eq!(parse("x", "\u{feff}{\"Type\": \"batch\"}").unwrap(), expected);
}

#[test]
fn what_is_no_text_or_too_much_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let told = |bytes: &[u8]| {
        let path = dir.path().join("job.yaml");
        std::fs::write(&path, bytes).unwrap();
        let Failure::Told(report) = read(&path).unwrap_err() else { panic!("told") };
        report.hint.unwrap()
    };
    assert_eq!(told(b"\xff\xfe"), "a job file is text: YAML or JSON");
    assert!(told(&vec![b' '; 17 << 20]).starts_with("add what is large"));
    let Failure::Told(report) = read(dir.path()).unwrap_err() else { panic!("told") };
    assert_eq!(report.hint.unwrap(), "name a file in it");
}

#[test]
fn every_known_key_is_one_that_the_node_knows() {
    for path in [
        "x",
        "State.x",
        "Constraints.0.x",
        "Tasks.0.x",
        "Tasks.0.Engine.x",
        "Tasks.0.InputSources.0.x",
        "Tasks.0.InputSources.0.Source.x",
        "Tasks.0.ResultPaths.0.x",
        "Tasks.0.Resources.x",
        "Tasks.0.Network.x",
        "Tasks.0.Network.Ports.0.x",
        "Tasks.0.Timeouts.x",
    ] {
        let keys = keys::beside(path);
        assert!(!keys.is_empty(), "{path}");
        for key in keys {
            let parts: Vec<_> =
                path.split('.').map(|part| if part == "x" { key } else { part }).collect();
            let nested =
                parts.iter().rev().fold(Value::Null, |inner, part| match part.parse::<usize>() {
                    Ok(_) => json!([inner]),
                    Err(_) => json!({ *part: inner }),
                });
            let document = job_document(nested).unwrap();
            assert_eq!(document.unknown_keys, Vec::<String>::new(), "{path} {key}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let Failure::Told(report) = read("/surely/not/there.yaml".as_ref()).unwrap_err() else {
        panic!("told")
    };
    assert_eq!(report.what, "failed to read /surely/not/there.yaml");
}
