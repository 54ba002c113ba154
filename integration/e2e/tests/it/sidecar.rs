//! A daemon beside the nodes that speaks Kubo's RPC: inputs come through it from its network, results
//! go to it, and without it all goes on.
//!
//! boxo's stand-in serves the calls that are used. `KUBO_BIN=/path/to/ipfs` has the same done beside
//! a real Kubo.

mod daemons;

use std::time::Duration;

use gadus_data::upstream::Kubo;
use gadus_data::{ContentConfig, EmbeddedContent, raw_cid};
use gadus_e2e::{Network, Process, Role, program};
use gadus_model::Cid;
use gadus_ports::{CarPart, Content as _, Layout, Profile};

use self::daemons::{Daemons, Whose, call};

/// Generous, since machines are shared.
const GIVEN_MAX: Duration = Duration::from_secs(60);

#[test]
fn inputs_come_through_it_and_results_go_to_it() {
    inputs_and_results(Whose::Boxo);
}

#[test]
fn inputs_come_through_a_real_kubo_and_results_go_to_it() {
    inputs_and_results(Whose::Kubo);
}

#[test]
fn results_wait_for_one_that_is_away() {
    away_and_back(Whose::Boxo);
}

#[test]
fn results_wait_for_a_real_kubo_that_is_away() {
    away_and_back(Whose::Kubo);
}

#[test]
fn what_nobody_has_is_given_up() {
    nobody_has(Whose::Boxo);
}

#[test]
fn what_nobody_has_is_given_up_beside_a_real_kubo() {
    nobody_has(Whose::Kubo);
}

/// Runs nodes with a daemon beside them.
fn beside(daemons: &Daemons) -> Network {
    Network::start_with(1, |mut process| {
        process.set_env("GADUS_CONTENT_IPFS", &daemons.near);
        process
    })
}

/// Runs a job: what it printed, and its result.
fn run(network: &Network, step: &[&str]) -> (String, Cid) {
    let steps = program("steps");
    let args = [&["wasm", "run", "--verify", "attest", &steps], step].concat();
    let ran = network.gadus(&args);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let result = ran.stderr.rsplit("result: ").next().unwrap().trim().to_owned();
    (ran.stdout, result.parse().unwrap())
}

/// Whether a daemon keeps a tree, whole.
fn is_pinned(daemon: &str, root: &Cid) -> bool {
    let (status, body) = call(daemon, &format!("pin/ls?arg={root}&type=recursive"));
    status == 200 && String::from_utf8_lossy(&body).contains("\"recursive\"")
}

/// Has a daemon keep a tree of many blocks, with a file of several in it, under old CIDs: its root,
/// and the end of that file.
fn plant(daemon: &str) -> (Cid, &'static str) {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    std::fs::create_dir_all(tree.join("sub")).unwrap();
    let end = "and so it ends\n";
    let text = "from afar ".repeat(60_000) + end;
    std::fs::write(tree.join("sub/large"), text).unwrap();
    for nth in 0..40 {
        std::fs::write(tree.join(format!("small-{nth}")), nth.to_string()).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = dir.path().join("store");
        let content = EmbeddedContent::open(store, ContentConfig::default()).unwrap();
        let layout = Layout { profile: Profile::V0, keep_modes: false };
        let root = content.import_path(tree, layout).await.unwrap().root;
        let car = content.export_car(root, "", CarPart::default(), None).await.unwrap();
        Kubo::new(daemon, GIVEN_MAX).unwrap().import(&root, car).await.unwrap();
        (root, end)
    })
}

fn inputs_and_results(whose: Whose) {
    let Some(daemons) = Daemons::start(whose) else { return };
    let (root, end) = plant(&daemons.far);
    assert!(is_pinned(&daemons.far, &root) && !is_pinned(&daemons.near, &root));
    let network = beside(&daemons);
    let input = format!("ipfs://{root}:/in");
    let (stdout, result) = run(&network, &["cat", "/in/sub/large", "-i", &input]);
    assert!(stdout.ends_with(end) && stdout.len() > 600_000, "{} bytes", stdout.len());
    let is_given = || is_pinned(&daemons.near, &result);
    network.until(GIVEN_MAX, "the result to be given to the daemon", is_given);
    // From there it goes to whoever asks its network.
    let (status, block) = call(&daemons.far, &format!("block/get?arg={result}"));
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&block));
    assert_eq!(gadus_data::dag_pb_cid(&block), result);
}

/// It looks for a block without an end.
fn nobody_has(whose: Whose) {
    let Some(daemons) = Daemons::start(whose) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut node = Process::new(dir.path(), "impatient", Role::Requester);
    node.set_env("GADUS_CONTENT_IPFS", &daemons.near);
    node.set_env("GADUS_CONTENT_UPSTREAM_WAIT_MS", "200");
    node.start();
    let nowhere = raw_cid(b"nowhere").to_string();
    let missing = node.gadus(&["cat", &nowhere]);
    let is_told = missing.stderr.contains(&format!("nobody has block {nowhere}"));
    assert!(missing.code != 0 && is_told, "{missing:#?}");
}

fn away_and_back(whose: Whose) {
    let Some(mut daemons) = Daemons::start(whose) else { return };
    let mut network = beside(&daemons);
    daemons.stop_near();
    let (stdout, result) = run(&network, &["print", "alone"]);
    assert_eq!(stdout, "alone\n");
    let is_told = || network.requester.log().contains("Kubo did not take a result yet");
    network.until(GIVEN_MAX, "the log to tell that it is away", is_told);
    // What waits is not forgotten by a node that breaks down.
    network.requester.kill();
    network.requester.start();
    daemons.start_near();
    let is_given = || is_pinned(&daemons.near, &result);
    network.until(GIVEN_MAX, "the result to be given at last", is_given);
}
