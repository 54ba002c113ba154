//! Containers through the whole network, with the tests' own engine.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use gadus_e2e::{IMAGE, IMAGE_NOBODY, Network, Output, Registry, Shared, docker_socket};
use serde_json::Value;

/// A requester, and two compute nodes on one engine.
struct Place {
    network: Network,
    socket: String,
}

static PLACE: Shared<Place> = Shared::new();

/// Generous, since machines are shared.
const WAIT_MAX: Duration = Duration::from_secs(60);

fn place() -> Option<Arc<Place>> {
    let socket = docker_socket("containers through the network")?;
    Some(PLACE.get(|| {
        let network = Network::start_with(2, |mut process| {
            process.set_env("GADUS_DOCKER_SOCKET", &socket);
            process
        });
        let place = Place { network, socket };
        place.until("two nodes with docker", || {
            let nodes = place.network.gadus(&["node", "list", "--output", "json"]).stdout;
            nodes.matches("\"docker\"").count() >= 2
        });
        place
    }))
}

impl Place {
    fn run(&self, image: &str, args: &[&str]) -> Output {
        self.network.gadus(&[&["docker", "run", image], args].concat())
    }

    fn job(&self, id: &str) -> Value {
        self.network.gadus(&["job", "describe", id, "--output", "json"]).json()
    }

    fn until(&self, what: &str, so: impl FnMut() -> bool) {
        self.network.until(WAIT_MAX, what, so);
    }

    /// The containers of an execution, running or not.
    fn containers(&self, execution: &str) -> Vec<String> {
        let host = format!("unix://{}", self.socket);
        let listed = Command::new("docker")
            .args(["--host", &host, "ps", "--all", "--format", "{{.Names}}"])
            .output()
            .unwrap();
        let names = String::from_utf8(listed.stdout).unwrap();
        names.lines().filter(|name| name.contains(execution)).map(str::to_owned).collect()
    }
}

#[test]
fn a_containers_task_is_a_text_too() {
    let Some(place) = place() else { return };
    let script = "echo hi; exit 4";
    let args = ["docker", "run", "--output", "json", IMAGE, "sh", "-c", script];
    let job = |ran: &Output| -> Value { serde_json::from_str(&ran.stdout).unwrap() };
    let first = place.network.gadus(&args);
    assert_eq!(first.code, 4, "{first:?}");
    let id = job(&first)["Job"]["ID"].as_str().unwrap().to_owned();
    let text = place.network.gadus(&["job", "task", &id]).ok();
    assert!(text.contains("{\"digest\": \"sha256:"), "{text}");
    let path = place.network.dir.path().join("container.json");
    fs::write(&path, text).unwrap();
    let again = place.network.gadus(&["run", path.to_str().unwrap(), "--output", "json"]);
    assert_eq!(again.code, 4, "{again:?}");
    let task = |ran: &Output| job(ran)["Job"]["TaskCID"].as_str().unwrap().to_owned();
    let described = place.network.gadus(&["job", "describe", &id, "--output", "json"]).json();
    assert_eq!(task(&again), described["Job"]["TaskCID"].as_str().unwrap());
    assert!(!again.stderr.contains("checked by two"), "{again:?}");
    let shown = place.network.gadus(&["run", path.to_str().unwrap()]);
    assert_eq!((shown.code, shown.stdout.as_str()), (4, "hi\n"), "{shown:?}");
    let checked = ["run", path.to_str().unwrap(), "--verify", "quorum=2/2"];
    let refused = place.network.gadus(&checked);
    assert!(refused.code == 123 && refused.stderr.contains("container"), "{refused:?}");
}

#[test]
fn a_container_says_hello_and_ends_the_command_as_it_ended() {
    let Some(place) = place() else { return };
    assert_eq!(place.run(IMAGE, &["--", "echo", "hello"]).ok(), "hello\n");
    let said =
        place.run(IMAGE, &["-e", "FOO=bar", "--", "sh", "-c", "echo $FOO; echo oh >&2; exit 7"]);
    assert_eq!((said.code, said.stdout.as_str()), (7, "bar\n"), "{said:#?}");
    assert!(said.stderr.contains("\noh\n"), "{said:#?}");
    let flags = ["--entrypoint", "/bin/pwd", "--workdir", "/etc"];
    assert_eq!(place.run(IMAGE, &flags).ok(), "/etc\n");
}

