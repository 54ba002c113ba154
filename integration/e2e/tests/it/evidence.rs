//! What a node that lied has signed: where it is looked for, and who cannot be accused.

use std::fs;
use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt};
use gadus_data::{ContentConfig, EmbeddedContent};
use gadus_e2e::cli::{command_alone, run};
use gadus_e2e::{HELLO, Network, Output};
use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::{Bundle, DAG_CBOR, Evidence, Proof, Reveal, codec};
use gadus_ports::{BoxRead, CarPart, Content};
use serde_json::Value;

const FORGED: i32 = 2;
const REFUSED: i32 = 123;

/// With nothing but the program: no node, no data directory, and, for root, no network.
fn verify(car: &Path, flags: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    run(command_alone(home.path()).arg("verify").args(flags).arg(car))
}

/// Evidence, made of a job's own receipts, against a node whose answer was the accepted one.
async fn against_an_honest_node(receipts: &Path, dir: &Path) -> PathBuf {
    let content = EmbeddedContent::open(dir.join("store"), ContentConfig::default()).unwrap();
    let car: BoxRead = Box::pin(tokio::fs::File::open(receipts).await.unwrap());
    let root = content.import_car(car).await.unwrap().roots[0];
    let block = async |cid| content.block(&cid, None).await.unwrap().unwrap();
    let bundle: Bundle = codec::decode_canonical(&block(root).await).unwrap();
    let answer = &bundle.answers[0];
    let cid = answer.verdict.unwrap();
    let proof: Proof = codec::decode_canonical(&block(cid).await).unwrap();
    let reveal: Reveal = codec::decode_canonical(&proof.reveals[0]).unwrap();
    let evidence = Evidence {
        v: BUNDLE_VERSION,
        job: bundle.job,
        version: bundle.version,
        accused: reveal.receipt.body.node,
        task: answer.task,
        receipt: codec::encode(&reveal.receipt).unwrap().into(),
        proof: cid,
    };
    let block = codec::encode(&evidence).unwrap();
    let root = codec::cid_of(DAG_CBOR, &block);
    content.put(vec![(root, block.into())]).await.unwrap();
    let car = content.export_car(root, "", CarPart::default(), None).await.unwrap();
    let parts: Vec<_> = car.boxed().try_collect().await.unwrap();
    let path = dir.join("evidence.car");
    fs::write(&path, parts.concat()).unwrap();
    path
}

#[test]
fn where_nobody_lied_there_is_none_and_none_can_be_made() {
    let network = Network::start(3);
    let dir = tempfile::tempdir().unwrap();
    let module = dir.path().join("hello.wat");
    fs::write(&module, HELLO).unwrap();
    let args = ["wasm", "run", "--verify", "quorum=2/2", "--output", "json"];
    let job = network.gadus(&[&args[..], &[module.to_str().unwrap()]].concat()).json();
    let id = job["Job"]["ID"].as_str().unwrap();

    let listed = network.gadus(&["evidence", "ls", "--output", "json"]).json();
    assert_eq!(listed, Value::Array(Vec::new()));
    let trust = network.gadus(&["node", "trust"]);
    assert!(trust.code == 0 && !trust.stderr.contains("evidence"), "{trust:?}");
    let out = dir.path().join("none.car");
    let none = network.gadus(&["evidence", "export", id, "-o", out.to_str().unwrap()]);
    assert_eq!(none.code, REFUSED, "{none:?}");
    assert!(none.stderr.contains("gadus evidence ls") && !out.exists(), "{none:?}");
    let nobody = network.gadus(&["evidence", "ls", "--node", "n-nobody"]);
    assert_eq!(nobody.code, REFUSED, "{nobody:?}");

    let receipts = dir.path().join("job.car");
    network.gadus(&["receipt", "get", id, "-o", receipts.to_str().unwrap()]).ok();
    // A node is banned, and forgiven, by its id as it is printed.
    let mut words = trust.stdout.split_whitespace().map(|word| word.trim_matches(['(', ')']));
    let shown = words.find(|word| word.starts_with("n-")).unwrap();
    let banned = network.gadus(&["node", "trust", "--ban", shown]).ok();
    assert!(banned.contains("banned"), "{banned}");
    let forgiven = network.gadus(&["node", "trust", "--forgive", shown]).ok();
    assert!(!forgiven.contains("banned"), "{forgiven}");
    drop(network);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let made_up = runtime.block_on(against_an_honest_node(&receipts, dir.path()));
    for flags in [&[][..], &["--replay"]] {
        let told = verify(&made_up, flags);
        assert_eq!(told.code, FORGED, "{told:?}");
        assert!(told.stderr.contains("the answer that was found right"), "{told:?}");
    }
}
