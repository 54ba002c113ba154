//! Tasks that one person pastes to another: the same work everywhere, and the same answer.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use gadus_e2e::cli::{command, command_alone, run};
use gadus_e2e::{HELLO, Network, Output, Process, Role, Shared, program};
use serde_json::Value;

/// What a task came to, wherever it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Came {
    task: String,
    manifest: String,
    result: String,
    code: i32,
}

/// A network of two compute nodes, and a job that it ran.
struct Place {
    network: Network,
    dir: tempfile::TempDir,
    /// What the job reads.
    input: PathBuf,
    job: String,
    /// The task as a text.
    text: PathBuf,
    /// The task with its module and its input.
    car: PathBuf,
    came: Came,
}

static PLACE: Shared<Place> = Shared::new();
/// What the job does.
const STEPS: [&str; 8] = ["print", "told", "warn", "warned", "cat", "/in/a.txt", "exit", "3"];
const SAID: &str = "told\nthe input\n";

fn place() -> Arc<Place> {
    PLACE.get(|| {
        let network = Network::start(2);
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        fs::create_dir(&input).unwrap();
        fs::write(input.join("a.txt"), "the input\n").unwrap();
        let (module, source) = (program("steps"), format!("{}:/in", input.display()));
        let flags = ["wasm", "run", "--output", "json", "-i", &source, &module];
        let ran = network.gadus(&[&flags, &STEPS[..]].concat());
        let came = came(&network.requester, &ran);
        let job = job_of(&ran);
        let (text, car) = (dir.path().join("task.json"), dir.path().join("task.car"));
        fs::write(&text, network.gadus(&["job", "task", &job]).ok()).unwrap();
        network.gadus(&["export", &came.task, "-o", car.to_str().unwrap()]).ok();
        Place { network, dir, input, job, text, car, came }
    })
}

fn job_of(ran: &Output) -> String {
    let job: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    job["Job"]["ID"].as_str().unwrap().to_owned()
}

/// What a job that printed itself came to, as its receipts say.
fn came(node: &Process, ran: &Output) -> Came {
    let listed = node.json(&["receipt", "list", &job_of(ran)]);
    let text = |name: &str| listed["Items"][0][name].as_str().unwrap().to_owned();
    let (task, manifest, result) = (text("TaskCID"), text("ManifestCID"), text("ResultCID"));
    Came { task, manifest, result, code: ran.code }
}

/// What a task that ran with nothing but the program came to.
fn came_alone(ran: &Output) -> Came {
    let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let (task, manifest, result) = (text("TaskCID"), text("ManifestCID"), text("ResultCID"));
    assert_eq!(told["ExitCode"], ran.code);
    Came { task, manifest, result, code: ran.code }
}

/// `gadus run --local ARGS` with no network, no node and no data directory.
fn alone(args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let output = run(command_alone(home.path()).args(["run", "--local"]).args(args));
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    output
}

/// A command that is given a text on stdin.
fn with_stdin(command: &mut Command, text: &Path) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(text).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_job_names_its_task_and_gives_it_as_a_text() {
    let place = place();
    let network = &place.network;
    let (job, came) = (&place.job, &place.came);
    assert_eq!(network.gadus(&["job", "task", job, "--cid"]).ok(), format!("{}\n", came.task));
    let described = network.gadus(&["job", "describe", job, "--output", "json"]).json();
    assert_eq!(described["Job"]["TaskCID"], came.task.as_str());
    assert_eq!(described["Job"]["Verification"], "quorum=2/2", "two nodes could, so two do");
    assert!(network.gadus(&["job", "describe", job]).ok().contains(&came.task));
    let again = network.gadus(&["job", "task", job]);
    assert_eq!(again.stdout, fs::read_to_string(&place.text).unwrap());
    assert!(again.stderr.contains(&format!("task {}", came.task)), "{again:?}");
    let task: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&task["det"]["profile"], &task["v"]), (&"det/1".into(), &1.into()));

    // The same without submitting anything.
    let jobs = || network.gadus(&["job", "list", "--quiet", "--limit", "0"]).ok();
    let before = jobs();
    let (module, source) = (program("steps"), format!("{}:/in", place.input.display()));
    let flags = ["wasm", "run", "--print-task", "-i", &source, &module];
    let printed = network.gadus(&[&flags, &STEPS[..]].concat());
    assert_eq!((&printed.stdout, jobs()), (&again.stdout, before));
    assert!(printed.stderr.contains(&came.task), "{printed:?}");
    let attested = [&["wasm", "run", "--print-task", "--verify", "attest", &module], &STEPS[..]];
    assert!(network.gadus(&attested.concat()).ok().contains("\"wasi/1\""));
}

