//! Bad input: each row ends in an error that says what, why and what to do next, with the right
//! exit code and HTTP status, and leaves the node healthy.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use gadus_e2e::{Engine, Http, Output, Process, Role, gadus, is_root, program, skip};
use reqwest::Method;
use serde_json::{Value, json};

mod place;

use place::{Place, Tmpfs};

/// One kind of bad input.
struct Row {
    what: &'static str,
    /// What a user does.
    act: fn(&Place) -> Option<Seen>,
    exit: i32,
    /// The HTTP status, where the API is what refuses.
    status: Option<u16>,
    /// What is wrong, why, and what to do next.
    says: &'static [&'static str],
}

/// What a user sees.
struct Seen {
    exit: i32,
    status: Option<u16>,
    text: String,
}

const ROWS: &[Row] = &[
    Row {
        what: "a malformed job",
        act: malformed_job,
        exit: 120,
        status: Some(400),
        says: &["job.json is no JSON", "EOF while parsing"],
    },
    Row {
        what: "an unknown engine",
        act: unknown_engine,
        exit: 123,
        status: Some(400),
        says: &["unknown engine \"python\"", "use docker, wasm or task"],
    },
    Row {
        what: "a module that wears out the compiler",
        act: large_module,
        exit: 121,
        status: None,
        says: &["compiling the Wasm module takes more than 400000000 bytes of memory"],
    },
    Row {
        what: "a CID that nobody has",
        act: nobodys_cid,
        exit: 121,
        status: Some(404),
        says: &["nobody has block bafkrei", "peers for", "hint: add the content to a node"],
    },
    Row {
        what: "a module that does not compile",
        act: |place| Some(place.wasm_text("(module (func (export \"_start\") (i32.add)))", &[])),
        exit: 121,
        status: None,
        says: &["the Wasm module cannot be used", "type mismatch", "hint: "],
    },
    Row {
        what: "a module without _start",
        act: |place| Some(place.wasm_text("(module (func (export \"other\")))", &[])),
        exit: 121,
        status: None,
        says: &["it exports no function '_start'", "other", "hint: "],
    },
    Row {
        what: "a module without a name section, which is fine",
        act: |place| Some(place.wasm_text("(module (func (export \"_start\")))", &[])),
        exit: 0,
        status: None,
        says: &["result: baf"],
    },
    Row {
        what: "an image that does not exist",
        act: nobodys_image,
        exit: 121,
        status: None,
        says: &["the image cannot be pinned", "'localhost:1/nobody/none:1'", "hint: "],
    },
    Row {
        what: "an impossible resource request",
        act: |place| Some(place.steps(&["print", "x", "--cpu", "1000"])),
        exit: 121,
        status: None,
        says: &[
            "not enough nodes to run job. requested: 1",
            "the job needs 1000.000 cores, it gives a job at most",
            "gadus job explain",
        ],
    },
    Row {
        what: "an output left empty",
        act: |place| Some(place.steps(&["print", "x", "-o", "nothing:/nothing"])),
        exit: 0,
        status: None,
        says: &["warning: output 'nothing' is empty", "result: baf"],
    },
    Row {
        what: "a link out of the output directory",
        act: link_out,
        exit: 121,
        status: None,
        says: &[
            "output 'out/link' is a link to '../../etc/passwd', which leads out of the output",
            "hint: an output may hold readable files, directories, and relative links",
        ],
    },
    Row {
        what: "more output than asked for",
        act: |place| {
            let args = ["fill", "/out/big", "8", "-o", "out:/out", "--disk", "1Mb"];
            Some(place.steps(&args))
        },
        exit: 70,
        status: None,
        // The program itself is told.
        says: &["fill /out/big: No space left on device"],
    },
    Row {
        what: "a port in use",
        act: port_in_use,
        exit: 120,
        status: None,
        says: &["failed to listen for the API on 127.0.0.1:", "in use", "another with --api"],
    },
    Row {
        what: "a second process on one data directory",
        act: second_process,
        exit: 120,
        status: None,
        says: &["another gadus process uses", "stop it, or choose another data directory"],
    },
    Row {
        what: "a peer that talks nonsense",
        act: nonsense,
        exit: 0,
        status: None,
        says: &["hung up"],
    },
    Row {
        what: "a docker engine that goes away",
        act: engine_goes_away,
        exit: 121,
        status: None,
        says: &["cannot reach the docker engine", "docker.sock", "start it (`systemctl"],
    },
    Row {
        what: "a full disk",
        act: full_disk,
        exit: 123,
        status: Some(507),
        says: &["no room left for content", "hint: free some of the node's disk"],
    },
    Row {
        what: "a full log",
        act: full_log,
        exit: 120,
        status: Some(507),
        says: &[
            "the node stopped: its log failed",
            "make room in",
            "nothing that was acknowledged",
        ],
    },
];

