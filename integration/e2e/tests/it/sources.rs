//! Inputs from elsewhere: what they were when the job was submitted is what it runs on.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gadus_e2e::programs::program;
use gadus_e2e::{Network, Shared};
use serde_json::json;

static NETWORK: Shared<Place> = Shared::new();

/// A network that may fetch from this machine, and read one of its directories.
struct Place {
    network: Network,
    allowed: tempfile::TempDir,
}

fn place() -> Arc<Place> {
    NETWORK.get(|| {
        let allowed = tempfile::tempdir().unwrap();
        let path = allowed.path().to_str().unwrap().to_owned();
        let network = Network::start_with(1, |mut process| {
            process.set_env("GADUS_SOURCES_ALLOW_NETWORKS", "127.0.0.1/32");
            process.set_env("GADUS_SOURCES_ALLOW_PATHS", &path);
            process
        });
        Place { network, allowed }
    })
}

/// Serves one text to whoever asks for whatever; the address, and how often it was asked.
fn serve(text: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                line.clear();
            }
            counter.fetch_add(1, Ordering::Relaxed);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", text.len());
            // The node may have hung up.
            let _ = write!(stream.get_mut(), "{head}connection: close\r\n\r\n{text}");
        }
    });
    (url, asked)
}

#[test]
fn a_job_reads_a_file_from_a_url_under_its_name() {
    let place = place();
    let (url, _) = serve("from afar\n");
    let input = format!("{url}/some/data.txt:/in");
    let args = [
        "wasm",
        "run",
        "--verify",
        "attest",
        &program("steps"),
        "cat",
        "/in/data.txt",
        "-i",
        &input,
    ];
    assert_eq!(place.network.gadus(&args).ok(), "from afar\n");
    let cid = place.network.gadus(&["add", &format!("{url}/other")]).ok();
    assert_eq!(place.network.gadus(&["cat", cid.trim()]).ok(), "from afar\n");
    // The job names content, and says where it was from.
    let id = place.network.gadus(&[&args[..], &["--id-only"]].concat()).ok();
    let job = place.network.gadus(&["job", "describe", id.trim(), "--output", "json"]).json();
    let source = &job["Job"]["Tasks"][0]["InputSources"][0]["Source"];
    let params = json!({"CID": cid.trim(), "PinnedFrom": format!("{url}/some/data.txt")});
    assert_eq!(*source, json!({"Type": "ipfs", "Params": params}), "{job:#}");
}

#[test]
fn a_module_may_come_from_a_url_and_be_held_to_its_hash() {
    let place = place();
    let (url, asked) = serve("(module (func (export \"_start\")))");
    let run = |digest: &str| {
        place.network.gadus(&["wasm", "run", &format!("{url}/m.wat#sha256={digest}")])
    };
    let wrong = run(&"0".repeat(64));
    assert_eq!(wrong.code, 123, "{wrong:#?}");
    assert!(wrong.stderr.contains("its SHA-256 is"), "{wrong:#?}");
    run("dcb40385d8ad71d128df072e620febe3114b162d8db40fe1776e755bb71ec9cd").ok();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn what_is_not_public_or_not_allowed_is_refused() {
    let place = place();
    for (uri, why) in [
        ("http://127.0.0.2:1/x", "127.0.0.2 is no public address"),
        ("http://169.254.169.254/latest/meta-data", "no public address"),
        ("http://[::1]:1/x", "no public address"),
    ] {
        let refused = place.network.gadus(&["add", uri]);
        assert_eq!(refused.code, 123, "{refused:#?}");
        assert!(refused.stderr.contains(why), "{refused:#?}");
        assert!(refused.stderr.contains("sources.allow_networks"), "{refused:#?}");
    }
}

fn submit(place: &Place, source: serde_json::Value) -> (u16, String) {
    let module = place.network.gadus(&["add", &program("steps")]).ok();
    let engine = json!({"Type": "wasm", "Params": {
        "EntryModule": format!("ipfs://{}", module.trim()), "Parameters": ["cat", "/in/a"],
    }});
    let input = json!({"Source": source, "Target": "/in"});
    let task = json!({"Name": "main", "Engine": engine, "InputSources": [input]});
    let http = gadus_e2e::Http::new(&place.network.requester.api);
    let put =
        http.put("/api/v1/orchestrator/jobs", &json!({"Job": {"Type": "batch", "Tasks": [task]}}));
    let id = put.json()["JobID"].as_str().unwrap_or_default().to_owned();
    if put.status != 200 {
        return (put.status, put.text());
    }
    let waited = http.get(&format!("/api/v1/orchestrator/jobs/{id}?wait_ms=60000"));
    assert_eq!(waited.json()["Job"]["State"]["StateType"], "Completed", "{}", waited.text());
    (200, place.network.gadus(&["job", "logs", &id]).ok())
}

#[test]
fn directories_that_the_operator_has_allowed_are_inputs() {
    let place = place();
    let dir = place.allowed.path().join("data");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("a"), "from here\n").unwrap();
    let local = |path: &Path| json!({"Type": "localDirectory", "Params": {"SourcePath": path}});
    assert_eq!(submit(&place, local(&dir)), (200, "from here\n".to_owned()));
    let (status, text) = submit(&place, local(Path::new("/etc")));
    assert!(status == 400 && text.contains("sources.allow_paths"), "{status} {text}");
}

