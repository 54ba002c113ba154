//! One node: its process with one or two machines, its clock, its engine and its content.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadus_model::view::JobView;
use gadus_model::{
    Engine as EngineKind, EngineInfo, JobId, NodeId, NodeInfo, OwnerId, PublisherSpec, Resources,
    Time,
};
use gadus_protocol::notary::Fake;
use gadus_protocol::requester::{Approved, RequesterConfig};
use gadus_protocol::{Compute, ComputeConfig, Requester, Sabotage};

use crate::disk::Ticket;
use crate::drift::LocalClock;
use crate::engine::{Content, Engine};
use crate::habit::Habit;
use crate::shell::Shell;
use crate::swarm::Swarm;

/// One of a node's machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// It takes jobs.
    Requester,
    /// It runs them.
    Compute,
}

/// A finished job in the index, and the append that ended it.
#[derive(Clone, Debug)]
pub struct Folded {
    /// As it ended.
    pub view: Arc<JobView>,
    after: Ticket,
}

/// One node.
#[derive(Debug)]
pub struct Host {
    /// Its key.
    pub id: NodeId,
    /// Its clock.
    pub clock: LocalClock,
    /// Whether its process is up.
    pub up: bool,
    /// Counts the starts of its process.
    pub boot: u64,
    /// It has left for good.
    pub left: bool,
    /// It takes jobs.
    pub is_requester: bool,
    /// It runs jobs.
    pub is_compute: bool,
    /// The one machine.
    pub requester: Shell<Requester>,
    /// The other.
    pub compute: Shell<Compute>,
    /// Finished jobs.
    pub index: BTreeMap<JobId, Folded>,
    /// What runs.
    pub engine: Engine,
    /// What it holds.
    pub content: Content,
    /// What it says of itself.
    pub info: NodeInfo,
    /// Nodes it was told that it can reach.
    pub ups: BTreeSet<usize>,
    /// When its process was started, by its clock.
    pub started: Time,
    /// When it was first told of each node since, by its clock.
    pub met: BTreeMap<usize, Time>,
    /// What it does with sealed work.
    pub habit: Habit,
    /// Who operates it.
    pub operator: NodeId,
    /// The network that it is reached in; absent on loopback.
    pub prefix: Option<String>,
    /// What its operator says of nodes.
    pub approved: Approved,
    config: (Swarm, Option<Sabotage>),
}

impl Host {
    /// The n-th node, not started yet.
    #[must_use]
    pub fn new(
        id: NodeId,
        clock: LocalClock,
        roles: (bool, bool),
        capacity: Resources,
        config: (Swarm, Option<Sabotage>),
    ) -> Self {
        let wasm = EngineInfo { id: "sim/1".to_owned(), arch: "any".to_owned() };
        let docker = EngineInfo { id: "sim/1".to_owned(), arch: "amd64".to_owned() };
        let info = NodeInfo {
            id,
            name: id.to_string(),
            version: "sim".to_owned(),
            labels: BTreeMap::new(),
            engines: BTreeMap::from([(EngineKind::Wasm, wasm), (EngineKind::Docker, docker)]),
            capacity,
            available: capacity,
            job_max: capacity,
            gpus: Vec::new(),
            running: 0,
            networked_jobs: false,
            publishers: vec![PublisherSpec::Local.kind().to_owned()],
            addresses: Vec::new(),
        };
        Self {
            id,
            clock,
            up: false,
            boot: 0,
            left: false,
            is_requester: roles.0,
            is_compute: roles.1,
            requester: Shell::default(),
            compute: Shell::default(),
            index: BTreeMap::new(),
            engine: Engine::default(),
            content: Content::default(),
            info,
            ups: BTreeSet::new(),
            started: Time(0),
            met: BTreeMap::new(),
            habit: Habit::Honest,
            operator: id,
            prefix: None,
            approved: Approved::default(),
            config,
        }
    }

    /// What its requester is told once.
    #[must_use]
    pub fn requester_config(&self) -> RequesterConfig {
        RequesterConfig {
            node: self.id,
            owner: OwnerId(self.id),
            term: 1,
            boot: self.boot,
            limits: self.config.0.limits.clone(),
            notary: Arc::new(Fake(self.id)),
            approved: self.approved.clone(),
            sabotage: self.config.1,
        }
    }

    /// What its compute machine is told once.
    #[must_use]
    pub fn compute_config(&self) -> ComputeConfig {
        ComputeConfig {
            node: self.id,
            boot: self.boot,
            limits: self.config.0.limits.clone(),
            info: self.info.clone(),
            owners: None,
            price: 0,
            sabotage: self.config.1,
        }
    }

    /// The requester, while it is up.
    #[must_use]
    pub fn requester_core(&self) -> Option<&Requester> {
        self.requester.alive.as_ref().map(|alive| &alive.core)
    }

    /// The requester that is made from its records alone, while it is up.
    #[must_use]
    pub fn shadow(&self) -> Option<&Requester> {
        self.requester.alive.as_ref().map(|alive| &alive.shadow)
    }

    /// The compute machine, while it is up.
    #[must_use]
    pub fn compute_core(&self) -> Option<&Compute> {
        self.compute.alive.as_ref().map(|alive| &alive.core)
    }

    /// What its clock shows.
    #[must_use]
    pub fn now(&self, now: u64) -> Time {
        self.clock.at(now)
    }

    /// A job is over: into the index with it.
    pub fn fold(&mut self, view: Arc<JobView>) {
        let after = self.requester.disk.last();
        self.index.insert(view.job.id, Folded { view, after });
    }

    /// The index is written lazily: a crash may take whatever the log can make again.
    pub fn crash_index(&mut self, sealed: Ticket) {
        self.index.retain(|_, folded| folded.after <= sealed);
    }
}