#[test]
fn bad_input_ends_in_a_good_error_and_a_healthy_node() {
    let place = Place::new();
    for Row { what, act, exit, status, says } in ROWS {
        let Some(seen) = act(&place) else { continue };
        let text = &seen.text;
        assert_eq!((seen.exit, seen.status), (*exit, *status), "{what}:\n{text}");
        for part in *says {
            assert!(text.contains(part), "{what} says '{part}':\n{text}");
        }
        let after = place.steps(&["print", "well"]);
        assert_eq!(after.exit, 0, "the network after {what}:\n{}", after.text);
    }
}

impl Seen {
    fn of(output: Output) -> Self {
        Self { exit: output.code, status: None, text: output.stdout + &output.stderr }
    }

    /// The same, refused by the API as well.
    fn and(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// A node that does not start.
    fn of_start(mut process: Process) -> Self {
        let started = process.try_start();
        let text = process.log();
        assert!(!started, "it starts:\n{text}");
        let exit = process.wait().and_then(|status| status.code()).unwrap_or(-1);
        Self { exit, status: None, text }
    }
}

const JOBS: &str = "/api/v1/orchestrator/jobs";

fn malformed_job(place: &Place) -> Option<Seen> {
    let text = r#"{"Job": {"#;
    let json = [("content-type", "application/json")];
    let put = place.http().send(&Method::PUT, JOBS, &json, text.as_bytes().to_vec());
    assert!(put.json()["Message"].as_str().is_some_and(|m| !m.is_empty()), "{}", put.text());
    let run = place.gadus(&["job", "run", &place.file("job.json", text)]);
    Some(Seen::of(run).and(put.status))
}

fn unknown_engine(place: &Place) -> Option<Seen> {
    let job = json!({"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "python"}}]});
    let put = place.http().put(JOBS, &json!({"Job": job}));
    let run = place.gadus(&["job", "run", &place.file("python.json", &job.to_string())]);
    Some(Seen::of(run).and(put.status))
}

/// A hundred megabytes of data, which the compiler has several times.
fn large_module(place: &Place) -> Option<Seen> {
    let mut sizes = [0; 5];
    let leb = |mut n: u32, out: &mut [u8; 5]| {
        for byte in out.iter_mut() {
            *byte = (n & 0x7f) as u8 | 0x80;
            n >>= 7;
        }
        out[4] &= 0x7f;
    };
    let data = 100 << 20;
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // One memory of 1,600 pages; one segment at 0.
    module.extend(b"\x05\x04\x01\x00\xc0\x0c\x0b");
    leb(data + 10, &mut sizes);
    module.extend(sizes);
    module.extend(b"\x01\x00\x41\x00\x0b");
    leb(data, &mut sizes);
    module.extend(sizes);
    module.resize(module.len() + data as usize, 1);
    let file = place.dir().join("large.wasm");
    std::fs::write(&file, module).expect("a file");
    let file = file.to_string_lossy();
    Some(Seen::of(place.gadus(&["wasm", "run", "--verify", "attest", &file])))
}

/// The CID of bytes that are nowhere.
const NOBODYS: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

fn nobodys_cid(place: &Place) -> Option<Seen> {
    let get = place.http().get(&format!("/ipfs/{NOBODYS}"));
    assert!(get.text().contains("gadus add"), "{}", get.text());
    let input = format!("ipfs://{NOBODYS}:/in");
    Some(place.steps(&["cat", "/in", "-i", &input]).and(get.status))
}

fn nobodys_image(place: &Place) -> Option<Seen> {
    place.socket.as_ref()?;
    Some(Seen::of(place.gadus(&["docker", "run", "localhost:1/nobody/none:1"])))
}

/// Refused once, since every node would; a link that stays inside is kept as one.
fn link_out(place: &Place) -> Option<Seen> {
    let inside = place.steps(&["link", "x/y", "/out/link", "-o", "out:/out"]);
    let result = inside.text.rsplit("result: ").next()?.trim();
    let http = place.http().get(&format!("/ipfs/{result}/out?format=json"));
    assert_eq!(http.json()["Entries"][0]["Type"], "symlink", "{}", http.text());
    let out = place.steps(&["link", "../../etc/passwd", "/out/link", "-o", "out:/out"]);
    let id = out.text.split_whitespace().find(|word| word.starts_with("j-"))?;
    let executions = place.gadus(&["job", "executions", id, "--output", "json"]).json();
    assert_eq!(executions.as_array().map(Vec::len), Some(1), "{executions}");
    Some(out)
}

fn full_disk(place: &Place) -> Option<Seen> {
    if !is_root() {
        skip("a full disk", "it takes root to make a small one");
        return None;
    }
    let disk = Tmpfs::mount(&place.dir().join("small"), "160m");
    let mut node = Process::new(&disk.path, "full", Role::Both);
    node.start();
    let ballast = disk.leave(4 << 20);
    let mut bytes = vec![0; 8 << 20];
    place::noise(3, &mut bytes);
    let big = place.dir().join("big").to_string_lossy().into_owned();
    std::fs::write(&big, &bytes).expect("a file");
    let added = gadus(&node.api, &["add", &big]);
    let posted = Http::new(&node.api).send(&Method::POST, "/api/v1/content", &[], bytes);
    // What did not fit has left its room to what does, and with some more all is well again.
    let small = gadus(&node.api, &["add", &program("steps")]);
    assert_eq!(small.code, 0, "{small:#?}");
    std::fs::remove_file(ballast).expect("the ballast");
    let after = gadus(&node.api, &["wasm", "run", &program("steps"), "print", "well"]);
    assert_eq!(after.code, 0, "{after:#?}");
    Some(Seen::of(added).and(posted.status))
}

/// The node ends, since it could promise nothing more; with some room it is back, and knows every
/// job that it took. The jobs wait, and nothing but the next one writes: had the log failed of
/// itself, the node could be gone before anybody asks it for something.
fn full_log(place: &Place) -> Option<Seen> {
    if !is_root() {
        skip("a full log", "it takes root to make a small disk");
        return None;
    }
    let disk = Tmpfs::mount(&place.dir().join("log"), "400m");
    let mut node = Process::new(&disk.path, "log", Role::Requester);
    node.start();
    let ballast = disk.leave(0);
    let http = Http::new(&node.api);
    let meta = "x".repeat(500 << 10);
    let engine = json!({"Type": "wasm", "Params": {"EntryModule": format!("ipfs://{NOBODYS}")}});
    let mut taken = Vec::new();
    let refused = loop {
        let task = json!({"Name": "main", "Engine": engine, "Meta": {"filler": meta},
            "Timeouts": {"QueueTimeout": 3600}});
        let put = http.put(JOBS, &json!({"Job": {"Type": "batch", "Tasks": [task]}}));
        match put.status {
            200 => taken.push(put.json()["JobID"].as_str()?.to_owned()),
            _ => break put,
        }
    };
    assert!(refused.text().contains("make room in"), "{}", refused.text());
    let exit = node.wait().and_then(|status| status.code()).unwrap_or(-1);
    let text = node.log();
    std::fs::remove_file(ballast).expect("the ballast");
    node.start();
    for id in taken {
        gadus(&node.api, &["job", "describe", &id]).ok();
    }
    Some(Seen { exit, status: Some(refused.status), text })
}

fn port_in_use(place: &Place) -> Option<Seen> {
    let mut process = Process::new(place.dir(), "port", Role::Both);
    process.api.clone_from(&place.network.requester.api);
    let mut peer = Process::new(place.dir(), "peer", Role::Both);
    peer.peer.clone_from(&place.network.requester.peer);
    let refused = Seen::of_start(peer);
    assert_eq!(refused.exit, 120, "{}", refused.text);
    assert!(refused.text.contains("choose another address with --listen"), "{}", refused.text);
    Some(Seen::of_start(process))
}

fn second_process(place: &Place) -> Option<Seen> {
    let twin = place.dir().join("twin");
    std::os::unix::fs::symlink(&place.network.requester.data_dir, &twin).expect("a link");
    Some(Seen::of_start(Process::new(place.dir(), "twin", Role::Requester)))
}

fn nonsense(place: &Place) -> Option<Seen> {
    let port = place.network.requester.peer.split('/').nth(4).expect("a port");
    let address = format!("127.0.0.1:{port}");
    let mut noise = vec![0; 1 << 16];
    place::noise(7, &mut noise);
    // From the very first byte, and after the first hello.
    for hello in [&b""[..], b"\x13/multistream/1.0.0\n", b"\x13/multistream/1.0.0\n\x07/noise\n"] {
        let mut peer = TcpStream::connect(&address).expect("a connection");
        // The node may hang up before it has read everything.
        let _ = peer.write_all(hello).and_then(|()| peer.write_all(&noise));
        let mut rest = Vec::new();
        // It ends, one way or the other.
        let _ = peer.read_to_end(&mut rest);
    }
    Some(Seen { exit: 0, status: None, text: "hung up".to_owned() })
}

/// With an engine of its own, on a node of its own.
fn engine_goes_away(place: &Place) -> Option<Seen> {
    place.socket.as_ref()?;
    let engine = Engine::start(&place.dir().join("engine"));
    let mut node = Process::new(place.dir(), "away", Role::Both);
    node.set_env("GADUS_DOCKER_SOCKET", &engine.socket);
    node.set_env("GADUS_DOCKER_LIMITS_ENGINE_PATIENCE_MS", "500");
    node.set_env("GADUS_NODE_LIMITS_PROBE_MS", "200");
    node.start();
    let run = ["docker", "run", gadus_e2e::IMAGE];
    place.until_docker(&node.api);
    let script = ["--id-only", "--", "sh", "-c", "echo began; sleep 1000"];
    let submitted = gadus(&node.api, &[&run[..], &script].concat());
    let id = submitted.ok().trim().to_owned();
    let job =
        |api: &str| -> Value { gadus(api, &["job", "describe", &id, "--output", "json"]).json() };
    place.until("the container to run", || {
        gadus(&node.api, &["job", "logs", &id]).stdout == "began\n"
    });
    engine.kill();
    place.until("the job to fail", || job(&node.api)["Job"]["State"]["StateType"] == "Failed");
    let told = gadus(&node.api, &["job", "describe", &id]).ok();
    let got = gadus(&node.api, &["job", "get", &id]);

    // The node runs what needs no engine, and containers again once it is back.
    gadus(&node.api, &["wasm", "run", &program("steps"), "print", "well"]).ok();
    engine.again();
    place.until_docker(&node.api);
    assert_eq!(gadus(&node.api, &[&run[..], &["--", "echo", "back"]].concat()).ok(), "back\n");
    Some(Seen { exit: got.code, status: None, text: told })
}
