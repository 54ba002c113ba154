use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Class, Code, Constraint, Durability, Image, Input, JobKind, Network, Operator, Partition,
    Placement, PublisherSpec, Resources, Timeouts,
};
use serde_json::{Value, json};

use super::*;
use crate::fake::sample::{cid, job_id, options};

fn draft(document: Value) -> Result<Draft, ServiceError> {
    Draft::new(Some(serde_json::from_value(document).unwrap()), options())
}

fn built(document: Value) -> Job {
    draft(document).unwrap().preview(job_id(9)).unwrap()
}

/// A job whose one task has this engine and these other parts.
fn job_of(engine: Value, parts: Value) -> Value {
    let mut task = json!({ "Name": "main", "Engine": engine });
    for (key, value) in parts.as_object().unwrap() {
        task[key] = value.clone();
    }
    json!({ "Type": "batch", "Tasks": [task] })
}

fn docker(params: Value, parts: Value) -> Value {
    job_of(json!({ "Type": "docker", "Params": params }), parts)
}

fn wasm(params: Value, parts: Value) -> Value {
    job_of(json!({ "Type": "wasm", "Params": params }), parts)
}

fn ipfs(name: &str, target: &str) -> Value {
    json!({"Source": {"Type": "ipfs", "Params": {"CID": cid(name).to_string()}}, "Target": target})
}

#[test]
fn a_docker_job_becomes_a_task_and_a_context() {
    let parts = json!({
        "Env": {"B": "task"},
        "InputSources": [ipfs("in", "/inputs//a/")],
        "ResultPaths": [{"Name": "outputs", "Path": "/outputs/"}],
        "Resources": {"CPU": "2", "Memory": "1Gi", "Disk": "1Gb", "GPU": "1"},
        "Network": {"Type": "full"},
        "Timeouts": {"ExecutionTimeout": 5, "QueueTimeout": 6, "TotalTimeout": 20},
    });
    let params = json!({
        "image": "busybox:1.37.0", "Entrypoint": ["/bin/sh"], "PARAMETERS": ["-c", "true"],
        "EnvironmentVariables": ["A=image", "B=image"], "WorkingDirectory": "/work",
    });
    let mut document = docker(params, parts);
    document["Count"] = json!(3);
    document["Priority"] = json!(7);
    document["Labels"] = json!({"env": "test"});
    document["Constraints"] = json!([{"Key": "zone", "Operator": "in", "Values": ["a", "b"]}]);
    let job = built(document);
    let (label, task) = job.task().unwrap();
    assert_eq!((label, task.v, task.partition), ("main", TASK_VERSION, Partition::default()));
    assert_eq!(
        task.code,
        Code::Docker {
            image: Image::Reference("busybox:1.37.0".into()),
            entrypoint: Some(vec!["/bin/sh".into()]),
            workdir: Some("/work".into()),
        }
    );
    assert_eq!(task.args, ["-c", "true"]);
    assert_eq!(json!(task.env), json!({"A": "image", "B": "task"}));
    assert_eq!(task.inputs, [("/inputs/a".to_owned(), Input::Cid(cid("in")))].into());
    assert_eq!(task.outputs, [("outputs".to_owned(), "/outputs".to_owned())].into());
    assert_eq!(task.det, None);
    let context = &job.context;
    let resources =
        Resources { cpu_millis: 2000, memory_bytes: 1 << 30, disk_bytes: 1_000_000_000, gpus: 1 };
    assert_eq!((context.resources, context.caps.output_max_bytes), (resources, 1_000_000_000));
    assert_eq!(
        context.timeouts,
        Timeouts { execution_ms: Some(5000), queue_ms: Some(6000), total_ms: Some(20_000) }
    );
    assert_eq!((context.network, context.class), (Network::Host, Class::Query));
    assert_eq!(context.image_reference.as_deref(), Some("busybox:1.37.0"));
    let values = vec!["a".to_owned(), "b".to_owned()];
    let zone = Constraint { key: "zone".into(), operator: Operator::In, values };
    assert_eq!(context.constraints, [zone]);
    assert_eq!(context.labels["env"], "test");
    assert_eq!((job.priority, job.kind.placement), (7, Placement::Ranked { count: 3 }));
    assert_eq!((job.name.clone(), job.namespace.as_str()), (job_id(9).to_string(), "default"));
}

