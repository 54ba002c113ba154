//! Bacalhau's own Python client from PyPI, unchanged, against a running node.

use std::process::Command;

use gadus_e2e::{IMAGE, Network, docker_socket, program, root};

use crate::python::python;

/// What is installed, and all that it needs.
const PACKAGES: [&str; 2] = ["bacalhau-sdk==1.4.2", "bacalhau-apiclient==1.4.1"];

#[test]
fn bacalhaus_python_client_runs_jobs() {
    let about = "Bacalhau's Python client";
    let Some(python) = python(about, "bacalhau-sdk-1.4.2", &PACKAGES) else { return };
    let socket = docker_socket("a docker job by the Python client");
    let network = Network::start_with(1, |mut process| {
        process.set_env("GADUS_DOCKER_SOCKET", socket.as_deref().unwrap_or("/nowhere"));
        process.set_env("GADUS_NODE_LIMITS_PROBE_MS", "200");
        process
    });
    let module = network.gadus(&["add", &program("steps")]).ok();
    let mut jobs = vec![("wasm", module.trim())];
    if socket.is_some() {
        network.until(std::time::Duration::from_secs(60), "a node with docker", || {
            network.gadus(&["node", "list", "--output", "json"]).stdout.contains("\"docker\"")
        });
        jobs.push(("docker", IMAGE));
    }
    for (engine, what) in jobs {
        let api = network.requester.api.trim_start_matches("http://");
        let (host, port) = api.split_once(':').unwrap();
        let said = Command::new(&python)
            .arg(root().join("integration/e2e/tests/it/sdk.py"))
            .args([engine, what])
            .envs([("BACALHAU_API_HOST", host), ("BACALHAU_API_PORT", port)])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{engine}: {stderr}");
        // What it prints is where the result is.
        let cid = String::from_utf8(said.stdout).unwrap();
        assert_eq!(network.gadus(&["cat", &format!("{}/stdout", cid.trim())]).ok(), "sdk\n");
    }
}
