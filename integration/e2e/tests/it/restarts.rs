//! Nodes that end while a job runs, politely or not, and what is found when they are back.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use gadus_e2e::{Network, Process, root};
use serde_json::Value;

/// Generous, since machines are shared.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Prints a line after five seconds: long enough for a process to end meanwhile, and nothing that a
/// guest sees can be changed from outside.
const WAITER: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 32) "went\n")
  (func (export "_start")
    (i32.store (i32.const 112) (i32.const 1))
    (i64.store (i32.const 120) (i64.const 5000000000))
    (drop (call $poll (i32.const 96) (i32.const 160) (i32.const 1) (i32.const 200)))
    (i32.store (i32.const 0) (i32.const 32))
    (i32.store (i32.const 4) (i32.const 5))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// A requester and a compute node on which a job runs for a while, or waits to be let go.
struct Scene {
    network: Network,
    job: String,
}

impl Scene {
    fn with_wasm() -> Self {
        let network = Network::start(1);
        let module = network.dir.path().join("waiter.wat");
        fs::write(&module, WAITER).unwrap();
        let module = module.display().to_string();
        Self::begin(network, &["wasm", "run", "--verify", "attest", &module])
    }

    fn with_docker(socket: &str) -> Self {
        let network = Network::start_with(1, |mut node| {
            node.set_env("GADUS_DOCKER_SOCKET", socket);
            node
        });
        let script = "echo came; until [ -e /out/go ]; do sleep 0.05; done; echo went";
        Self::begin(network, &["docker", "run", IMAGE, "sh", "-c", script])
    }

    fn begin(network: Network, run: &[&str]) -> Self {
        let flags = ["-o", "out:/out", "--id-only"];
        let args = [&run[..2], &flags, &run[2..]].concat();
        let job = network.gadus(&args).ok().trim().to_owned();
        let scene = Self { network, job };
        scene.until("a run", || scene.out().is_some_and(|out| out.exists()));
        scene
    }

    fn until(&self, what: &str, so: impl FnMut() -> bool) {
        self.network.until(WAIT_MAX, what, so);
    }

    fn compute(&mut self) -> &mut Process {
        &mut self.network.computes[0]
    }

    /// Where the job's output directory is, once there is one.
    fn out(&self) -> Option<PathBuf> {
        let scratch = self.network.computes[0].data_dir.join("scratch");
        let run = fs::read_dir(scratch).ok()?.next()?.ok()?.path();
        Some(run.join("outputs/0"))
    }

    /// Has a container end.
    fn let_go(&self) {
        fs::write(self.out().unwrap().join("go"), "").unwrap();
    }

    fn describe(&self) -> Value {
        self.network.gadus(&["job", "describe", &self.job, "--output", "json"]).json()
    }

    fn state(&self) -> String {
        self.describe()["Job"]["State"]["StateType"].as_str().unwrap().to_owned()
    }

    fn until_state(&self, state: &str) {
        self.until(state, || self.state() == state);
    }

    fn stdout(&self) -> String {
        self.network.gadus(&["job", "logs", &self.job]).ok()
    }
}

/// Asks a node to end, and gives its exit code.
fn terminated(node: &mut Process) -> Option<i32> {
    let pid = node.pid().unwrap().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    let began = Instant::now();
    while !node.has_ended() {
        assert!(began.elapsed() < WAIT_MAX, "it does not end");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    node.wait().and_then(|status| status.code())
}

#[test]
fn an_answer_waits_for_a_requester_that_is_away() {
    let mut scene = Scene::with_wasm();
    scene.network.requester.kill();
    scene.until("the run to end", || scene.network.computes[0].log().contains("run finished"));
    scene.network.requester.start();
    scene.until_state("Completed");
    assert_eq!(scene.network.computes[0].log().matches("run begins").count(), 1);
    assert_eq!(scene.stdout(), "went\n");
}

#[test]
fn an_answer_waits_for_its_own_node_too() {
    let mut scene = Scene::with_wasm();
    scene.network.requester.kill();
    scene.until("the run to end", || scene.network.computes[0].log().contains("run finished"));
    assert_eq!(terminated(scene.compute()), Some(0));
    scene.compute().start();
    scene.network.requester.start();
    scene.until_state("Completed");
    assert!(!scene.network.computes[0].log().contains("run begins"), "it ran again");
    assert_eq!(scene.stdout(), "went\n");
}

#[test]
fn nodes_end_when_they_are_asked_to_while_a_job_runs() {
    let mut scene = Scene::with_wasm();
    assert_eq!(terminated(&mut scene.network.requester), Some(0));
    assert_eq!(terminated(scene.compute()), Some(0));
    scene.network.requester.start();
    scene.compute().start();
    scene.until_state("Completed");
    assert_eq!(scene.stdout(), "went\n");
}

#[test]
fn a_container_outlives_its_node_and_is_found_again() {
    let Some(socket) = socket() else { return };
    let mut scene = Scene::with_docker(&socket);
    let containers = Containers::of(&scene, socket);
    let before = containers.ids();
    scene.compute().kill();
    assert_eq!(containers.ids(), before, "it goes on without its node");
    scene.compute().start();
    scene.until("the node to take it up", || {
        scene.network.computes[0].log().contains("resumed=true")
    });
    assert_eq!(containers.ids(), before, "there is no second one");
    scene.let_go();
    scene.until_state("Completed");
    assert_eq!(scene.stdout(), "came\nwent\n");
    scene.until("no container", || containers.ids().is_empty());
}

#[test]
fn a_container_of_a_job_that_was_cancelled_meanwhile_goes() {
    let Some(socket) = socket() else { return };
    let mut scene = Scene::with_docker(&socket);
    let containers = Containers::of(&scene, socket);
    scene.compute().kill();
    scene.network.gadus(&["job", "stop", &scene.job]).ok();
    assert_eq!(containers.ids().len(), 1);
    scene.compute().start();
    scene.until("no container", || containers.ids().is_empty());
    scene.until_state("Stopped");
    scene.until("no run directory", || scene.out().is_none());
}

const IMAGE: &str = "gadus-test:root";

/// The engine that tests may use, with an image in it.
fn socket() -> Option<String> {
    let Ok(socket) = std::env::var("GADUS_TEST_DOCKER_SOCK") else {
        assert!(std::env::var_os("CI").is_none(), "no docker engine");
        let skip = b"SKIP: no docker engine: set GADUS_TEST_DOCKER_SOCK\n";
        // Not eprintln: the harness would swallow it, since the test passes.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), skip);
        return None;
    };
    let made = Command::new(root().join("ops/test-image.sh")).arg(&socket).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(socket)
}

/// The containers of the compute node, ended ones too. None is left when a test fails.
struct Containers {
    socket: String,
    node: String,
}

impl Containers {
    /// Those of the scene's node, once there is one.
    fn of(scene: &Scene, socket: String) -> Self {
        let node = scene.describe()["Executions"]["Items"][0]["NodeID"].as_str().map(str::to_owned);
        let containers = Self { socket, node: node.unwrap() };
        scene.until("a container", || containers.ids().len() == 1);
        containers
    }

    fn docker(&self, args: &[&str]) -> String {
        let host = format!("unix://{}", self.socket);
        let output = Command::new("docker").args(["-H", &host]).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn ids(&self) -> Vec<String> {
        let label = format!("label=org.gadus.node={}", self.node);
        let ids = self.docker(&["ps", "-aq", "--no-trunc", "--filter", &label]);
        ids.lines().map(str::to_owned).collect()
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for id in self.ids() {
            self.docker(&["rm", "-f", &id]);
        }
    }
}