#[test]
fn what_is_left_out_is_filled_in() {
    let job = built(docker(json!({"Image": "x"}), json!({})));
    let context = &job.context;
    assert_eq!((context.resources.cpu_millis, context.resources.memory_bytes), (500, 512_000_000));
    assert_eq!((context.network, context.class), (Network::None, Class::Pure));
    assert_eq!(context.timeouts, Timeouts::default());
    let ops = json!({"Type": "ops", "Tasks": [{"Name": "m", "Engine": {"Type": "docker", "Params": {"Image": "x"}}}]});
    let job = built(ops);
    assert_eq!(job.kind, JobType::Ops.kind(1));
    let JobKind { placement, .. } = job.kind;
    assert_eq!(placement, Placement::EveryMatch);
    let document: Document = serde_json::from_str(&job.document).unwrap();
    assert_eq!((document.count, document.tasks[0].publisher.kind.as_str()), (0, "ipfs"));
}

#[test]
fn a_wasm_module_is_code_and_no_mount() {
    let inputs = json!({"InputSources": [ipfs("module", "/app/main.wasm"), ipfs("data", "/data")]});
    let job = built(wasm(json!({"EntryModule": "/app/main.wasm", "Parameters": ["a"]}), inputs));
    let (_, task) = job.task().unwrap();
    assert_eq!(task.code, Code::Wasm { module: cid("module"), entry: "_start".into() });
    assert_eq!(task.args, ["a"]);
    assert_eq!(task.inputs, [("/data".to_owned(), Input::Cid(cid("data")))].into());
    let det = task.det.clone().unwrap();
    assert_eq!((det.memory_max_bytes, det.profile.as_str()), (512_000_000, "wasi/1"));

    let by_cid = json!({"EntryModule": format!("ipfs://{}", cid("m")), "Entrypoint": "run"});
    let job = built(wasm(by_cid, json!({})));
    let code = &job.task().unwrap().1.code;
    assert_eq!(*code, Code::Wasm { module: cid("m"), entry: "run".into() });
}

#[test]
fn the_old_wasm_shape_is_read() {
    let source = json!({"Type": "ipfs", "Params": {"CID": cid("module").to_string()}});
    let params = json!({
        "entrymodule": {"source": source}, "EntryPoint": "_start", "Parameters": ["x"],
        "ImportModules": [], "EnvironmentVariables": {"A": "1", "B": "2"},
    });
    let job = built(wasm(params, json!({"Env": {"B": "task"}})));
    let (_, task) = job.task().unwrap();
    assert_eq!(task.code, Code::Wasm { module: cid("module"), entry: "_start".into() });
    assert_eq!(json!(task.env), json!({"A": "1", "B": "task"}));
    assert!(task.inputs.is_empty());
    let document: Document = serde_json::from_str(&job.document).unwrap();
    let engine = &document.tasks[0].engine;
    assert_eq!(engine.params["EntryModule"], "/wasm/entry.wasm");
    assert_eq!(document.tasks[0].input_sources[0].target, "/wasm/entry.wasm");
}

#[test]
fn inline_inputs_are_imported_and_named_by_their_cids() {
    let inline = json!({"Source": {"Type": "inline", "Params": {"URL": "data:application/wasm;base64,AGFzbQ=="}}, "Target": "/m.wasm"});
    let document =
        wasm(json!({"EntryModule": "/m.wasm"}), json!({"InputSources": [inline, ipfs("d", "/d")]}));
    let made = draft(document.clone()).unwrap();
    let wanted: Vec<_> = made.wanted().collect();
    let data = Data::File(Bytes::from_static(b"\0asm"));
    assert_eq!(wanted, [Wanted { index: 0, data }]);
    assert!(made.clone().finish(job_id(1), &BTreeMap::new()).is_err());
    let had = Had { cid: cid("imported"), name: None };
    let job = made.finish(job_id(1), &[(0, had)].into()).unwrap();
    let code = &job.task().unwrap().1.code;
    assert_eq!(*code, Code::Wasm { module: cid("imported"), entry: "_start".into() });
    let document: Document = serde_json::from_str(&job.document).unwrap();
    let source = &document.tasks[0].input_sources[0].source;
    assert_eq!(*source, SpecConfig::new("ipfs").with("CID", cid("imported").to_string()));
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let good = json!({"Image": "x"});
    let with = |parts: Value| docker(good.clone(), parts);
    let kind = |kind: &str| {
        let mut document = with(json!({}));
        document["Type"] = json!(kind);
        document
    };
    let mut soft = with(json!({}));
    soft["Constraints"] = json!([{"Key": "favour_zone", "Operator": "exists"}]);
    let source = |kind: &str, url: &str| {
        with(
            json!({"InputSources": [{"Source": {"Type": kind, "Params": {"URL": url}}, "Target": "/a"}]}),
        )
    };
    let s3 = |params: Value| {
        with(
            json!({"InputSources": [{"Source": {"Type": "s3", "Params": params}, "Target": "/a"}]}),
        )
    };
    let writable = with(json!({"InputSources": [{"Target": "/a", "Source": {
        "Type": "local", "Params": {"SourcePath": "/srv", "ReadWrite": true},
    }}]}));
    let imports = json!({"EntryModule": format!("ipfs://{}", cid("m")), "ImportModules": ["/x"]});
    let cases = [
        (kind("service"), "the job type service"),
        (kind("daemon"), "the job type daemon"),
        (soft, "the soft constraint favour_zone"),
        (with(json!({"Publisher": {"Type": "s3managed"}})), "the publisher s3managed"),
        (with(json!({"Publisher": {"Type": "estuary"}})), "the publisher estuary"),
        (with(json!({"Network": {"Type": "HTTP"}})), "the network type HTTP"),
        (with(json!({"Network": {"Type": "Bridge", "Ports": [{"Name": "P"}]}})), "mapping ports"),
        (
            with(json!({"Env": {"A": "env:HOME"}})),
            "taking A from the compute node's environment (env:HOME)",
        ),
        (source("filecoin", ""), "the input source filecoin"),
        (
            s3(json!({"Bucket": "data", "Key": "d/", "Partition": {"Type": "object"}})),
            "dividing the objects of a bucket among partitions (object)",
        ),
        (writable, "an input that the job may write to"),
        (wasm(imports, json!({})), "linking with ImportModules"),
    ];
    for (document, what) in cases {
        let error = draft(document).unwrap_err();
        assert_eq!(error.code, ErrorCode::NotImplemented, "{what}");
        assert_eq!(error.message, format!("{what} is not supported in this release"));
        assert!(error.hint.is_some(), "{what}");
    }
}

