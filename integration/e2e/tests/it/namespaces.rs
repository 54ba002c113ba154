//! Nodes that cannot all reach each other, or do not know of each other: in network namespaces of
//! their own, so that it is the kernel that keeps them apart. Needs root.

mod wires;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use gadus_e2e::{Process, Role, program};
use serde_json::Value;

use self::wires::Wires;

/// Generous, since machines are shared.
const WAIT_MAX: Duration = Duration::from_secs(60);

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < WAIT_MAX, "waited {WAIT_MAX:?} for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Waits until a requester knows as many compute nodes, and gives all that it says of nodes.
fn until_known(requester: &Process, computes: usize) {
    until("the nodes to find each other", || {
        let nodes = requester.gadus(&["node", "list", "--output", "json"]);
        let list: Value = serde_json::from_str(&nodes.stdout).unwrap_or_default();
        let ready = |node: &&Value| {
            node["Connection"] == "CONNECTED"
                && !node["Info"]["ComputeNodeInfo"]["ExecutionEngines"][0].is_null()
        };
        list.as_array().is_some_and(|all| all.iter().filter(ready).count() >= computes)
    });
}

/// A node's address for those who see it as `ip`.
fn seen_as(node: &Process, ip: &str) -> String {
    node.peer.replacen("127.0.0.1", ip, 1)
}

/// Whether a connection can be made from a namespace; it is refused at once where it cannot.
fn reaches(netns: &str, ip: &str, port: &str) -> bool {
    let connect = format!("exec 3<>/dev/tcp/{ip}/{port}");
    let tried = Command::new("ip").args(["netns", "exec", netns, "bash", "-c", &connect]).output();
    tried.unwrap().status.success()
}

fn port(node: &Process) -> String {
    node.peer.split('/').nth(4).unwrap().to_owned()
}

/// Counts words on `compute-b`, of an input that only another node has.
fn count_on_b(requester: &Process, cid: &str) -> Value {
    let (module, input) = (program("wordfreq"), format!("ipfs://{cid}:/inputs"));
    let place = ["--constraint", "name=compute-b", "--output", "json", "-o", "outputs:/outputs"];
    let run = ["wasm", "run", &module, "1", "-i", &input];
    let job = requester.gadus(&[&run[..2], &place, &run[2..]].concat()).json();
    let id = job["Job"]["ID"].as_str().unwrap_or_else(|| panic!("{job:#}")).to_owned();
    requester.gadus(&["job", "describe", &id, "--output", "json"]).json()
}

const WORDS: usize = 200_000;

#[test]
fn blocks_go_through_the_requester_where_nodes_cannot_reach_each_other() {
    let Some(wires) = Wires::new(&["r", "a", "b"]) else { return };
    wires.connect("r", "10.77.1.1", "a", "10.77.1.2");
    wires.connect("r", "10.77.2.1", "b", "10.77.2.2");
    wires.let_nobody_in("a");
    wires.let_nobody_in("b");
    let dir = tempfile::tempdir().unwrap();
    let node =
        |name, role, netns| Process::new(dir.path(), name, role).in_netns(&wires.name(netns));
    let mut r = node("requester", Role::Requester, "r");
    r.start();
    let peers = (seen_as(&r, "10.77.1.1"), seen_as(&r, "10.77.2.1"));
    let mut a = node("compute-a", Role::Compute, "a").arg("--peer").arg(peers.0);
    let mut b = node("compute-b", Role::Compute, "b").arg("--peer").arg(peers.1);
    a.start();
    b.start();
    until_known(&r, 2);
    assert!(reaches(&wires.name("b"), "10.77.2.1", &port(&r)), "the way out is open");
    assert!(!reaches(&wires.name("b"), "10.77.1.2", &port(&a)), "no way from b to a");
    assert!(!reaches(&wires.name("r"), "10.77.1.2", &port(&a)), "nor in to a at all");
    assert!(!reaches(&wires.name("r"), "10.77.2.2", &port(&b)), "nor in to b");

    let file = dir.path().join("words.txt");
    let text: String = (0..WORDS).map(|n| format!("cod{} ", letters(n))).collect();
    fs::write(&file, &text).unwrap();
    let cid = a.gadus(&["add", file.to_str().unwrap()]).ok().trim().to_owned();
    let job = count_on_b(&r, &cid);
    assert_eq!(job["Job"]["State"]["StateType"], "Completed", "{job:#}");
    let execution = &job["Executions"]["Items"][0];
    let stdout = execution["RunOutput"]["Stdout"].as_str().unwrap();
    assert!(stdout.contains(&WORDS.to_string()), "it counted them all: {stdout}");
    let fetched = execution["Gadus"]["Receipt"]["Usage"]["FetchedBytes"].as_u64().unwrap();
    assert!(fetched as usize >= text.len(), "{fetched} of {} bytes", text.len());
}

/// A number, spelt so that no two are alike.
fn letters(n: usize) -> String {
    n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[test]
fn nodes_of_one_wire_find_each_other_by_themselves() {
    let Some(wires) = Wires::new(&["m", "n"]) else { return };
    wires.connect("m", "10.77.3.1", "n", "10.77.3.2");
    let dir = tempfile::tempdir().unwrap();
    let node = |name, role, netns| {
        let mut node = Process::new(dir.path(), name, role).in_netns(&wires.name(netns));
        node.set_env("GADUS_NETWORK_MDNS", "true");
        node.start();
        node
    };
    let r = node("requester", Role::Requester, "m");
    let _b = node("compute-b", Role::Compute, "n");
    until_known(&r, 1);
    let file = dir.path().join("words.txt");
    fs::write(&file, "cod cod herring").unwrap();
    let cid = r.gadus(&["add", file.to_str().unwrap()]).ok().trim().to_owned();
    let job = count_on_b(&r, &cid);
    assert_eq!(job["Job"]["State"]["StateType"], "Completed", "{job:#}");
}
