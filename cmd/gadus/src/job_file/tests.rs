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
fn what_is_no_job_is_told_where_it_goes_wrong() {
    let yaml = told("Type: [batch\nCount: 1\n");
    assert!(yaml.contains("is no YAML") && yaml.contains("line 2"), "{yaml}");
    let json = told("{\"Type\": \"batch\",\n \"Count\": }");
    assert!(json.contains("is no JSON") && json.contains("line 2"), "{json}");
    assert!(told("Count: many").contains("Count"), "{}", told("Count: many"));
    assert!(told("").contains("is empty"));
    assert!(told("- 1\n- 2").contains("not a set of keys"));
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