/// As Bacalhau has it: a directory, and in it the file under its own name.
#[test]
fn files_from_urls_go_into_their_targets_and_are_pinned() {
    let url = |url: &str, target: &str| json!({"Source": {"Type": "urlDownload", "Params": {"URL": url}}, "Target": target});
    let inputs = json!([
        url(&format!("https://example.org/a.txt#sha256={}", "0a".repeat(32)), "/in"),
        url(" 'http://example.org/b?x=1#part' ", "/in/"),
        {"Source": {"Type": "localDirectory", "Params": {"SourcePath": "/srv/x"}}, "Target": "/x"},
    ]);
    let made = draft(docker(json!({"Image": "x"}), json!({"InputSources": inputs}))).unwrap();
    let origin = |url: &str, sha256| Data::At(Origin::Url { url: url.to_owned(), sha256 });
    let wanted: Vec<_> = made.wanted().map(|wanted| wanted.data).collect();
    let expected = [
        origin("https://example.org/a.txt", Some([10; 32])),
        origin("http://example.org/b?x=1", None),
        Data::At(Origin::Path("/srv/x".into())),
    ];
    assert_eq!(wanted, expected);
    let had =
        |name: Option<&str>, text: &str| Had { cid: cid(text), name: name.map(str::to_owned) };
    let all = [had(Some("a.txt"), "a"), had(None, "b"), had(Some("x"), "c")];
    let all: BTreeMap<_, _> = all.into_iter().enumerate().collect();
    let job = made.clone().finish(job_id(1), &all).unwrap();
    let inputs = &job.task().unwrap().1.inputs;
    let paths: Vec<_> = inputs.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/in/a.txt", "/in/download", "/x"]);
    let document: Document = serde_json::from_str(&job.document).unwrap();
    let source = &document.tasks[0].input_sources[0].source;
    let pinned = SpecConfig::new("ipfs").with("CID", cid("a").to_string());
    assert_eq!(*source, pinned.with("PinnedFrom", "https://example.org/a.txt"));
    let source = &document.tasks[0].input_sources[1].source;
    assert_eq!(source.params["PinnedFrom"], "http://example.org/b", "a query may hold a secret");
    let same = [had(Some("a.txt"), "a"), had(Some("a.txt"), "b"), had(None, "c")];
    let error = made.clone().finish(job_id(1), &same.into_iter().enumerate().collect());
    assert!(error.unwrap_err().message.contains("'/in/a.txt' already exists"));
    let preview = made.preview(job_id(1)).unwrap();
    assert!(preview.task().unwrap().1.inputs.contains_key("/in/a.txt"));
}

