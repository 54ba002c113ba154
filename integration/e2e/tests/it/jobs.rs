//! Jobs from the command line, on a requester and two compute nodes.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use gadus_e2e::{Network, Output, Shared, program};
use serde_json::Value;

static NETWORK: Shared<Network> = Shared::new();

/// Generous, since machines are shared.
const WAIT_MAX: Duration = Duration::from_secs(60);

fn network() -> Arc<Network> {
    NETWORK.get(|| Network::start(2))
}

/// `gadus wasm run steps.wasm ARGS`.
fn steps(network: &Network, args: &[&str]) -> Output {
    let module = program("steps");
    network.gadus(&[&["wasm", "run", "--verify", "attest", &module], args].concat())
}

/// The id of a job that was submitted and not waited for.
fn submitted(network: &Network, args: &[&str]) -> String {
    let said = steps(network, &[args, &["--id-only"]].concat()).ok();
    let id = said.trim();
    assert!(id.starts_with("j-") && id.len() == 38, "the id and nothing else: {said:?}");
    id.to_owned()
}

fn described(network: &Network, id: &str) -> Value {
    network.gadus(&["job", "describe", id, "--output", "json"]).json()
}

fn until_state(network: &Network, id: &str, state: &str) {
    network.until(WAIT_MAX, state, || described(network, id)["Job"]["State"]["StateType"] == state);
}

fn executions(job: &Value) -> &[Value] {
    job["Executions"]["Items"].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn a_real_program_counts_words_next_to_its_data() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    fs::create_dir_all(input.join("deep/er")).unwrap();
    fs::write(input.join("one.txt"), "the cod and the cod\n").unwrap();
    fs::write(input.join("deep/er/two.txt"), "the herring").unwrap();
    let input = input.to_str().unwrap();

    let cid = network.gadus(&["add", input]).ok().trim().to_owned();
    let by_cid = format!("ipfs://{cid}:/inputs");
    let module = program("wordfreq");
    let run = |source: &str| {
        let run = ["wasm", "run", "--verify", "attest", &module, "2"];
        let args = [&run[..], &["-i", source, "-o", "outputs:/outputs"]].concat();
        network.gadus(&args)
    };
    let first = run(&by_cid);
    assert_eq!(first.code, 0, "{first:#?}");
    assert!(first.stdout.starts_with("2 files, 31 bytes, 7 words, 4 distinct\n"), "{first:#?}");
    let result = first.stderr.rsplit("result: ").next().unwrap().trim();

    let counts = network.gadus(&["cat", &format!("{result}/outputs/counts.txt")]).ok();
    assert_eq!(counts, "3 the\n2 cod\n");
    let listed = network.gadus(&["ls", result]).ok();
    for name in ["exitCode", "outputs", "stderr", "stdout"] {
        assert!(listed.contains(name), "{name} is in {listed}");
    }

    // The same work is the same result, wherever its input comes from.
    let second = run(&format!("{input}:/inputs"));
    assert!(second.stderr.contains(&format!("as {cid}")), "{second:#?}");
    assert!(second.stderr.contains(&format!("result: {result}")), "{second:#?}");
}

#[test]
fn a_job_ends_the_command_as_it_ended_itself() {
    let network = network();
    let said =
        steps(&network, &["print", "a", "warn", "b", "env", "FOO", "exit", "3", "-e", "FOO=bar"]);
    assert_eq!((said.code, said.stdout.as_str()), (3, "a\nbar\n"), "{said:#?}");
    assert!(said.stderr.contains("\nb\n"), "the job's stderr: {said:#?}");
    assert!(said.stderr.contains("exit code: 3"), "{said:#?}");
    // 256 must not turn into success.
    assert_eq!(steps(&network, &["exit", "256"]).code, 255);
}

#[test]
fn input_files_stand_where_they_are_wanted_and_cannot_be_written() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("local.txt");
    fs::write(&file, "bytes").unwrap();
    let source = format!("{}:/in.txt", file.display());
    assert_eq!(steps(&network, &["cat", "/in.txt", "-i", &source]).ok(), "bytes");
    let said = steps(&network, &["write", "/in.txt", "other", "-i", &source]);
    assert_eq!(said.code, 70, "{said:#?}");
}

