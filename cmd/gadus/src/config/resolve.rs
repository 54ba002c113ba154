//! From the file's values to what the parts of a node take.

use std::collections::BTreeSet;
use std::time::Duration;

use gadus_api::ApiConfig;
use gadus_model::{NodeId, OwnerId};
use gadus_net::NetConfig;
use gadus_protocol::requester::Approved;

use super::{Config, Effective, GpuAccess, NodeLimits, VerifySection};
use crate::cli::key;
use crate::failure::Failure;
use crate::serve::Settings;
use crate::serve::settings::{DockerSettings, Shell};

impl Effective {
    /// What `serve` runs.
    ///
    /// # Errors
    /// For a value that makes no sense, with its key and where it comes from.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let Config { node, api, network, requester, compute, limits, .. } = &self.config;
        let config = &self.config;
        let wrong = |key: &str, why: String| self.misfit(key, &why);
        let capacity = compute.capacity.offer();
        let capacity = capacity.map_err(|(f, why)| wrong(&format!("compute.capacity.{f}"), why))?;
        let job_max = compute.job_max.resources();
        let job_max = job_max.map_err(|(f, why)| wrong(&format!("compute.job_max.{f}"), why))?;
        let owners = node_ids(&compute.owners).map_err(|why| wrong("compute.owners", why))?;
        let allow = node_ids(&network.allow).map_err(|why| wrong("network.allow", why))?;
        let approved = approved(&requester.verify)
            .map_err(|(key, why)| wrong(&format!("requester.verify.{key}"), why))?;
        // A requester without jobs of its own still asks its engine for the digests of images.
        let docker = config.docker.enabled.then(|| DockerSettings {
            socket: Some(config.docker.socket.clone()).filter(|socket| !socket.is_empty()),
            gives_gpus: config.docker.gpu.access == GpuAccess::Direct,
            driver_dir: Some(config.docker.gpu.driver_dir.clone())
                .filter(|dir| !dir.as_os_str().is_empty()),
            limits: config.docker.limits.clone(),
        });
        let registry = (requester.enabled && requester.registry.enabled)
            .then(|| requester.registry.limits.clone());
        let wasm = (config.wasm.enabled && compute.enabled)
            .then(|| config.wasm.executor(node.data_dir.join("wasm")));
        Ok(Settings {
            data_dir: node.data_dir.clone(),
            requester: requester.enabled,
            compute: compute.enabled,
            name: Some(node.name.clone()).filter(|name| !name.is_empty()),
            labels: node.labels.clone(),
            api_listen: api.listen.clone(),
            api: ApiConfig { limits: api.limits.clone(), hosts: api.hosts.clone() },
            net: NetConfig {
                network: network.name.clone(),
                listen: network.listen.clone(),
                peers: network.peers.clone(),
                mdns: network.mdns,
                allow: Some(allow).filter(|allow| !allow.is_empty()),
                limits: network.limits.clone(),
                ..NetConfig::default()
            },
            limits: limits.clone(),
            capacity,
            job_max,
            owners: Some(owners.into_iter().map(OwnerId).collect::<Vec<_>>())
                .filter(|owners| !owners.is_empty()),
            approved,
            networked_jobs: compute.networked_jobs,
            price: compute.price,
            content: config.content.clone(),
            sources: config.sources.clone(),
            s3: config.s3.clone(),
            publishers: config.publishers.clone(),
            store: config.store.clone(),
            wasm,
            docker,
            registry,
            shell: shell(&node.limits),
        })
    }

    fn misfit(&self, key: &str, why: &str) -> Failure {
        let failure = Failure::usage(format!("'{key}' does not fit")).because(why);
        match self.values.get(key) {
            Some((_, origin)) => failure.because(format!("it comes from {origin}")),
            None => failure,
        }
    }
}

fn shell(limits: &NodeLimits) -> Shell {
    Shell {
        fetch_wait: Duration::from_millis(limits.fetch_wait_ms),
        gateway_wait: Duration::from_millis(limits.gateway_wait_ms),
        probe_every: Duration::from_millis(limits.probe_ms),
        reap_every: Duration::from_millis(limits.reap_ms),
        inbox_max: limits.inbox_max,
        keeps_max: limits.keeps_max,
        relays_max: limits.relays_max,
        verdicts_max: limits.verdicts_max,
    }
}

/// What the operator says of nodes; or the key that makes no sense, and why.
fn approved(verify: &VerifySection) -> Result<Approved, (&'static str, String)> {
    let of = |key: &'static str, ids: &[String]| node_ids(ids).map_err(|why| (key, why));
    let operators = verify.operators.iter().map(|text| operator(text));
    Ok(Approved {
        trusted: of("trusted", &verify.trusted)?,
        referees: of("referees", &verify.referees)?,
        operators: operators.collect::<Result<_, _>>().map_err(|why| ("operators", why))?,
    })
}

fn operator(text: &str) -> Result<(NodeId, NodeId), String> {
    let (node, operator) =
        text.split_once('=').ok_or_else(|| format!("'{text}' is not NODE=OPERATOR"))?;
    let id = |text: &str| {
        let ids = node_ids(&[text.trim().to_owned()])?;
        ids.into_iter().next().ok_or_else(|| format!("'{text}' is no peer id"))
    };
    Ok((id(node)?, id(operator)?))
}

/// Nodes by their peer ids.
fn node_ids(texts: &[String]) -> Result<BTreeSet<NodeId>, String> {
    let read = |text: &String| key(text).map_err(|why| format!("'{text}': {why}"));
    texts.iter().map(read).collect()
}
