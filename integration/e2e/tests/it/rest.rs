//! The REST API, byte for byte as clients of Bacalhau expect it, on a requester and one compute
//! node.

use std::sync::Arc;

use gadus_e2e::{Http, Network, Shared, program};
use reqwest::Method;
use serde_json::{Value, json};

mod scrub;

use scrub::scrubbed;

const JOBS: &str = "/api/v1/orchestrator/jobs";

static NETWORK: Shared<Network> = Shared::new();

fn network() -> Arc<Network> {
    NETWORK.get(|| Network::start(1))
}

fn http(network: &Network) -> Http {
    Http::new(&network.requester.api)
}

/// A job of the program `steps`.
fn job(network: &Network, steps: &[&str]) -> Value {
    let module = network.gadus(&["add", &program("steps")]).ok();
    json!({"Job": {
        "Type": "batch",
        "Labels": {"env": "test"},
        "Tasks": [{
            "Name": "main",
            "Engine": {"Type": "wasm", "Params": {
                "EntryModule": format!("ipfs://{}", module.trim()),
                "Entrypoint": "_start",
                "Parameters": steps,
            }},
            "Publisher": {"Type": "ipfs"},
        }],
    }})
}

/// Submits a job and waits for its end; its id.
fn ended(http: &Http, job: &Value) -> String {
    let put = http.put(JOBS, job).ok();
    let id = put["JobID"].as_str().unwrap().to_owned();
    let job = http.get(&format!("{JOBS}/{id}?wait_ms=60000")).ok();
    assert_eq!(job["Job"]["State"]["StateType"], "Completed", "{job:#}");
    id
}

