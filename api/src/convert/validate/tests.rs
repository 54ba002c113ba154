use serde_json::{Value, json};

use super::*;

/// A good job, changed.
fn errors(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = json!({
        "Type": "batch",
        "Tasks": [{ "Name": "main", "Engine": { "Type": "docker" } }],
    });
    change(&mut value);
    job(&serde_json::from_value(value).unwrap(), 10)
}

/// A good job with something put into its task.
fn task_errors(key: &str, part: Value) -> Vec<String> {
    errors(|job| job["Tasks"][0][key] = part)
}

fn task_says(key: &str, part: Value, expected: &str) {
    let expected = format!("task main validation failed: {expected}");
    assert_eq!(task_errors(key, part), [expected]);
}

#[test]
fn a_function_has_no_more_memory_than_it_can_address() {
    let of = |engine: &str, memory: &str| {
        errors(|job| {
            job["Tasks"][0]["Engine"]["Type"] = json!(engine);
            job["Tasks"][0]["Resources"] = json!({ "Memory": memory });
        })
    };
    for (engine, memory) in [("wasm", "4Gi"), ("wasm", ""), ("docker", "5Gi")] {
        assert_eq!(of(engine, memory), Vec::<String>::new(), "{engine} {memory}");
    }
    let said =
        "task main validation failed: invalid resources: a function's memory cannot exceed 4 GiB";
    assert_eq!(of("wasm", "5Gi"), [said]);
}

#[test]
fn a_good_job_is_good() {
    assert_eq!(errors(|_| {}), Vec::<String>::new());
    assert_eq!(errors(|job| job["Type"] = json!("ops")), Vec::<String>::new());
    assert_eq!(errors(|job| job["Count"] = json!(10)), Vec::<String>::new());
}

#[test]
fn jobs_are_checked() {
    let cases = [
        ("Type", json!(""), "missing job type"),
        ("Type", json!("banana"), "invalid job type: \"banana\""),
        ("Count", json!(-1), "job count must be >= 0"),
        ("Count", json!(0), "job count must be >= 1, or there is nothing to run"),
        ("Count", json!(11), "job count must be <= 10"),
        ("Tasks", json!([]), "missing job tasks"),
        ("Name", json!("a\0"), "job name and namespace cannot contain null characters"),
    ];
    for (key, value, expected) in cases {
        assert_eq!(errors(|job| job[key] = value), [expected]);
    }
    for kind in ["ops", "daemon"] {
        let found = errors(|job| {
            job["Type"] = json!(kind);
            job["Count"] = json!(2);
        });
        let expected = "jobs cannot specify count > 1 as they run on all matching nodes";
        assert_eq!(found, [format!("{kind} {expected}")]);
    }
}

#[test]
fn constraints_are_checked() {
    let cases = [
        (json!({"Operator": "exists"}), "selector key cannot be blank"),
        (
            json!({"Key": "a", "Operator": "in"}),
            "selector values cannot be empty for In or NotIn operators",
        ),
        (
            json!({"Key": "a", "Operator": "!", "Values": ["b"]}),
            "selector values must be empty for Exists or KeyNotInImap operators",
        ),
        (
            json!({"Key": "a", "Operator": "gt", "Values": ["1", "2"]}),
            "selector values must have exactly one value for other operators",
        ),
        (
            json!({"Key": "a", "Operator": "~", "Values": ["b"]}),
            "\"~\" is no selector operator (use !, =, ==, in, !=, notin, exists, gt or lt)",
        ),
    ];
    for (constraint, expected) in cases {
        let good = json!({"Key": "a", "Operator": "=", "Values": ["b"]});
        let found = errors(|job| job["Constraints"] = json!([good, constraint]));
        assert_eq!(found, [format!("constraint 2 validation failed: {expected}")]);
    }
}

#[test]
fn tasks_are_checked() {
    assert_eq!(task_errors("Name", json!(" ")), ["task   validation failed: missing task name"]);
    let cases = [
        ("Engine", json!({"Type": " "}), "invalid engine: missing spec type"),
        ("Publisher", json!({"Params": {"a": 1}}), "invalid publisher: missing spec type"),
        (
            "Timeouts",
            json!({"ExecutionTimeout": -5}),
            "invalid timeouts: invalid execution timeout value: -5s",
        ),
        (
            "Timeouts",
            json!({"QueueTimeout": -1}),
            "invalid timeouts: invalid queue timeout value: -1s",
        ),
        (
            "Timeouts",
            json!({"TotalTimeout": -60}),
            "invalid timeouts: invalid total timeout value: -1m0s",
        ),
        (
            "Timeouts",
            json!({"ExecutionTimeout": 60, "QueueTimeout": 30, "TotalTimeout": 80}),
            "invalid timeouts: execution timeout 1m0s and queue timeout 30s should be less than total timeout 1m20s",
        ),
        ("Resources", json!({"CPU": "lots"}), "invalid resources: invalid CPU value: lots"),
        ("Resources", json!({"Memory": "1 Xb"}), "invalid resources: invalid memory value: 1xb"),
        ("Resources", json!({"Disk": "-1Gb"}), "invalid resources: invalid disk value: -1gb"),
        ("Resources", json!({"GPU": "1.5"}), "invalid resources: invalid GPU value: 1.5"),
        (
            "Resources",
            json!({"GPU": "9999999999"}),
            "invalid resources: invalid GPU value: 9999999999",
        ),
    ];
    for (key, part, expected) in cases {
        task_says(key, part, expected);
    }
}

