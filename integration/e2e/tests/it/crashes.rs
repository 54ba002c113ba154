//! Nodes that die in the middle of a job, at named points: before and after each write and sync
//! of their log, and before and after each message. They are started again with the same
//! directories and ports, and the job ends as if nothing had been.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gadus_e2e::{Network, Process, Role};
use serde_json::Value;

/// Generous, since machines are shared.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// A job passes no point as often.
const PASSES_MAX: u32 = 40;

/// Prints a line, and so often that the result is too large to travel with the proposal.
const MODULE: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "a line that was printed by the only run that counts, and is long\n")
  (func (export "_start") (local $n i32)
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 65))
    (loop $again
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 2000))))))"#;
const STDOUT_BYTES: usize = 65 * 2000;

/// A requester and a compute node, one of which dies.
struct Victim {
    network: Network,
    role: Role,
    /// What the compute node has said before its last start.
    said: String,
}

impl Victim {
    fn new(role: Role) -> Self {
        let network = Network::start_with(1, |mut node| {
            // It dies so often that it would be dialled only now and then.
            node.set_env("GADUS_NETWORK_LIMITS_REDIAL_MAX_MS", "200");
            node
        });
        fs::write(network.dir.path().join("lines.wat"), MODULE).unwrap();
        Self { network, role, said: String::new() }
    }

    fn node(&mut self) -> &mut Process {
        match self.role {
            Role::Requester => &mut self.network.requester,
            Role::Compute | Role::Both => &mut self.network.computes[0],
        }
    }

    /// A node's log begins anew when it is started.
    fn keep_log(&mut self) {
        if self.role == Role::Compute {
            let log = self.network.computes[0].log();
            self.said.push_str(&log);
        }
    }

    /// Starts the node anew, to die at a point.
    fn arm(&mut self, point: &str, pass: u32) {
        self.node().terminate();
        self.keep_log();
        let role = if self.role == Role::Requester { "requester" } else { "compute" };
        self.node().set_env("GADUS_CRASH_AT", &format!("{role}:{point}:{pass}"));
        self.node().try_start();
    }

    /// Starts the node anew, to live.
    fn disarm(&mut self) {
        self.node().terminate();
        self.keep_log();
        self.node().clear_env("GADUS_CRASH_AT");
        self.node().start();
    }

    /// Answers in the compute node's outbox, ever, as its log has them.
    fn finished(&self) -> usize {
        let log = self.network.computes[0].data_dir.join("compute/log");
        let segments = fs::read_dir(log).unwrap();
        segments.map(|segment| count(&segment.unwrap().path(), b"finished")).sum()
    }

    fn runs(&self, job: &str) -> usize {
        let said = [self.said.as_str(), &self.network.computes[0].log()].concat();
        let begins = said.lines().filter(|line| line.contains("run begins"));
        begins.filter(|line| line.contains(job)).count()
    }

    /// A job by its name; `Null` while the requester does not answer, or knows of none.
    fn job(&self, name: &str) -> Value {
        let described = self.network.gadus(&["job", "describe", name, "--output", "json"]);
        if described.code == 0 { described.json() } else { Value::Null }
    }

    fn submit(&self, name: &str) {
        let module = self.network.dir.path().join("lines.wat").display().to_string();
        let args = ["wasm", "run", &module, "--name", name, "--queue-timeout", "60", "--id-only"];
        let said = self.network.gadus(&args);
        // The node may have died over it: who submits looks, and tries again.
        assert!(said.code == 0 || self.role == Role::Requester, "{said:#?}");
    }

    /// Runs a job whose node dies at a point. Whether it did before the job was over.
    fn run(&mut self, point: &str, pass: u32) -> bool {
        let name = format!("{}-{pass}", point.replace(['.', '_'], "-"));
        let before = self.finished();
        self.arm(point, pass);
        let (mut died, mut was_finished) = (false, false);
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < WAIT_MAX, "{point}:{pass} does not end: {}", self.said);
            if self.node().has_ended() {
                was_finished = self.finished() > before;
                self.disarm();
                died = true;
            }
            let job = self.job(&name);
            match job["Job"]["State"]["StateType"].as_str() {
                Some("Completed") => {
                    if !died {
                        // It may be about to.
                        self.disarm();
                    }
                    self.check(&job, died, was_finished);
                    return died;
                }
                Some("Failed" | "Stopped") => panic!("{point}:{pass}: {job:#}"),
                Some(_) => std::thread::park_timeout(Duration::from_millis(5)),
                None => self.submit(&name),
            }
        }
    }

    fn check(&self, job: &Value, died: bool, was_finished: bool) {
        let runs = self.runs(job["Job"]["ID"].as_str().unwrap());
        let once = !died || was_finished || self.role == Role::Requester;
        assert!(
            runs == 1 || (runs == 2 && !once),
            "{runs} runs, finished: {was_finished}: {job:#}"
        );
        let executions = job["Executions"]["Items"].as_array().unwrap();
        let published = executions.iter().filter(|e| e["Gadus"]["State"] == "published");
        let manifests: Vec<&Value> = published.map(|e| &e["Gadus"]["Manifest"]).collect();
        assert_eq!(manifests.len(), 1, "one answer counts: {job:#}");
        let stdout = manifests[0]["Stdout"].as_str().unwrap();
        assert_eq!(self.network.gadus(&["cat", stdout]).ok().len(), STDOUT_BYTES);
        let scratch = self.network.computes[0].data_dir.join("scratch");
        self.network.until(WAIT_MAX, "run directories to go", || {
            fs::read_dir(&scratch).map_or(true, |mut dirs| dirs.next().is_none())
        });
    }
}

fn count(path: &Path, word: &[u8]) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.windows(word.len()).filter(|window| *window == word).count()
}

/// Dies at each pass of a point, from the first on, until a job is over before it is reached.
fn at_every_pass_of(role: Role, points: &[&str]) {
    let mut victim = Victim::new(role);
    for point in points {
        let passes = (1..=PASSES_MAX).take_while(|pass| victim.run(point, *pass)).count();
        assert!(passes > 0, "{point} was not reached");
        assert!(passes < PASSES_MAX as usize, "{point} is reached without end");
    }
}

const STORE: [&str; 3] = ["store.before_write", "store.after_write", "store.after_sync"];
const SEND: [&str; 2] = ["node.before_send", "node.after_send"];

#[test]
fn a_requester_dies_around_every_write() {
    at_every_pass_of(Role::Requester, &STORE);
}

#[test]
fn a_requester_dies_around_every_message() {
    at_every_pass_of(Role::Requester, &SEND);
}

#[test]
fn a_compute_node_dies_around_every_write() {
    at_every_pass_of(Role::Compute, &STORE);
}

#[test]
fn a_compute_node_dies_around_every_message() {
    at_every_pass_of(Role::Compute, &SEND);
}