/// As Bacalhau has it: one object goes into the target, all below a prefix are the target.
#[test]
fn objects_of_buckets_are_pinned() {
    let s3 = |params: Value, target: &str| json!({"Source": {"Type": "s3", "Params": params}, "Target": target});
    let inputs = json!([
        s3(json!({"Bucket": "data", "Key": "d/a.txt", "ChecksumSHA256": "0a".repeat(32)}), "/in"),
        s3(json!({"bucket": "data", "key": "d/b", "VersionID": "v1", "Region": "eu"}), "/in"),
        s3(
            json!({"Bucket": "data", "Key": " d/* ", "Filter": "^a", "Endpoint": "http://x",
                  "Partition": {"Type": "none", "StartIndex": 0}}),
            "/all"
        ),
    ]);
    let made = draft(docker(json!({"Image": "x"}), json!({"InputSources": inputs}))).unwrap();
    let plain = |key: &str| gadus_ports::S3Origin {
        bucket: "data".to_owned(),
        key: key.to_owned(),
        ..Default::default()
    };
    let some = |text: &str| Some(text.to_owned());
    let wanted: Vec<_> = made.wanted().map(|wanted| wanted.data).collect();
    let expected = [
        gadus_ports::S3Origin { sha256: Some([10; 32]), ..plain("d/a.txt") },
        gadus_ports::S3Origin { version: some("v1"), region: some("eu"), ..plain("d/b") },
        gadus_ports::S3Origin { filter: some("^a"), endpoint: some("http://x"), ..plain("d/*") },
    ];
    assert_eq!(wanted, expected.map(|origin| Data::At(Origin::S3(Box::new(origin)))));
    let had = |name: &str| Had { cid: cid(name), name: Some(name.to_owned()) };
    let all = [had("a.txt"), had("b"), had("d")].into_iter().enumerate().collect();
    let job = made.finish(job_id(1), &all).unwrap();
    let paths: Vec<_> = job.task().unwrap().1.inputs.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/all", "/in/a.txt", "/in/b"]);
    let document: Document = serde_json::from_str(&job.document).unwrap();
    let source = &document.tasks[0].input_sources[2].source;
    let pinned = SpecConfig::new("ipfs").with("CID", cid("d").to_string());
    assert_eq!(*source, pinned.with("PinnedFrom", "s3://data/d/*"));
}

/// What goes elsewhere need not be held by the requester too.
#[test]
fn a_publisher_is_in_the_context() {
    let context = |publisher: Value| {
        let task = json!({"Publisher": publisher});
        let job = draft(docker(json!({"Image": "x"}), task)).unwrap().preview(job_id(1)).unwrap();
        (job.context.publisher, job.context.durability)
    };
    let (publisher, durability) = context(json!({"Type": "local"}));
    assert_eq!((publisher, durability), (PublisherSpec::Local, Durability::Producer));
    let s3 = json!({"Type": "s3", "Params": {"Bucket": "b", "Key": "k"}});
    assert!(context(s3).0.is_external());
    assert_eq!(context(json!({"Type": ""})), (PublisherSpec::Ipfs, Durability::Keeper));
}

