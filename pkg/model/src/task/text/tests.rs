use std::collections::BTreeMap;

use cid::Cid;
use serde_json::{Value, json};

use super::*;
use crate::codec::{RAW, cid_of};
use crate::task::{Await, AwaitBranch, Code, Det, Image, Input, Partition, TASK_VERSION};

fn link(of: &str) -> Cid {
    cid_of(RAW, of.as_bytes())
}

/// In the older form, which has no codec.
fn older(of: &str) -> String {
    Cid::new_v0(*link(of).hash()).unwrap().to_string()
}

fn function() -> Task {
    let det = Det { profile: "det/1".to_owned(), fuel_max: Some(u64::MAX), ..Det::default() };
    Task {
        v: TASK_VERSION,
        code: Code::Wasm { module: link("module"), entry: "_start".to_owned() },
        args: vec!["--width".to_owned(), "3".to_owned(), "\u{1F40B} \"quoted\"".to_owned()],
        env: BTreeMap::from([("LANG".to_owned(), "C".to_owned())]),
        inputs: BTreeMap::from([
            ("/in/a".to_owned(), Input::Cid(link("a"))),
            ("/in/b".to_owned(), Input::Cid(link("b"))),
        ]),
        outputs: BTreeMap::from([("out".to_owned(), "/outputs".to_owned())]),
        partition: Partition { index: 1, count: 4 },
        nonce: vec![0xca, 0xfe],
        det: Some(det),
    }
}

fn container() -> Task {
    let image = Image::Digest(format!("sha256:{}", "ab".repeat(32)));
    let code = Code::Docker { image, entrypoint: None, workdir: Some("/work".to_owned()) };
    Task { code, det: None, inputs: BTreeMap::new(), nonce: Vec::new(), ..function() }
}

fn value(task: &Task) -> Value {
    serde_json::from_str(&task.to_text().unwrap()).unwrap()
}

/// What a text is refused for: the words, and what to do.
fn told(text: &str) -> String {
    let error = Task::from_text(text.as_bytes()).unwrap_err();
    format!("{error}\n  hint: {}", error.hint())
}

#[test]
fn texts_are_what_they_were() {
    let all = [function(), container()].map(|task| {
        let (cid, text) = (task.cid().unwrap(), task.to_text().unwrap());
        format!("{cid}\n{text}")
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_text_gives_its_task_back_whatever_its_blanks_and_order() {
    for task in [function(), container()] {
        let text = task.to_text().unwrap();
        assert_eq!(Task::from_text(text.as_bytes()).unwrap(), task);
        assert_eq!(Task::from_block(&task.to_block().unwrap()).unwrap(), task);
        let mut turned = serde_json::Map::new();
        for (name, field) in value(&task).as_object().unwrap().iter().rev() {
            turned.insert(name.clone(), field.clone());
        }
        let turned = serde_json::to_string(&turned).unwrap();
        assert_eq!(Task::from_text(turned.as_bytes()).unwrap().cid().unwrap(), task.cid().unwrap());
    }
}

#[test]
fn what_is_no_task_is_refused_by_the_field() {
    let with = |path: &str, given: Value| {
        let mut task = value(&function());
        *task.pointer_mut(path).unwrap() = given;
        told(&task.to_string())
    };
    let without = |name: &str| {
        let mut task = value(&function());
        task.as_object_mut().unwrap().remove(name);
        told(&task.to_string())
    };
    let more = |name: &str| {
        let mut task = value(&function());
        task.as_object_mut().unwrap().insert(name.to_owned(), json!(1));
        told(&task.to_string())
    };
    let raw = |number: &str| {
        let text = function().to_text().unwrap();
        told(&text.replace(&u64::MAX.to_string(), number))
    };
    let awaits = json!({"task": {"/": link("t").to_string()}, "branch": "ok", "selector": ""});
    let reference = json!({"docker": {"image": {"reference": "busybox"}, "entrypoint": null,
        "workdir": null}});
    let twice = function().to_text().unwrap().replace("\"/in/b\"", "\"/in/a\"");
    let lines = [
        with("/inputs/~1in~1a", json!("https://example.org/data.csv")),
        with("/inputs/~1in~1a", json!({"/": link("a").to_string()})),
        with("/inputs/~1in~1a/cid", json!("s3://bucket/key")),
        with("/inputs/~1in~1a/cid", json!({"/": "https://example.org/data.csv"})),
        with("/inputs/~1in~1a/cid", json!(format!("ipfs://{}", link("a")))),
        with("/inputs/~1in~1a/cid", json!(format!("ipfs://{}/b", link("a")))),
        with("/inputs/~1in~1a/cid", json!("data.csv")),
        with("/inputs/~1in~1a/cid", json!({"/": link("a").to_string(), "x": 1})),
        with("/inputs/~1in~1a/cid", json!({"/": older("a")})),
        with("/inputs/~1in~1a/cid", json!({"/": format!("https://x/ipfs/{}", link("a"))})),
        with("/nonce", json!({"/": {"bytes": "", "x": 1}})),
        with("/nonce", json!("yv4")),
        with("/inputs/~1in~1a", json!({"await": awaits})),
        with("/code/wasm/module", json!("hello.wasm")),
        with("/code", reference),
        with("/v", json!(2)),
        with("/v", json!("1")),
        more("timeout"),
        with("/det/fuel_max", json!({"seconds": 1})),
        raw("18446744073709551616"),
        raw("1.5"),
        raw("1e3"),
        raw("-1"),
        without("args"),
        without("v"),
        with("/args", json!("--width 3")),
        with("/args/0", json!("a\0b")),
        with("/outputs/out", json!("outputs/")),
        with("/det/profile", json!("det/2")),
        with("/det/memory_max_bytes", json!(0)),
        with("/det/memory_max_bytes", json!(1u64 << 62)),
        with("/det", json!(null)),
        with("/partition/index", json!(4)),
        told(&twice),
        told("[]"),
        told("{"),
        told(&format!("\"{}\"", " ".repeat(TASK_BYTES_MAX))),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_cannot_be_named_has_no_text() {
    let awaited = Await { task: link("t"), branch: AwaitBranch::Ok, selector: String::new() };
    let inputs = BTreeMap::from([("/in".to_owned(), Input::Await(awaited))]);
    let slash = BTreeMap::from([("/".to_owned(), link("x").to_string())]);
    for task in [
        Task { inputs, ..function() },
        // In DAG-JSON this would be a link.
        Task { env: slash, ..function() },
        Task { det: None, ..function() },
    ] {
        assert!(task.to_text().is_err() && task.to_block().is_err(), "{task:?}");
        let block = codec::encode(&task).unwrap();
        assert!(Task::from_block(&block).is_err(), "{task:?}");
    }
}