#[test]
fn a_text_that_is_pasted_elsewhere_is_the_same_work_with_the_same_answer() {
    let place = place();
    let elsewhere = Network::start(1);
    let text = place.text.to_str().unwrap();
    // What the task names comes some other way: here, it is added from the same files.
    elsewhere.gadus(&["add", &program("steps"), "--quiet"]).ok();
    elsewhere.gadus(&["add", place.input.to_str().unwrap(), "--quiet"]).ok();
    let ran = elsewhere.gadus(&["run", text, "--output", "json"]);
    assert_eq!(came(&elsewhere.requester, &ran), place.came, "{ran:?}");
    assert!(ran.stderr.contains(&format!("task {}\n", place.came.task)), "{ran:?}");
    assert!(ran.stderr.contains("result is one node's word: only 1 node fits"), "{ran:?}");
    let shown = elsewhere.gadus(&["run", text]);
    assert_eq!((shown.code, shown.stdout.as_str()), (3, SAID), "{shown:?}");
    assert!(shown.stderr.contains("warned\n"), "{shown:?}");

    let mut from_stdin = command();
    from_stdin.env("GADUS_API", &elsewhere.requester.api).args(["run", "-", "--output", "json"]);
    let ran = with_stdin(&mut from_stdin, &place.text);
    assert_eq!(came(&elsewhere.requester, &ran), place.came, "{ran:?}");

    // Its CID is the link, and stays one when what nobody keeps is collected.
    elsewhere.gadus(&["store", "gc"]).ok();
    let by_cid = elsewhere.gadus(&["run", &place.came.task, "--output", "json"]);
    assert_eq!(came(&elsewhere.requester, &by_cid), place.came, "{by_cid:?}");
    let pins = elsewhere.gadus(&["store", "pins", "--output", "json"]).json();
    let is_task = |pin: &&Value| pin["Reason"] == "task";
    assert!(pins.as_array().unwrap().iter().filter(is_task).count() >= 3, "{pins}");
}

#[test]
fn a_cid_is_enough_for_another_node_of_the_network() {
    let place = place();
    let mut other = Process::new(place.dir.path(), "other", Role::Both)
        .arg("--peer")
        .arg(place.network.requester.peer.clone());
    other.start();
    let task = format!("ipfs://{}", place.came.task);
    let mut ran = other.gadus(&["run", &task, "--output", "json"]);
    place.network.until(std::time::Duration::from_secs(60), "the task to be found", || {
        if ran.code != 3 {
            ran = other.gadus(&["run", &task, "--output", "json"]);
        }
        ran.code == 3
    });
    assert_eq!(came(&other, &ran), place.came, "{ran:?}");
    let unknown = "bafyreic3z2jw7b3d3g4pcqg5aamqmnkv2gd7p4gkvnmtbzdoqdvlqs5ccm";
    let missing = other.gadus(&["run", unknown]);
    assert!(missing.code == 123 && missing.stderr.contains(unknown), "{missing:?}");
}

#[test]
fn a_task_runs_again_where_it_ran_and_is_checked_as_one_asks() {
    let place = place();
    let text = place.text.to_str().unwrap();
    let checked = place.network.gadus(&["run", text, "--output", "json"]);
    assert_eq!(came(&place.network.requester, &checked), place.came, "{checked:?}");
    assert!(checked.stderr.contains("result is checked by two nodes"), "{checked:?}");
    assert!(checked.stderr.contains("verified: 2 nodes came to the same"), "{checked:?}");
    let flags = ["--fresh", "--verify", "attest", "--name", "by-text", "-l", "of=tasks"];
    let attested = place.network.gadus(&[&["run", text, "--output", "json"], &flags[..]].concat());
    assert_eq!(came(&place.network.requester, &attested), place.came, "{attested:?}");
    assert!(!attested.stderr.contains("verified"), "{attested:?}");
    let job = place.network.gadus(&["job", "describe", "by-text", "--output", "json"]).json();
    assert_eq!(job["Job"]["Labels"]["of"], "tasks");
    let id = place.network.gadus(&["run", text, "--id-only"]);
    assert_eq!((id.code, id.stderr.as_str()), (0, ""), "{id:?}");
    assert!(id.stdout.starts_with("j-"), "{id:?}");
}

#[test]
fn a_task_runs_with_no_network_at_all_to_the_same_answer() {
    let place = place();
    let car = place.car.to_str().unwrap();
    let ran = alone(&[car, "--output", "json"]);
    assert_eq!(came_alone(&ran), place.came, "{ran:?}");

    let out = place.dir.path().join("out");
    let shown = alone(&[car, "-o", out.to_str().unwrap()]);
    assert_eq!((shown.code, shown.stdout.as_str()), (3, SAID), "{shown:?}");
    for line in [
        format!("task {}\n", place.came.task),
        "warned\n".to_owned(),
        format!("manifest {}\n", place.came.manifest),
        format!("result {}\n", place.came.result),
    ] {
        assert!(shown.stderr.contains(&line), "{line}: {shown:?}");
    }
    assert_eq!(fs::read_to_string(out.join("stdout")).unwrap(), SAID);
    assert_eq!(fs::read_to_string(out.join("exitCode")).unwrap(), "3");
    assert_eq!(alone(&[car, "-o", out.to_str().unwrap()]).code, 120, "it is there already");
}