#[test]
fn a_container_reads_its_inputs_and_writes_its_outputs_as_its_images_user() {
    let Some(place) = place() else { return };
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("x.txt"), "cod\n").unwrap();
    let input = format!("{}:/inputs", input.display());
    let script = "id -u; cat /inputs/x.txt; cp /inputs/x.txt /out/y; mkdir /out/d; \
                  ln -s ../y /out/d/link; echo no > /inputs/z || echo read-only";
    for (image, user) in [(IMAGE, "0"), (IMAGE_NOBODY, "65534")] {
        let said = place.run(image, &["-i", &input, "-o", "out:/out", "--", "sh", "-c", script]);
        assert_eq!(said.code, 0, "{said:#?}");
        assert_eq!(said.stdout, format!("{user}\ncod\nread-only\n"));
        let result = said.stderr.rsplit("result: ").next().unwrap().trim();
        let got = dir.path().join(user);
        let to = got.to_str().unwrap();
        let got_it = place.network.gadus(&["get", &format!("{result}/out"), "-o", to]);
        assert_eq!(got_it.code, 0, "{got_it:#?}");
        assert_eq!(fs::read_to_string(got.join("d/link")).unwrap(), "cod\n");
    }
}

#[test]
fn a_container_has_no_network_no_capability_and_no_writable_root() {
    let Some(place) = place() else { return };
    let look = "ls /sys/class/net; grep CapEff /proc/self/status; touch /x 2>/dev/null || echo ro; \
                echo t > /tmp/t && cat /tmp/t";
    let said = place.run(IMAGE, &["--", "sh", "-c", look]).ok();
    assert_eq!(said, "lo\nCapEff:\t0000000000000000\nro\nt\n");
}

#[test]
fn what_cannot_be_run_is_told_apart() {
    let Some(place) = place() else { return };
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--", "nosuchprogram"], 121, "the program could not be started"),
        (&["--memory", "20Mb", "--", "tail", "/dev/zero"], 121, "memory"),
        (&["--timeout", "1", "--", "sleep", "1000"], 121, "Job timed out"),
        (&["--gpu", "1", "--", "echo", "x"], 121, "the job needs 1 GPU, it gives"),
    ];
    for (args, exit, text) in cases {
        let said = place.run(IMAGE, args);
        assert_eq!(said.code, exit, "{args:?}: {said:#?}");
        assert!(said.stderr.contains(text), "{args:?} says '{text}': {said:#?}");
    }
    let missing = place.run("localhost:1/nobody/none:1", &[]);
    assert_eq!(missing.code, 121, "{missing:#?}");
    assert!(missing.stderr.contains("localhost:1/nobody/none:1"), "{missing:#?}");
}

#[test]
fn a_stopped_job_leaves_no_container() {
    let Some(place) = place() else { return };
    let shell = "trap '' TERM; echo began; sleep 1000 & wait";
    let id = place.run(IMAGE, &["--id-only", "--", "sh", "-c", shell]).ok().trim().to_owned();
    place.until("the container to begin", || {
        place.network.gadus(&["job", "logs", &id]).stdout == "began\n"
    });
    let execution = place.job(&id)["Executions"]["Items"][0]["ID"].as_str().unwrap().to_owned();
    assert_eq!(place.containers(&execution).len(), 1);
    let stopped = place.network.gadus(&["job", "stop", &id]);
    assert_eq!(stopped.code, 0, "{stopped:#?}");
    place.until("the container to be gone", || place.containers(&execution).is_empty());
    assert_eq!(place.job(&id)["Job"]["State"]["StateType"], "Stopped");
}

#[test]
fn partitions_of_a_container_run_on_the_nodes_together() {
    let Some(place) = place() else { return };
    let script = "echo $BACALHAU_PARTITION_INDEX of $BACALHAU_PARTITION_COUNT";
    let said = place.run(IMAGE, &["--count", "2", "--cpu", "100m", "--", "sh", "-c", script]).ok();
    assert_eq!(said, "0 of 2\n1 of 2\n");
}

#[test]
fn a_requester_without_an_engine_finds_an_image_in_its_registry() {
    let about = "an image in a registry alone";
    let Some(socket) = docker_socket(about) else { return };
    let Some(registry) = Registry::start(about) else { return };
    let image = registry.take(&socket, IMAGE_NOBODY, "team/tool:v1");
    let network = Network::start_with(1, |mut process| {
        let has_engine = process.name != "requester";
        let socket = if has_engine { &socket } else { "/nonexistent/docker.sock" };
        process.set_env("GADUS_DOCKER_SOCKET", socket);
        process
    });
    let run = |image: &str| network.gadus(&["docker", "run", image, "--", "id", "-u"]);
    assert_eq!(run(&image).ok(), "65534\n");
    assert_eq!(run(&image).ok(), "65534\n", "by now the node bids with it");
    let missing = run(&format!("{}/team/tool:v2", registry.address));
    assert_eq!(missing.code, 121, "{missing:#?}");
    assert!(missing.stderr.contains("does not know it"), "{missing:#?}");
    drop(registry);
    let gone = run(&image.replace("tool", "other"));
    assert_eq!(gone.code, 121, "{gone:#?}");
    assert!(gone.stderr.contains("cannot be asked for image"), "{gone:#?}");
}