#[test]
fn a_compressed_tar_in_the_job_is_a_directory() {
    let place = place();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "from within\n").unwrap();
    let mut tar = std::process::Command::new("tar");
    let packed = tar.args(["-cz", "-C"]).arg(dir.path()).arg(".").output().unwrap();
    let encoded = STANDARD.encode(&packed.stdout);
    let url = format!("data:application/gzip;base64,{encoded}");
    let inline = json!({"Type": "inline", "Params": {"URL": url}});
    assert_eq!(submit(&place, inline), (200, "from within\n".to_owned()));
    let cut = format!("data:application/gzip;base64,{}", &encoded[..encoded.len() / 8 * 4]);
    let (status, text) = submit(&place, json!({"Type": "inline", "Params": {"URL": cut}}));
    assert_ne!(status, 200, "{text}");
}

/// A node made by Kubo, of no file system.
#[test]
fn plain_nodes_are_printed_as_json() {
    let place = place();
    let cars = gadus_e2e::programs::root().join("pkg/data/tests/cars");
    for codec in ["dag-cbor", "dag-json"] {
        let car = cars.join(format!("{codec}.car"));
        let cid = place.network.gadus(&["import", car.to_str().unwrap()]).ok();
        let node = place.network.gadus(&["cat", cid.trim()]).json();
        assert!(node.is_object(), "{codec}: {node}");
    }
}

#[test]
fn old_cids_and_modes_are_there_for_who_asks() {
    let place = place();
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("run.sh"), "true\n").unwrap();
    fs::write(tree.join("data"), vec![7; 600_000]).unwrap();
    fs::set_permissions(tree.join("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(&tree, fs::Permissions::from_mode(0o500)).unwrap();
    let path = tree.to_str().unwrap();
    let add = |flags: &[&str]| {
        place.network.gadus(&[&["add", "--check", path], flags].concat()).ok().trim().to_owned()
    };
    let old = add(&["--profile", "unixfs-v0-2015"]);
    assert!(old.starts_with("Qm"), "{old}");
    let (plain, kept) = (add(&[]), add(&["--preserve-mode"]));
    assert!(plain != kept && kept.starts_with("bafybei"), "{plain} {kept}");
    for (cid, file, directory) in
        [(&old, 0o644, 0o755), (&plain, 0o644, 0o755), (&kept, 0o750, 0o500)]
    {
        let to = dir.path().join(cid);
        place.network.gadus(&["get", cid, "-o", to.to_str().unwrap()]).ok();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&to.join("run.sh")), mode(&to)), (file, directory), "{cid}");
        assert_eq!(fs::read(to.join("data")).unwrap(), vec![7; 600_000]);
    }
    let unknown = place.network.gadus(&["add", "--profile", "v2", path]);
    assert_eq!(unknown.code, 120, "{unknown:#?}");
    assert!(unknown.stderr.contains("unixfs-v0-2015"), "{unknown:#?}");
}
