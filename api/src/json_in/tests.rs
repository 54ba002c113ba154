use serde_json::json;

use super::*;
use crate::types::PutJobRequest;

fn put(body: &str) -> Result<PutJobRequest, String> {
    let answer = read(body.as_bytes(), &PUT_JOB, &ApiLimits::default());
    answer.map_err(|e| e.body().message)
}

#[test]
fn keys_match_in_any_case_and_parameters_keep_theirs() {
    let body = r#"{"JOB":{"name":"x","TASKS":[{"NAME":"main","engine":{"TYPE":"docker",
        "params":{"image":"i","ENTRYPOINT":null}},"resources":{"cpu":"1","MEMORY":"2"}}],
        "labels":{"Env":"Prod"}},"idempotencyToken":"t","credential":{"scheme":1},"namespace":"n"}"#;
    let request = put(body).unwrap();
    let job = request.job.unwrap();
    assert_eq!((job.name.as_str(), request.idempotency_token.as_str()), ("x", "t"));
    let task = &job.tasks[0];
    assert_eq!((task.name.as_str(), task.resources.memory.as_str()), ("main", "2"));
    assert_eq!(json!(task.engine.params), json!({"image": "i", "ENTRYPOINT": null}));
    assert_eq!(job.labels["Env"], "Prod");
}

#[test]
fn the_last_of_a_doubled_key_wins_whatever_its_case() {
    let request = put(r#"{"Job":{"Name":"a","name":"b","NAME":"c","name":"d"}}"#).unwrap();
    assert_eq!(request.job.unwrap().name, "d");
}

#[test]
fn null_is_as_good_as_nothing() {
    let request = put(r#"{"Job":{"Tasks":null,"Labels":null,"Meta":{"a":null},"Count":null}}"#);
    let job = request.unwrap().job.unwrap();
    assert!(job.tasks.is_empty() && job.labels.is_empty());
    assert_eq!((job.meta["a"].as_str(), job.count), ("", 1));
    assert_eq!(put(r#"{"Job":null}"#).unwrap().job, None);
}

#[test]
fn a_missing_count_is_one_and_zero_stays() {
    assert_eq!(put(r#"{"Job":{}}"#).unwrap().job.unwrap().count, 1);
    assert_eq!(put(r#"{"Job":{"Count":0}}"#).unwrap().job.unwrap().count, 0);
}

#[test]
fn types_are_not_bent_and_the_place_is_told() {
    let cases = [
        (r#"{"Job":{"Name":5}}"#, "text at Job.Name"),
        (r#"{"Job":{"Count":"1"}}"#, "a whole number at Job.Count"),
        (r#"{"Job":{"Count":1.5}}"#, "a whole number at Job.Count"),
        (r#"{"Job":{"Tasks":{}}}"#, "a list at Job.Tasks"),
        (r#"{"Job":{"Tasks":["x"]}}"#, "an object at Job.Tasks.0"),
        (r#"{"Job":{"Labels":{"a":{}}}}"#, "text at Job.Labels.a"),
        (r#"{"Force":"yes"}"#, "true or false at Force"),
        (r"[]", "expected an object at line 1"),
    ];
    for (body, expected) in cases {
        let message = put(body).unwrap_err();
        assert!(message.contains(expected), "{body}: {message}");
    }
}

#[test]
fn hostile_json_is_refused() {
    let deep = format!(r#"{{"Job":{}"#, "[".repeat(100_000));
    assert!(put(&deep).unwrap_err().contains("nested deeper than 64"));
    let deep_params = format!(
        r#"{{"Job":{{"x":{}{}}}}}"#,
        "{\"a\":".repeat(80),
        "1".to_owned() + &"}".repeat(80)
    );
    assert!(put(&deep_params).unwrap_err().contains("nested deeper than 64"));
    let bad = [
        "",
        "{",
        "null x",
        r#"{"Job":{"Count":NaN}}"#,
        r#"{"Job":{"Count":1e999}}"#,
        r#"{"Job":{"Count":99999999999999999999}}"#,
        r#"{"Job":{"Name":"\ud800"}}"#,
        "{\"Job\":{\"Name\":\"\u{1}\"}}",
        r#"{"Job":{}}{"Job":{}}"#,
        r#"{"Job":{},}"#,
        r"{'Job':{}}",
    ];
    for body in bad {
        assert!(put(body).is_err(), "{body}");
    }
    assert!(
        read::<PutJobRequest>(b"{\"Job\":{\"Name\":\"\xff\"}}", &PUT_JOB, &ApiLimits::default())
            .is_err()
    );
}

#[test]
fn brackets_in_strings_are_not_depth() {
    assert_eq!(depth(br#"{"a":"[[[\"[[["}"#), 1);
    assert_eq!(depth(br#"[[{"a":[]}]]"#), 4);
}

#[test]
fn a_file_may_write_numbers_where_text_is_meant() {
    let yaml = "
name: y
type: batch
tasks:
  - name: main
    engine: {type: docker, params: {image: busybox, Parameters: [1]}}
    resources: {cpu: 0.5, gpu: 1, memory: 512Mb}
    env: {DEBUG: true}
    colour: blue
";
    let value: Value = serde_yaml_ng::from_str(yaml).unwrap();
    let document = job_document(value).unwrap();
    let job: crate::types::Job = serde_json::from_value(document.job).unwrap();
    let task = &job.tasks[0];
    assert_eq!((task.resources.cpu.as_str(), task.resources.gpu.as_str()), ("0.5", "1"));
    assert_eq!(task.env["DEBUG"], "true");
    assert_eq!(document.unknown_keys, ["Tasks.0.colour"]);
    assert_eq!((job.count, job.kind.as_str()), (1, "batch"));
}

#[test]
fn an_error_has_its_line_and_says_what_a_body_looks_like() {
    let told = |body: &str, form| {
        let error = read::<Value>(body.as_bytes(), form, &ApiLimits::default()).unwrap_err();
        (error.body().message, error.body().hint)
    };
    let (message, hint) = told("{\"Job\":\n {\"Count\": }}", &PUT_JOB);
    assert_eq!(message, "the body is not valid: expected value at line 2 column 12");
    let example = hint.strip_prefix("a submission at its smallest: ").unwrap();
    let (example, _) = example.split_once("; see /api/v1/openapi.json").unwrap();
    let smallest = put(example).unwrap().job;
    let draft = crate::convert::Draft::new(
        smallest,
        crate::convert::DraftOptions { count_max: 1, ..Default::default() },
    );
    assert_eq!(draft.unwrap().warnings, Vec::<String>::new());
    let (message, _) = told("{\"Job\":\n\n {\"Count\": \"x\"}}", &PUT_JOB);
    assert!(message.ends_with("a whole number at Job.Count at line 3 column 14"), "{message}");
    let (_, hint) = told("{", &STOP_JOB);
    assert!(hint.contains("leave the body out"), "{hint}");
}

#[test]
fn a_files_error_has_its_place() {
    let error = job_document(json!({"Tasks": [{"Name": "a", "Env": []}]})).unwrap_err();
    assert_eq!(error.details["Path"], "Tasks.0.Env");
    let smallest = serde_yaml_ng::from_str(SMALLEST_JOB).unwrap();
    assert_eq!(job_document(smallest).unwrap().unknown_keys, Vec::<String>::new());
}
