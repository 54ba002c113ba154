//! A requester and compute nodes on loopback.

use std::time::{Duration, Instant};

use crate::cli::{Output, gadus};
use crate::process::{Process, Role};

/// A network of processes, in a directory of its own.
pub struct Network {
    /// Where everything is.
    pub dir: tempfile::TempDir,
    /// Takes the jobs.
    pub requester: Process,
    /// Run them.
    pub computes: Vec<Process>,
}

/// How long the nodes may take to find each other; generous, since machines are shared.
const FOUND_MAX: Duration = Duration::from_secs(60);

impl Network {
    /// Starts a requester and `computes` compute nodes, and waits until they know each other.
    #[must_use]
    pub fn start(computes: usize) -> Self {
        Self::start_with(computes, |process| process)
    }

    /// The same, with a say in how each node is started.
    #[must_use]
    pub fn start_with(computes: usize, adapt: impl Fn(Process) -> Process) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut requester = adapt(Process::new(dir.path(), "requester", Role::Requester));
        requester.start();
        let mut nodes = Vec::new();
        for n in 1..=computes {
            let process = Process::new(dir.path(), &format!("compute-{n}"), Role::Compute);
            let mut process = adapt(process.arg("--peer").arg(requester.peer.clone()));
            process.start();
            nodes.push(process);
        }
        let network = Self { dir, requester, computes: nodes };
        network.until_known(computes);
        network
    }

    /// `gadus ARGS` against the requester.
    pub fn gadus(&self, args: &[&str]) -> Output {
        gadus(&self.requester.api, args)
    }

    /// Waits until the requester knows as many compute nodes with an engine.
    pub fn until_known(&self, computes: usize) {
        self.until(FOUND_MAX, "the nodes to find each other", || {
            let nodes = self.gadus(&["node", "list", "--output", "json"]);
            let text = if nodes.code == 0 { nodes.stdout } else { "[]".to_owned() };
            let list: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            let engines = |node: &&serde_json::Value| {
                let engines = &node["Info"]["ComputeNodeInfo"]["ExecutionEngines"];
                node["Connection"] == "CONNECTED"
                    && engines.as_array().is_some_and(|list| !list.is_empty())
            };
            list.as_array().is_some_and(|all| all.iter().filter(engines).count() >= computes)
        });
    }

    /// Looks again and again until something is so.
    pub fn until(&self, max: Duration, what: &str, mut so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < max, "waited {max:?} for {what}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}