#[test]
fn a_job_walks_through_the_api() {
    let network = network();
    let http = http(&network);
    let document = job(&network, &["print", "<hello>", "warn", "oh", "exit", "19"]);
    let put = http.put(JOBS, &document);
    let said = scrubbed(&put.ok());
    assert_eq!(said, r#"{"JobID":"J","EvaluationID":"UUID","Warnings":null}"#);
    assert!(put.text().ends_with('\n'));
    assert_eq!(put.header("content-type"), "application/json");
    assert!(put.header("x-bacalhau-git-version").starts_with("v1.9."));
    let id = put.json()["JobID"].as_str().unwrap().to_owned();
    let at = format!("{JOBS}/{id}");

    let waited = http.get(&format!("{at}?wait_ms=60000")).ok();
    let job = r#"{"ID":"J","Name":"J","Namespace":"default","Type":"batch","Priority":0,"Count":1,"Constraints":[],"Meta":{"bacalhau.org/orchestrator.id":"N","bacalhau.org/requester.id":"N"},"Labels":{"env":"test"},"Tasks":[{"Name":"main","Engine":{"Type":"wasm","Params":{"EntryModule":"ipfs://CID","Entrypoint":"_start","Parameters":["print","<hello>","warn","oh","exit","19"]}},"Publisher":{"Type":"ipfs"},"Resources":{"CPU":"500m","Memory":"512Mb"},"Network":{"Type":"Default"},"Timeouts":{}}],"TaskCID":"CID","State":{"StateType":"Completed"},"Version":1,"Revision":R,"CreateTime":T,"ModifyTime":T}"#;
    assert_eq!(scrubbed(&waited["Job"]), job);
    // A container or a program that ends with another code than 0 has completed.
    assert_eq!(waited["Executions"], Value::Null, "not asked for");

    let executions = http.get(&format!("{at}/executions")).ok();
    assert_eq!(executions["NextToken"], "");
    let mut execution = executions["Items"][0].clone();
    let snapshot = execution["Job"].take();
    assert_eq!(snapshot["State"]["StateType"], "Pending", "as it was when planned");
    let extras = execution.as_object_mut().unwrap().shift_remove("Gadus").unwrap();
    assert_eq!(extras["Manifest"]["Outcome"], "exit");
    assert_eq!(
        scrubbed(&execution),
        r#"{"ID":"E","Namespace":"default","EvalID":"UUID","Name":"","NodeID":"N","JobID":"J","Job":null,"JobVersion":1,"AllocatedResources":{"Tasks":{}},"DesiredState":{"StateType":2,"Message":"execution completed"},"ComputeState":{"StateType":9,"Message":"Completed successfully"},"PublishedResult":{"Type":"ipfs","Params":{"CID":"CID"}},"RunOutput":{"Stdout":"<hello>\n","StdoutTruncated":false,"stderr":"oh\n","StderrTruncated":false,"ExitCode":19,"ErrorMsg":""},"PreviousExecution":"","NextExecution":"","FollowupEvalID":"","Revision":R,"CreateTime":T,"ModifyTime":T}"#
    );
    // Go escapes what could be HTML.
    assert!(http.get(&format!("{at}/executions")).text().contains(r"\u003chello\u003e"));

    let results = http.get(&format!("{at}/results"));
    let result = r#"{"NextToken":"","Items":[{"Type":"ipfs","Params":{"CID":"CID"}}]}"#;
    assert_eq!(scrubbed(&results.ok()), result);
    let cid = results.json()["Items"][0]["Params"]["CID"].as_str().unwrap().to_owned();
    assert_eq!(http.get(&format!("/ipfs/{cid}/stdout")).text(), "<hello>\n");
    assert_eq!(http.get(&format!("/ipfs/{cid}/exitCode")).text(), "19");
}

#[test]
fn a_history_says_what_happened_in_bacalhaus_words() {
    let network = network();
    let http = http(&network);
    let id = ended(&http, &job(&network, &["print", "x"]));
    let history = http.get(&format!("{JOBS}/{id}/history")).ok();
    assert_eq!(history["NextToken"], "", "the job is over");
    let items = history["Items"].as_array().unwrap();
    let numbers: Vec<_> = items.iter().map(|item| item["SeqNum"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=items.len() as u64).collect::<Vec<_>>());
    assert_eq!(
        scrubbed(&items[0]),
        r#"{"SeqNum":1,"Type":"JobLevel","JobID":"J","JobVersion":1,"Event":{"Message":"Job submitted","Topic":"Submission","Timestamp":"T"},"Time":"T"}"#
    );
    let last = r#"{"SeqNum":#,"Type":"JobLevel","JobID":"J","JobVersion":1,"Event":{"Message":"Completed","Topic":"State Update","Timestamp":"T","Details":{"NewState":"Completed"}},"Time":"T"}"#;
    let last = last.replace('#', &items.len().to_string());
    assert_eq!(scrubbed(&items[items.len() - 1]), last);

    // Page by page it is the same, and the job's and the executions' entries are parts of it.
    let mut paged = Vec::new();
    let mut token = String::new();
    loop {
        let page = http.get(&format!("{JOBS}/{id}/history?limit=2&next_token={token}")).ok();
        paged.extend(page["Items"].as_array().unwrap().iter().cloned());
        token = page["NextToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(&paged, items);
    let of = |kind: &str| {
        let page = http.get(&format!("{JOBS}/{id}/history?event_type={kind}")).ok();
        page["Items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(of("job") + of("execution"), items.len());
}

#[test]
fn logs_come_as_frames_and_end_with_1000() {
    let network = network();
    let http = http(&network);
    let id = ended(&http, &job(&network, &["print", "<a>", "print", "b"]));
    let (frames, code) = http.frames(&format!("{JOBS}/{id}/logs?follow=true"));
    let line = |text: &str| json!({"value": {"Type": 1, "Line": text}});
    assert_eq!((frames, code), (vec![line("<a>\n"), line("b\n")], 1000));
    let (frames, code) = http.frames(&format!("{JOBS}/j-nobody/logs"));
    assert_eq!(frames[0]["error"], "job not found: j-nobody");
    assert_eq!(code, 1000);
}

#[test]
fn a_wait_ends_when_its_time_is_up_and_a_stop_stops() {
    let network = network();
    let http = http(&network);
    let put = http.put(JOBS, &job(&network, &["spin"])).ok();
    let at = format!("{JOBS}/{}", put["JobID"].as_str().unwrap());
    let waited = http.get(&format!("{at}?wait_ms=1")).ok();
    assert_ne!(waited["Job"]["State"]["StateType"], "Completed");

    let json = [("content-type", "application/json")];
    let stop = || http.send(&Method::DELETE, &at, &json, br#"{"reason":"enough"}"#.to_vec());
    assert_eq!(scrubbed(&stop().ok()), r#"{"EvaluationID":"UUID"}"#);
    let job = http.get(&format!("{at}?wait_ms=60000")).ok();
    let state = json!({"StateType": "Stopped", "Message": "enough"});
    assert_eq!(job["Job"]["State"], state);
    // Once is enough.
    assert_eq!(stop().ok(), json!({"EvaluationID": ""}));
    // What has completed cannot be stopped.
    let over = ended(&http, &self::job(&network, &["print", "x"]));
    let late = http.send(&Method::DELETE, &format!("{JOBS}/{over}"), &[], Vec::new());
    assert_eq!(late.status, 500);
    assert_eq!(late.json()["Message"], "cannot stop job in state Completed");
}

#[test]
fn a_key_makes_two_submissions_one() {
    let network = network();
    let http = http(&network);
    let put = |body: &Value| {
        let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
        http.send(&Method::PUT, JOBS, &headers, body.to_string().into_bytes())
    };
    let first = put(&job(&network, &["print", "x"])).ok();
    assert_eq!(put(&job(&network, &["print", "x"])).ok()["JobID"], first["JobID"]);
    let other = put(&job(&network, &["print", "y"]));
    assert_eq!((other.status, other.json()["Code"].as_str()), (409, Some("ResourceInUse")));
}

#[test]
fn jobs_are_listed_in_pages_and_by_label() {
    let network = network();
    let http = http(&network);
    let mut labelled = job(&network, &["print", "x"]);
    labelled["Job"]["Labels"] = json!({"page": "me"});
    let mut ids: Vec<String> = (0..3).map(|_| ended(&http, &labelled)).collect();
    let page = |query: &str| http.get(&format!("{JOBS}?labels=page%3Dme&{query}")).ok();
    let first = page("limit=2&order_by=created_at&reverse=False");
    let token = first["NextToken"].as_str().unwrap();
    let second = page(&format!("next_token={token}"));
    assert_eq!(second["NextToken"], "");
    let items = |page: &Value| {
        let items = page["Items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|job| job["ID"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!([items(&first), items(&second)].concat(), ids);
    ids.reverse();
    assert_eq!(items(&page("reverse=true")), ids);
}

#[test]
fn the_node_says_what_it_is() {
    let network = network();
    let http = http(&network);
    assert_eq!(http.get("/api/v1/agent/alive").text(), "{\"Status\":\"OK\"}\n");
    let version = http.get("/api/v1/agent/version").ok();
    assert_eq!((&version["Major"], &version["Minor"]), (&json!("1"), &json!("9")));
    let agent = http.get("/api/v1/agent/node").ok();
    assert_eq!(agent["NodeType"], "Requester");

    let nodes = http.get("/api/v1/orchestrator/nodes").ok();
    let keys: Vec<_> = nodes.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["NextToken", "Nodes"]);
    let compute = nodes["Nodes"].as_array().unwrap().iter();
    let compute = compute.clone().find(|n| n["Info"]["NodeType"] == "Compute").unwrap();
    let keys: Vec<_> = compute["Info"]["ComputeNodeInfo"].as_object().unwrap().keys().collect();
    let expected = [
        "ExecutionEngines",
        "Publishers",
        "StorageSources",
        "MaxCapacity",
        "QueueCapacity",
        "AvailableCapacity",
        "MaxJobRequirements",
        "RunningExecutions",
        "EnqueuedExecutions",
        "address",
    ];
    assert_eq!(keys, expected);
    let id = compute["Info"]["NodeID"].as_str().unwrap();
    let one = http.get(&format!("/api/v1/orchestrator/nodes/{}", &id[..10])).ok();
    assert_eq!(one["Node"]["Info"]["NodeID"], id);

    let committed = std::fs::read(gadus_e2e::root().join("api/openapi.json")).unwrap();
    let committed: Value = serde_json::from_slice(&committed).unwrap();
    let served = http.get("/api/v1/openapi.json").ok();
    assert_eq!(served["paths"], committed["paths"], "api/openapi.json is out of date");
}

#[test]
fn errors_have_bacalhaus_shape() {
    let network = network();
    let http = http(&network);
    let get = |path: &str| http.get(path);
    let cases = [
        (get("/api/v1/orchestrator/jobs/j-nobody"), 404, "job not found: j-nobody"),
        (get("/api/v1/nowhere"), 404, "The requested resource/URL was not found."),
        (get("/api/v1/orchestrator/jobs?limit=x"), 400, "'limit' must be a whole number, not 'x'"),
        (get("/api/v1/orchestrator/nodes/n-nobody"), 404, "node not found: n-nobody"),
        (http.send(&Method::PATCH, JOBS, &[], Vec::new()), 405, "Method Not Allowed"),
        (http.send(&Method::PUT, JOBS, &[], b"x".to_vec()), 415, "Unsupported Media Type"),
    ];
    for (answer, status, message) in cases {
        let body = answer.json();
        assert_eq!((answer.status, body["Message"].as_str()), (status, Some(message)), "{body}");
        assert_eq!(body["Status"], status);
        let keys: Vec<_> = body.as_object().unwrap().keys().take(5).cloned().collect();
        assert_eq!(keys, ["Status", "Message", "RequestID", "Code", "Component"]);
    }
    let redirect = get("/");
    assert_eq!((redirect.status, redirect.header("location")), (301, "/api/v1/agent/version"));
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let network = network();
    let http = http(&network);
    let with = |change: fn(&mut Value)| {
        let mut job = job(&network, &["print", "x"]);
        change(&mut job["Job"]);
        http.put(JOBS, &job)
    };
    let cases = [
        (with(|job| job["Type"] = json!("service")), "the job type service"),
        (with(|job| job["Type"] = json!("daemon")), "the job type daemon"),
        (
            with(|job| job["Tasks"][0]["Publisher"] = json!({"Type": "s3managed"})),
            "the publisher s3managed",
        ),
        (
            with(
                |job| job["Tasks"][0]["InputSources"] = json!([{"Source": {"Type": "git", "Params": {"URL": "https://x/y"}}, "Target": "/in"}]),
            ),
            "the input source git",
        ),
        (with(|job| job["Tasks"][0]["Network"] = json!({"Type": "HTTP"})), "the network type HTTP"),
        (http.get("/api/v1/agent/config"), "configuration"),
        (http.get(&format!("{JOBS}/j-x/versions")), "versions"),
        (http.put(&format!("{JOBS}/j-x/rerun"), &json!({})), "running a job again"),
    ];
    for (answer, name) in cases {
        let body = answer.json();
        assert_eq!((answer.status, body["Code"].as_str()), (501, Some("NotImplemented")), "{body}");
        let message = body["Message"].as_str().unwrap();
        assert!(
            message.contains(name) && message.contains("not supported in this release"),
            "{body}"
        );
        assert!(body["Hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{body}");
    }
}