#[test]
fn environments_are_checked() {
    let cases = [
        ("", "x", "environment variable name cannot be empty"),
        ("lower", "x", "environment variable 'lower' must be uppercase"),
        ("1A", "x", "environment variable '1A' must start with a letter"),
        (
            "A-B",
            "x",
            "environment variable 'A-B' can only contain letters, numbers, and underscores",
        ),
        ("BACALHAU_X", "x", "environment variable 'BACALHAU_X' cannot start with BACALHAU_"),
        ("A", "", "environment variable 'A' cannot have empty value"),
        ("A", "\0", "environment variable 'A' cannot contain null characters"),
    ];
    for (name, value, expected) in cases {
        task_says("Env", json!({ name: value }), expected);
    }
}

#[test]
fn inputs_are_checked() {
    let input = |target: &str| json!({"Source": {"Type": "ipfs"}, "Target": target});
    let cases = [
        (json!([input("")]), "invalid input sources: input source is missing a target"),
        (
            json!([{"Target": "/a"}]),
            "invalid input sources: invalid input source: missing spec type",
        ),
        (
            json!([input("a")]),
            "invalid input sources: input source target `a` must be an absolute path without ..",
        ),
        (
            json!([input("/a/../b")]),
            "invalid input sources: input source target `/a/../b` must be an absolute path without ..",
        ),
        (
            json!([input("/")]),
            "invalid input sources: input source target `/` must be an absolute path without ..",
        ),
        (json!([input("/a"), input("/a/")]), "input source with target '/a/' already exists"),
        (
            json!([
                {"Source": {"Type": "ipfs"}, "Alias": "x", "Target": "/a"},
                {"Source": {"Type": "ipfs"}, "Alias": "x", "Target": "/b"},
            ]),
            "input source with alias 'x' already exists",
        ),
    ];
    for (part, expected) in cases {
        task_says("InputSources", part, expected);
    }
}

#[test]
fn outputs_are_checked() {
    let output = |name: &str, path: &str| json!({"Name": name, "Path": path});
    let cases = [
        (json!([output("", "/a")]), "invalid output: missing name"),
        (json!([output("a", "")]), "invalid output: missing path\nresult path `` must be absolute"),
        (json!([output("a", "b")]), "invalid output: result path `b` must be absolute"),
        (
            json!([output("a", "/")]),
            "invalid output: result path `/` must not contain .. or be the root",
        ),
        (
            json!([output("a", "/../b")]),
            "invalid output: result path `/../b` must not contain .. or be the root",
        ),
        (json!([output("..", "/a")]), "invalid output: result name `..` must be a plain file name"),
        (
            json!([output("a/b", "/a")]),
            "invalid output: result name `a/b` must be a plain file name",
        ),
        (
            json!([output("stdout", "/a")]),
            "invalid output: result name `stdout` is taken by the result itself",
        ),
        (json!([output("a", "/a"), output("a", "/b")]), "result path with name 'a' already exists"),
        (json!([output("a", "/a"), output("b", "/a")]), "result path '/a' already exists"),
    ];
    for (part, expected) in cases {
        task_says("ResultPaths", part, expected);
    }
}

#[test]
fn networks_are_checked() {
    let cases = [
        (json!({"Type": "carrier pigeon"}), "invalid network: unknown type 'carrier pigeon'"),
        (
            json!({"Type": "Host", "Domains": ["a.com"]}),
            "invalid network: domains can only be set for HTTP network mode",
        ),
        (
            json!({"Type": "HTTP", "Domains": ["nonsense"]}),
            "invalid network: invalid domain \"nonsense\"",
        ),
        (
            json!({"Type": "None", "Ports": [{"Name": "A"}]}),
            "invalid network: ports can only be set for Host or Bridge network modes",
        ),
    ];
    for (part, expected) in cases {
        task_says("Network", part, expected);
    }
    for good in [
        json!({"Type": "HTTP", "Domains": ["crates.io", ".x.org", "1.2.3.4"]}),
        json!({"Type": "bridge"}),
    ] {
        assert_eq!(task_errors("Network", good), Vec::<String>::new());
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let found = errors(|job| {
        job["Type"] = json!("x");
        job["Count"] = json!(-1);
        job["Tasks"][0]["Engine"] = json!({});
        job["Tasks"][0]["Env"] = json!({"a": "b"});
    });
    assert_eq!(
        found.join("\n"),
        "invalid job type: \"x\"\njob count must be >= 0\ntask main validation failed: environment \
         variable 'a' must be uppercase\ninvalid engine: missing spec type"
    );
}