/// A module is a file at its target, and not a file in it.
#[test]
fn a_module_from_a_url_stays_at_its_target() {
    let source = json!({"Type": "urlDownload", "Params": {"URL": "https://example.org/m.wasm"}});
    let input = json!({"Source": source, "Target": "/m.wasm"});
    let document = wasm(json!({"EntryModule": "/m.wasm"}), json!({"InputSources": [input]}));
    let had = Had { cid: cid("m"), name: Some("m.wasm".to_owned()) };
    let job = draft(document).unwrap().finish(job_id(1), &[(0, had)].into()).unwrap();
    let (_, task) = job.task().unwrap();
    assert_eq!(task.code, Code::Wasm { module: cid("m"), entry: "_start".into() });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let source = |kind: &str, params: Value| {
        docker(
            json!({"Image": "x"}),
            json!({"InputSources": [{"Source": {"Type": kind, "Params": params}, "Target": "/a"}]}),
        )
    };
    let cases = [
        (job_of(json!({"Type": "vroom"}), json!({})), "invalid engine: unknown engine \"vroom\""),
        (docker(json!({}), json!({})), "invalid docker engine param: 'Image' cannot be empty"),
        (docker(json!({"Image": "a b"}), json!({})), "'Image' (\"a b\") is no image reference"),
        (docker(json!({"Image": "--privileged"}), json!({})), "is no image reference"),
        (docker(json!({"Image": 5}), json!({})), "'Image' must be text"),
        (
            docker(json!({"Image": "x", "Parameters": "sh"}), json!({})),
            "'Parameters' must be a list of texts",
        ),
        (
            docker(json!({"Image": "x", "Parameters": ["a\u{0}"]}), json!({})),
            "'Parameters' cannot contain null characters",
        ),
        (
            docker(json!({"Image": "x", "WorkingDirectory": "w"}), json!({})),
            "'WorkingDirectory' (\"w\") must contain absolute path",
        ),
        (
            docker(json!({"Image": "x", "EnvironmentVariables": ["A"]}), json!({})),
            "environment variable 'A' is not NAME=VALUE",
        ),
        (
            docker(json!({"Image": "x", "EnvironmentVariables": ["BACALHAU_A=1"]}), json!({})),
            "cannot start with BACALHAU_",
        ),
        (wasm(json!({}), json!({})), "'EntryModule' cannot be empty"),
        (wasm(json!({"EntryModule": "/x"}), json!({})), "is not the target of an input source"),
        (wasm(json!({"EntryModule": "ipfs://x"}), json!({})), "'x' is no CID"),
        (wasm(json!({"EntryModule": {"Source": 1}}), json!({})), "a module source"),
        (source("ipfs", json!({})), "missing 'CID'"),
        (source("urlDownload", json!({})), "missing 'URL'"),
        (source("urlDownload", json!({"URL": "what"})), "'what' is no URL"),
        (source("urlDownload", json!({"URL": "ftp://x/y"})), "neither an http nor an https URL"),
        (source("urlDownload", json!({"URL": "http://x/y#sha256=abc"})), "'abc' is no SHA-256"),
        (source("local", json!({"SourcePath": "srv/x"})), "'srv/x' is no absolute path"),
        (source("s3", json!({"Key": "x"})), "missing 'Bucket'"),
        (
            source("s3", json!({"Bucket": "data", "Key": "x", "Version": "1"})),
            "'Version' is not known",
        ),
        (source("s3", json!({"Bucket": "data", "Key": "x", "Filter": "y"})), "goes with a prefix"),
        (source("local", json!({"SourcePath": "/srv/../x"})), "must not contain .."),
        (source("ipfs", json!({"CID": "Qmnonsense"})), "'Qmnonsense' is no CID"),
        (source("inline", json!({"URL": "http://x"})), "its URL is no data: URL"),
    ];
    for (document, what) in cases {
        let error = draft(document).unwrap_err();
        assert_eq!(error.code, ErrorCode::ValidationError, "{what}: {error}");
        let start = error.message.starts_with("task main validation failed: ");
        assert!(start && error.message.contains(what), "{what}: {error}");
    }
    assert_eq!(Draft::new(None, options()).unwrap_err().message, "empty/nil job");
}

#[test]
fn the_servers_facts_are_in_the_document_and_do_not_make_it_another() {
    let document = docker(json!({"Image": "x"}), json!({}));
    let with_client = DraftOptions { instance_id: "i-1".into(), ..options() };
    let parsed = || Some(serde_json::from_value(document.clone()).unwrap());
    let a = Draft::new(parsed(), options()).unwrap().preview(job_id(1)).unwrap();
    let b = Draft::new(parsed(), with_client).unwrap().preview(job_id(2)).unwrap();
    assert!(a.document.contains("\"bacalhau.org/requester.id\":\"n-"));
    assert!(b.document.contains("\"bacalhau.org/client.instance.id\":\"i-1\""));
    assert_ne!(a.document, b.document);
    assert!(crate::convert::same_document(&a.document, &b.document));
}

#[test]
fn a_nonce_makes_another_task_and_a_fresh_job_the_same_one() {
    let params = json!({"EntryModule": format!("ipfs://{}", cid("module"))});
    let job = |text: &str| {
        let mut document = wasm(params.clone(), json!({}));
        document["Verification"] = json!("quorum=2/2");
        let more: Value = serde_json::from_str(text).unwrap();
        document["Fresh"] = more["Fresh"].clone();
        document["Tasks"][0]["Nonce"] = json!(more["Nonce"].as_str().unwrap_or_default());
        let read = crate::json_in::job_document(document).unwrap();
        assert!(read.unknown_keys.is_empty(), "{:?}", read.unknown_keys);
        built(read.job)
    };
    let task = |job: &Job| job.task().unwrap().1.cid().unwrap();
    let (plain, fresh) = (job("{}"), job(r#"{"Fresh": true}"#));
    assert_eq!((plain.context.fresh, fresh.context.fresh), (false, true));
    assert_eq!(task(&plain), task(&fresh));
    let (one, other) = (job(r#"{"Nonce": "1"}"#), job(r#"{"Nonce": "2"}"#));
    assert!(task(&plain) != task(&one) && task(&one) != task(&other));
    assert_eq!(task(&one), task(&job(r#"{"Nonce": "1"}"#)));
}