#[test]
fn a_job_can_be_left_alone_and_found_again() {
    let network = network();
    let id = submitted(&network, &["print", "later", "--label", "test=found"]);
    assert_eq!(network.gadus(&["job", "logs", &id, "--follow"]).ok(), "later\n");
    until_state(&network, &id, "Completed");

    let detached = steps(&network, &["print", "x", "--detach"]);
    assert_eq!(detached.code, 0);
    let other = detached.stdout.trim();
    assert!(detached.stderr.contains(&format!("gadus job logs --follow {other}")), "{detached:#?}");
    until_state(&network, other, "Completed");

    // A prefix that only one job has, and the name, are as good as the id.
    let prefix = &id[..14];
    assert_eq!(described(&network, prefix)["Job"]["ID"], id.as_str());
    assert_eq!(network.gadus(&["job", "logs", prefix]).ok(), "later\n");
    let named =
        network.gadus(&["job", "list", "--labels", "test=found", "--output", "json"]).json();
    assert_eq!(named.as_array().map(Vec::len), Some(1), "{named}");
    assert_eq!(named[0]["ID"], id.as_str());
    let several = network.gadus(&["job", "describe", "j-"]);
    assert_eq!(several.code, 123, "{several:#?}");

    let newest = network.gadus(&["job", "list", "--limit", "1", "--quiet"]).ok();
    assert_eq!(newest.lines().count(), 1, "{newest}");
}

#[test]
fn answers_for_programs_are_the_apis_own_objects() {
    let network = network();
    let job = steps(&network, &["print", "x", "--output", "json"]).json();
    assert_eq!(job["Job"]["State"]["StateType"], "Completed");
    let execution = &executions(&job)[0];
    assert_eq!(execution["RunOutput"]["Stdout"], "x\n");
    assert_eq!(execution["ComputeState"]["StateType"], 9);
    let yaml = steps(&network, &["print", "x", "--output", "yaml"]).ok();
    assert!(yaml.contains("StateType: Completed"), "{yaml}");
}