#[test]
fn a_text_runs_with_what_is_brought_beside_it() {
    let place = place();
    let (text, module) = (place.text.to_str().unwrap(), program("steps"));
    let input = place.input.to_str().unwrap();
    let ran = alone(&[text, "--with", &module, "--with", input, "--output", "json"]);
    assert_eq!(came_alone(&ran), place.came, "{ran:?}");
    // Of a CAR that is brought, everything may be used: here, by the task's CID alone.
    let car = place.car.to_str().unwrap();
    let ran = alone(&[&place.came.task, "--with", car, "--output", "json"]);
    assert_eq!(came_alone(&ran), place.came, "{ran:?}");
    let home = tempfile::tempdir().unwrap();
    let mut by_stdin = command_alone(home.path());
    by_stdin.args(["run", "--local", "-", "--with", car, "--output", "json"]);
    assert_eq!(came_alone(&with_stdin(&mut by_stdin, &place.text)), place.came);
    let mut by_stdin = command_alone(home.path());
    by_stdin.args(["run", "--local", "-", "--output", "json"]);
    assert_eq!(came_alone(&with_stdin(&mut by_stdin, &place.car)), place.came);

    let lacking = alone(&[text, "--with", &module]);
    assert_eq!(lacking.code, 120, "{lacking:?}");
    for part in ["the input /in is bafy", "--with", "gadus export"] {
        assert!(lacking.stderr.contains(part), "{part}: {lacking:?}");
    }
    assert!(!lacking.stderr.contains("its code is"), "{lacking:?}");
    let named = alone(&[&place.came.task]);
    assert!(named.code == 120 && named.stderr.contains("gadus export"), "{named:?}");
}

/// A text with one thing in it changed.
fn changed(place: &Place, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut task = serde_json::from_slice(&fs::read(&place.text).unwrap()).unwrap();
    change(&mut task);
    let path = place.dir.path().join(name);
    fs::write(&path, task.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_is_not_pinned_is_refused_with_what_to_type() {
    let place = place();
    let url = changed(&place, "url.json", |task| {
        task["inputs"]["/in"] = "https://example.org/data.csv".into();
    });
    let image = changed(&place, "image.json", |task| {
        let image = serde_json::json!({"reference": "busybox:1.37"});
        task["code"] = serde_json::json!({"docker": {"image": image}});
        task["det"] = Value::Null;
    });
    for (text, parts) in [
        (&url, ["inputs./in: 'https://example.org/data.csv' is no CID", "gadus add 'https://"]),
        (&image, ["code.docker.image.reference: 'busybox:1.37' is not pinned", "gadus job task"]),
    ] {
        for told in [place.network.gadus(&["run", text]), alone(&[text])] {
            assert_eq!((told.code, told.stdout.as_str()), (120, ""), "{told:?}");
            assert!(parts.iter().all(|part| told.stderr.contains(part)), "{parts:?}: {told:?}");
        }
    }
    let digest = changed(&place, "digest.json", |task| {
        let image = serde_json::json!({"digest": format!("sha256:{}", "0".repeat(64))});
        task["code"] = serde_json::json!({"docker": {"image": image}});
        task["det"] = Value::Null;
    });
    let container = alone(&[&digest]);
    assert_eq!(container.code, 120, "{container:?}");
    assert!(container.stderr.contains("a container cannot be run with --local"), "{container:?}");
    let fuzzy = changed(&place, "wasi.json", |task| task["det"]["profile"] = "wasi/1".into());
    let checked = place.network.gadus(&["run", &fuzzy, "--verify", "quorum=2/2"]);
    assert!(checked.code == 123 && checked.stderr.contains("det/1"), "{checked:?}");
    let attested = place.network.gadus(&["run", &fuzzy]);
    assert_eq!((attested.code, attested.stdout.as_str()), (3, SAID), "{attested:?}");
}

#[test]
fn what_goes_wrong_here_is_told_apart() {
    let place = place();
    let car = place.car.to_str().unwrap();
    let with_args = |name: &str, args: &[&str]| {
        changed(&place, name, |task| task["args"] = serde_json::json!(args))
    };
    let spin = with_args("spin.json", &["spin"]);
    let slow = alone(&[&spin, "--with", car, "--timeout", "1"]);
    assert_eq!(slow.code, 121, "{slow:?}");
    let fuel = changed(&place, "fuel.json", |task| task["det"]["fuel_max"] = 10.into());
    let out_of_fuel = alone(&[&fuel, "--with", car, "--output", "json"]);
    assert!(out_of_fuel.stdout.contains("\"Outcome\": \"out of fuel\""), "{out_of_fuel:?}");
    let cut = place.dir.path().join("cut.car");
    let whole = fs::read(&place.car).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(alone(&[cut.to_str().unwrap()]).code, 120);
    let module = place.dir.path().join("hello.wat");
    fs::write(&module, HELLO).unwrap();
    let no_task = alone(&[module.to_str().unwrap()]);
    assert!(no_task.code == 120 && no_task.stderr.contains("no task"), "{no_task:?}");
}
