//! `gadus devstack`: a network in one process, with real sockets and a data directory each.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gadus_api::client::Client;
use gadus_api::types::NodeState;
use tokio::time::sleep;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::serve::files::raise_limit;
use crate::serve::{Running, Settings, until_told};

/// How long compute nodes are waited for; after that people see for themselves who is missing.
const KNOWN_MAX: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs a requester and `nodes` compute nodes until it is told to end. `data_dir` is removed at
/// the end when it is only for this run.
pub(crate) async fn run(
    base: &Settings,
    nodes: u32,
    data_dir: Option<PathBuf>,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let temporary = match &data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|e| Failure::io("make a directory", &e))?),
    };
    let dir = data_dir.or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned()));
    let dir = dir.unwrap_or_default();
    raise_limit();
    let requester = Running::start(requester(base, &dir)).await?;
    let mut computes = Vec::new();
    for n in 1..=nodes {
        computes.push(Running::start(compute(base, &dir, n, nodes, &requester)).await?);
    }
    let api = requester.api();
    let nodes = until_known(&api.to_string(), nodes).await?;
    printer.talk(&format!(
        "{}\n{} with it; Ctrl-C ends all\nexport GADUS_API=http://{api}",
        requester.banner(),
        crate::render::count(nodes as u64, "compute node"),
    ));
    let ended = until_told(&requester).await;
    for running in computes {
        running.shutdown().await;
    }
    requester.shutdown().await;
    drop(temporary);
    match ended? {
        None => Ok(Exit::Success),
        Some(error) => {
            Err(Failure::usage("the devstack stopped: its log failed").because(error.to_string()))
        }
    }
}

/// Waits until the requester knows its compute nodes, so that the first job finds them all. How
/// many it knows.
async fn until_known(api: &str, nodes: u32) -> Result<usize, Failure> {
    let client = Client::new(api).map_err(|e| Failure::call("look for the nodes", &e))?;
    let began = Instant::now();
    loop {
        let known = client.nodes().await.map_err(|e| Failure::call("look for the nodes", &e))?;
        let is_here = |node: &&NodeState| {
            node.connection == "CONNECTED"
                && !node.info.compute_node_info.execution_engines.is_empty()
        };
        let here = known.iter().filter(is_here).count();
        if here >= nodes as usize || began.elapsed() > KNOWN_MAX {
            return Ok(here);
        }
        sleep(LOOK_EVERY).await;
    }
}

fn requester(base: &Settings, dir: &Path) -> Settings {
    let mut settings = base.clone();
    settings.data_dir = dir.join("requester");
    (settings.requester, settings.compute) = (true, false);
    settings.name = Some("requester".to_owned());
    settings.net.listen = vec![LOOPBACK.to_owned()];
    settings
}

fn compute(base: &Settings, dir: &Path, n: u32, nodes: u32, requester: &Running) -> Settings {
    let mut settings = base.clone();
    settings.data_dir = dir.join(format!("compute-{n}"));
    (settings.requester, settings.compute) = (false, true);
    settings.name = Some(format!("compute-{n}"));
    settings.api_listen = "127.0.0.1:0".to_owned();
    settings.net.listen = vec![LOOPBACK.to_owned()];
    settings.net.peers = requester.addresses();
    settings.capacity = settings.capacity.shared_by(nodes);
    if let Some(wasm) = &mut settings.wasm {
        wasm.cache_dir = settings.data_dir.join("wasm");
    }
    settings
}

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";
