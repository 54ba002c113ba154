//! Bacalhau's own Python client from PyPI, unchanged, against a running node.

use std::path::{Path, PathBuf};
use std::process::Command;

use gadus_e2e::{IMAGE, Network, docker_socket, program, root, skip};

/// What is installed, and all that it needs.
const PACKAGES: [&str; 2] = ["bacalhau-sdk==1.4.2", "bacalhau-apiclient==1.4.1"];

#[test]
fn bacalhaus_python_client_runs_jobs() {
    let Some(python) = python() else { return };
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

/// A Python with the client, installed once into the cache of this user; skips where that cannot
/// be.
fn python() -> Option<PathBuf> {
    let home = || std::env::var("HOME").map(|home| format!("{home}/.cache/gadus"));
    let cache = std::env::var("GADUS_CACHE").or_else(|_| home()).unwrap();
    let venv = Path::new(&cache).join("bacalhau-sdk-1.4.2");
    let python = venv.join("bin/python");
    let is_whole = venv.join("is-whole");
    if is_whole.exists() {
        return Some(python);
    }
    let made =
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).and_then(|()| {
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            run(Command::new(&python).args(pip).args(PACKAGES))
        });
    match made {
        Ok(()) => {
            std::fs::write(is_whole, "").unwrap();
            Some(python)
        }
        Err(why) => {
            skip("Bacalhau's Python client", &why);
            None
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("no python3: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(said.lines().last().unwrap_or("it ends without a word").to_owned())
}
