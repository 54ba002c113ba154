//! A program that nobody wrote for us, with a runtime of its own: Lua, on Go. Whatever differs from
//! machine to machine, its answer does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use gadus_e2e::cli::{command_alone, run};
use gadus_e2e::{Network, go, root};
use serde_json::Value;

/// The interpreter, as a Wasm module; `None` where there is no Go to build it with.
fn lua() -> Option<&'static Path> {
    static LUA: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let go = go::go("Lua on Go, as a Wasm module")?;
        let module = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lua.wasm");
        let target = [("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOFLAGS", "-ldflags=-s")];
        go::build(go, &sources(), &module, &target);
        Some(module)
    });
    LUA.as_deref()
}

fn sources() -> PathBuf {
    root().join("integration/e2e/programs/lua")
}

#[test]
fn a_script_comes_to_the_same_wherever_it_runs() {
    let Some(lua) = lua() else { return };
    let network = Network::start(3);
    let dir = tempfile::tempdir().unwrap();
    let (text, script) = (dir.path().join("text.txt"), sources().join("words.lua"));
    fs::write(&text, "the quick brown fox\njumps over the lazy dog\nand the cat\n").unwrap();
    let inputs =
        [format!("{}:/words.lua", script.display()), format!("{}:/in/text.txt", text.display())];
    let [script, text] = &inputs;
    let words = ["wasm", "run", "--verify", "quorum=3/3", "--output", "json"];
    let flags =
        ["-i", script, "-i", text, "-o", "outputs:/outputs", lua.to_str().unwrap(), "/words.lua"];
    let job = network.gadus(&[&words[..], &flags].concat()).json();
    let verdict = &job["Job"]["Verdicts"][0];
    assert_eq!(verdict["Decision"], "verified", "{job}");
    let agreeing = verdict["Votes"].as_array().unwrap().iter().filter(|v| v["Stand"] == "agrees");
    assert_eq!(agreeing.count(), 3, "{verdict}");

    let id = job["Job"]["ID"].as_str().unwrap();
    let printed = network.gadus(&["job", "logs", id]).stdout;
    assert!(printed.starts_with("the\t3\t0\t"), "no time goes by: {printed}");
    let got = dir.path().join("got");
    network.gadus(&["job", "get", id, "-o", got.to_str().unwrap()]).ok();
    let counted = fs::read_to_string(got.join("outputs/words.txt")).unwrap();
    assert!(counted.starts_with("3 the\n1 and\n1 brown\n"), "{counted}");

    // Here, in a process of its own with no network, it is the same again.
    let car = dir.path().join("job.car");
    network.gadus(&["receipt", "get", id, "-o", car.to_str().unwrap()]).ok();
    drop(network);
    let checked =
        run(command_alone(dir.path()).args(["verify", "--replay", "--output", "json"]).arg(&car));
    assert_eq!(checked.code, 0, "{checked:?}");
    let checked: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(checked["Answers"][0]["ManifestCID"], verdict["ManifestCID"], "{checked}");
}