#[test]
fn a_job_tells_who_bid_who_won_and_what_happened() {
    let network = network();
    let id = submitted(&network, &["-o", "out:/out", "write", "/out/f", "text"]);
    until_state(&network, &id, "Completed");

    let job = described(&network, &id);
    let plan = &executions(&job)[0]["Gadus"]["Plan"];
    let ranked = plan["Ranked"].as_array().unwrap();
    assert_eq!(ranked.len(), 2, "both nodes would take it: {plan}");
    assert_eq!(executions(&job).len(), 1, "and one was used");

    let table = network.gadus(&["job", "describe", &id]).ok();
    for part in ["Bids", "Where the time went", "Result", "Executions", "History"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    let history = network.gadus(&["job", "history", &id]).ok();
    for event in ["Job submitted", "Requested execution on n-", "Completed successfully"] {
        assert!(history.contains(event), "{event} in\n{history}");
    }
    let tries = network.gadus(&["job", "executions", &id, "--output", "json"]).json();
    assert_eq!(tries[0]["JobID"], id.as_str());
    let explained = network.gadus(&["job", "explain", &id]).ok();
    assert!(explained.contains("2 of 2 nodes would take it"), "{explained}");

    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("got");
    network.gadus(&["job", "get", &id, "-o", place.to_str().unwrap()]).ok();
    assert_eq!(fs::read_to_string(place.join("out/f")).unwrap(), "text");
    assert_eq!(fs::read_to_string(place.join("exitCode")).unwrap(), "0");
}

#[test]
fn a_stopped_job_gives_its_node_back() {
    let network = network();
    let id = submitted(&network, &["spin"]);
    until_state(&network, &id, "Running");
    let stopped = network.gadus(&["job", "stop", &id, "--reason", "enough"]);
    assert_eq!(stopped.code, 0, "{stopped:#?}");
    let job = described(&network, &id);
    assert_eq!(job["Job"]["State"]["StateType"], "Stopped");
    assert_eq!(job["Job"]["State"]["Message"], "enough");
    network.until(WAIT_MAX, "the execution to be cancelled", || {
        executions(&described(&network, &id))[0]["Gadus"]["State"] == "cancelled"
    });
    let nothing = network.gadus(&["job", "get", &id]);
    assert_eq!(nothing.code, 121, "{nothing:#?}");
}

#[test]
fn time_that_is_up_ends_a_job_and_not_its_node() {
    let network = network();
    let late = steps(&network, &["print", "began", "spin", "--timeout", "1"]);
    assert_eq!(late.code, 121, "{late:#?}");
    assert!(late.stderr.contains("Job timed out. Job took longer than 1 s"), "{late:#?}");

    let given_up = steps(&network, &["spin", "--wait-timeout", "1"]);
    assert_eq!(given_up.code, 124, "{given_up:#?}");
    let id = given_up.stderr.split_whitespace().find(|w| w.starts_with("j-")).unwrap();
    assert_eq!(described(&network, id)["Job"]["State"]["StateType"], "Running");
    network.gadus(&["job", "stop", id]);
    assert_eq!(steps(&network, &["print", "well"]).ok(), "well\n");
}

#[test]
fn partitions_are_told_apart_and_printed_in_their_order() {
    let network = network();
    let args =
        ["--count", "3", "env", "BACALHAU_PARTITION_INDEX", "env", "BACALHAU_PARTITION_COUNT"];
    let said = steps(&network, &args);
    assert_eq!((said.code, said.stdout.as_str()), (0, "0\n3\n1\n3\n2\n3\n"), "{said:#?}");
    let id = said.stderr.split_whitespace().find(|w| w.starts_with("j-")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    network.gadus(&["job", "get", id, "-o", dir.path().to_str().unwrap()]).ok();
    for partition in ["0", "1", "2"] {
        let stdout = fs::read_to_string(dir.path().join(partition).join("stdout")).unwrap();
        assert_eq!(stdout, format!("{partition}\n3\n"));
    }
}

#[test]
fn an_ops_job_runs_once_on_every_node() {
    let network = network();
    let job = steps(&network, &["--target", "all", "print", "here", "--output", "json"]).json();
    let mut nodes: Vec<_> = executions(&job).iter().map(|e| e["NodeID"].to_string()).collect();
    nodes.sort();
    nodes.dedup();
    assert_eq!((nodes.len(), executions(&job).len()), (2, 2), "{nodes:?}");
    assert!(executions(&job).iter().all(|e| e["RunOutput"]["Stdout"] == "here\n"));
}

#[test]
fn a_job_file_runs_and_a_constraint_picks_its_node() {
    let network = network();
    let module = network.gadus(&["add", &program("steps")]).ok();
    let file = network.dir.path().join("job.yaml");
    let job = format!(
        "Name: from-a-file\nType: batch\nConstraints:\n  - {{Key: name, Operator: in, Values: [compute-2]}}\n\
         Tasks:\n  - Name: main\n    Engine:\n      Type: wasm\n      Params:\n        \
         EntryModule: ipfs://{}\n        Parameters: [cat, /in]\n    InputSources:\n      \
         - Source: {{Type: inline, Params: {{URL: 'data:text/plain;base64,Y29k'}}}}\n        \
         Target: /in\n",
        module.trim()
    );
    fs::write(&file, job).unwrap();
    let file = file.to_str().unwrap();
    let explained = network.gadus(&["job", "explain", file]).ok();
    assert!(explained.contains("1 of 2 nodes would take it"), "{explained}");
    assert_eq!(network.gadus(&["job", "run", file]).ok(), "cod");
    let ran = described(&network, "from-a-file");
    let node = network.gadus(&["node", "describe", "compute-2", "--output", "json"]).json();
    assert_eq!(executions(&ran)[0]["NodeID"], node["Info"]["NodeID"]);
}

#[test]
fn nodes_are_listed_and_described() {
    let network = network();
    let list = network.gadus(&["node", "list", "--output", "json"]).json();
    let list = list.as_array().unwrap();
    let of = |name: &str| list.iter().find(|node| node["Info"]["Labels"]["name"] == name).unwrap();
    assert_eq!(of("compute-1")["Info"]["NodeType"], "Compute");
    let id = of("compute-1")["Info"]["NodeID"].as_str().unwrap();
    for reference in [id, &id[..10], "compute-1"] {
        let node = network.gadus(&["node", "describe", reference, "--output", "json"]).json();
        assert_eq!(node["Info"]["NodeID"], id, "by {reference}");
    }
    let table = network.gadus(&["node", "describe", "compute-1"]).ok();
    assert!(table.contains("Capacity") && table.contains("wasm"), "{table}");
    let version = network.gadus(&["version"]).ok();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}
