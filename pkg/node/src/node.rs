//! Putting a node together, and taking it apart.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use gadus_auth::NodeKey;
use gadus_model::event::Record;
use gadus_model::{NodeId, NodeInfo, OwnerId, PublisherSpec, Time};
use gadus_ports::{
    BlockExchange, Content, Executor, ImageResolver, Inbound, LogExchange, Publisher, Sidecar,
    Sources, Store, StoreError, Transport,
};
use gadus_protocol::{Compute, ComputeConfig, Requester, RequesterConfig};
use parking_lot::RwLock;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::notary::KeyNotary;
use crate::post::Post;
use crate::relay::Relay;
use crate::requester::foreign::Foreign;
use crate::server::Server;
use crate::{compute, inbox, requester};

/// Everything of the world that a node stands on.
pub struct Parts {
    /// Its key.
    pub key: Arc<NodeKey>,
    /// Messages.
    pub transport: Arc<dyn Transport>,
    /// Blocks of peers.
    pub exchange: Arc<dyn BlockExchange>,
    /// Logs of peers.
    pub log_exchange: Arc<dyn LogExchange>,
    /// Its own content.
    pub content: Arc<dyn Content>,
    /// Where inputs come from that are not content yet.
    pub sources: Arc<dyn Sources>,
    /// What brings results to other places.
    pub publisher: Option<Arc<dyn Publisher>>,
    /// What keeps results besides.
    pub sidecar: Option<Arc<dyn Sidecar>>,
    /// What it can run.
    pub executors: Vec<Arc<dyn Executor>>,
    /// What a requester asks for the digest of an image that no bid names: the next where one
    /// cannot tell.
    pub images: Vec<Arc<dyn ImageResolver>>,
    /// The requester's log.
    pub requester_store: Arc<dyn Store>,
    /// The compute node's log.
    pub compute_store: Arc<dyn Store>,
    /// What the transport serves from.
    pub server: Arc<Server>,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A log cannot be read.
    #[error("the {role}'s log cannot be replayed")]
    Replay {
        /// `requester` or `compute node`.
        role: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// What is kept of other requesters' verdicts cannot be told.
    #[error("the pins of the content store cannot be read")]
    Verdicts(#[source] gadus_ports::ContentError),
    /// Somebody else has what arrives.
    #[error("the transport is in use already")]
    NoInbound,
}

/// A running node.
pub struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) clock: Clock,
    pub(crate) content: Arc<dyn Content>,
    pub(crate) sources: Arc<dyn Sources>,
    pub(crate) publisher: Option<Arc<dyn Publisher>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) exchange: Arc<dyn BlockExchange>,
    pub(crate) log_exchange: Arc<dyn LogExchange>,
    pub(crate) server: Arc<Server>,
    pub(crate) store: Arc<dyn Store>,
    /// Verdicts of other requesters.
    pub(crate) foreign: Arc<Foreign>,
    pub(crate) requester: Option<mpsc::Sender<requester::Command>>,
    pub(crate) compute: Option<mpsc::Sender<compute::Command>>,
    /// What this node says of itself, engines included.
    pub(crate) info: RwLock<NodeInfo>,
    /// One submission per idempotency key at a time.
    pub(crate) keys: crate::service::KeyGate,
    /// Why the requester's log takes nothing any more, once it does not.
    pub(crate) log_failure: Arc<OnceLock<StoreError>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    fatal: parking_lot::Mutex<Option<oneshot::Receiver<StoreError>>>,
}

/// The term of a network's only requester.
const TERM: u64 = 1;

impl Node {
    /// Replays the logs, clears up after a crash, and starts the loops.
    ///
    /// # Errors
    /// A log cannot be replayed.
    pub async fn start(config: NodeConfig, parts: Parts) -> Result<Arc<Self>, StartError> {
        let id = parts.key.id();
        let replay = |store: &Arc<dyn Store>, role: &'static str, on: bool| match on {
            true => store.replay().map_err(|source| StartError::Replay { role, source }),
            false => Ok(Vec::new()),
        };
        let jobs = replay(&parts.requester_store, "requester", config.requester)?;
        let runs = replay(&parts.compute_store, "compute node", config.compute)?;
        let floor = newest(&jobs).max(newest(&runs));
        let clock = Clock::new(floor);
        let inbound = parts.transport.inbound().ok_or(StartError::NoInbound)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (fail, fatal) = mpsc::channel::<StoreError>(2);
        let base = base_info(&config, &parts);
        if config.requester {
            let relay = Relay::new(parts.exchange.clone(), config.relays_max);
            parts.server.relay_through(relay, parts.transport.clone());
        }
        let log_failure = Arc::new(OnceLock::new());
        let foreign = match config.requester {
            true => Foreign::load(&*parts.content).await.map_err(StartError::Verdicts)?,
            false => Foreign::default(),
        };
        let foreign = Arc::new(foreign);
        let requester = config.requester.then(|| {
            let (to, run) = requester_loop(&config, &parts, &clock, jobs, foreign.clone());
            tasks.spawn(run_requester(run, stop.clone(), log_failure.clone(), fail.clone()));
            to
        });
        let (compute, info) = if config.compute {
            let (to, info) =
                start_compute(&config, &parts, &clock, base, runs, &stop, &tasks, fail).await;
            (Some(to), info)
        } else {
            (None, base)
        };
        if let Some(compute) = compute.as_ref().filter(|_| config.requester) {
            // It bids to its own requester through the same messages as everybody else.
            let up = Inbound::Up { node: id, prefix: None };
            let _ = compute.send(compute::Command::Net(up)).await;
        }
        let sort = inbox::sort(inbound, requester.clone(), compute.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(sort));
        let node = Self {
            clock,
            content: parts.content,
            sources: parts.sources,
            publisher: parts.publisher,
            transport: parts.transport,
            exchange: parts.exchange,
            log_exchange: parts.log_exchange,
            server: parts.server,
            store: parts.requester_store,
            foreign,
            requester,
            compute,
            info: RwLock::new(info),
            keys: crate::service::KeyGate::default(),
            log_failure,
            stop,
            tasks,
            fatal: parking_lot::Mutex::new(Some(first(fatal))),
            config,
        };
        Ok(Arc::new(node))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.transport.node_id()
    }

    /// Resolves when a log has failed: the process must end, since what it says could be a lie.
    /// The first call gets it.
    pub fn fatal(&self) -> Option<oneshot::Receiver<StoreError>> {
        self.fatal.lock().take()
    }

    /// Stops the loops. Runs that survive a restart go on; nothing is lost that was said.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What a node says of itself before anybody has looked at its engines.
fn base_info(config: &NodeConfig, parts: &Parts) -> NodeInfo {
    let (id, addresses) = (parts.key.id(), parts.transport.addresses());
    let mut publishers = vec![PublisherSpec::Ipfs.kind().to_owned()];
    publishers.extend(parts.publisher.iter().flat_map(|publisher| publisher.kinds()));
    NodeInfo { id, addresses, publishers, ..config.info.clone() }
}

/// The requester's loop as its log left it, and the way to it.
fn requester_loop(
    config: &NodeConfig,
    parts: &Parts,
    clock: &Clock,
    jobs: Vec<Record>,
    foreign: Arc<Foreign>,
) -> (mpsc::Sender<requester::Command>, requester::Loop) {
    let (to, inbox) = mpsc::channel(config.inbox_max);
    let world = requester_world(config, parts, clock, &to, foreign);
    let machine = Requester::replay(requester_config(config, &parts.key, clock), jobs);
    (to, requester::Loop::new(machine, world, inbox))
}

/// Runs it to its end. A failure of the log is known before those who wait for an answer are let
/// go without one.
async fn run_requester(
    mut run: requester::Loop,
    stop: CancellationToken,
    log_failure: Arc<OnceLock<StoreError>>,
    fail: mpsc::Sender<StoreError>,
) {
    if let Err(error) = run.run(stop).await {
        let error = log_failure.get_or_init(|| error).clone();
        drop(run);
        // Who would hear of it is gone.
        let _ = fail.send(error).await;
    }
}

fn newest(records: &[Record]) -> Time {
    records.iter().map(|r| r.at).max().unwrap_or_default()
}

fn first(mut errors: mpsc::Receiver<StoreError>) -> oneshot::Receiver<StoreError> {
    let (tx, rx) = oneshot::channel();
    tokio::spawn(async move {
        if let Some(error) = errors.recv().await {
            tracing::error!(%error, "the log has failed");
            let _ = tx.send(error);
        }
    });
    rx
}

fn requester_config(config: &NodeConfig, key: &Arc<NodeKey>, clock: &Clock) -> RequesterConfig {
    let node = key.id();
    RequesterConfig {
        node,
        owner: OwnerId(node),
        term: TERM,
        boot: clock.boot(),
        limits: config.limits.clone(),
        notary: Arc::new(KeyNotary(key.clone())),
        approved: config.approved.clone(),
        sabotage: None,
    }
}

fn requester_world(
    config: &NodeConfig,
    parts: &Parts,
    clock: &Clock,
    to: &mpsc::Sender<requester::Command>,
    foreign: Arc<Foreign>,
) -> requester::World {
    requester::World {
        clock: clock.clone(),
        post: Post::new(parts.transport.clone(), config.requester_crash_at.clone()),
        exchange: parts.exchange.clone(),
        content: parts.content.clone(),
        store: parts.requester_store.clone(),
        images: parts.images.clone(),
        sidecar: parts.sidecar.clone(),
        keeps: Arc::new(Semaphore::new(config.keeps_max)),
        fetch_wait: config.fetch_wait,
        foreign,
        // The machine does not wait for longer than the whole of it.
        recall_wait: std::time::Duration::from_millis(config.limits.recall_ms / 4 * 3),
        to_self: to.downgrade(),
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "called once; a struct for it would only be taken apart again"
)]
async fn start_compute(
    config: &NodeConfig,
    parts: &Parts,
    clock: &Clock,
    base: NodeInfo,
    records: Vec<Record>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
    fail: mpsc::Sender<StoreError>,
) -> (mpsc::Sender<compute::Command>, NodeInfo) {
    let (to, inbox) = mpsc::channel(config.inbox_max);
    let executors = parts.executors.iter().map(|e| (e.engine(), e.clone()));
    let world = compute::World {
        clock: clock.clone(),
        key: parts.key.clone(),
        node: parts.key.id(),
        transport: parts.transport.clone(),
        post: Post::new(parts.transport.clone(), config.compute_crash_at.clone()),
        exchange: parts.exchange.clone(),
        content: parts.content.clone(),
        executors: executors.collect::<BTreeMap<_, _>>(),
        engines: Arc::default(),
        store: parts.compute_store.clone(),
        server: parts.server.clone(),
        publisher: parts.publisher.clone(),
        scratch_dir: config.scratch_dir.clone(),
        fetch_wait: config.fetch_wait,
        to_self: to.downgrade(),
    };
    let info = compute::probe(&world, &base).await;
    let machine_config = ComputeConfig {
        node: parts.key.id(),
        boot: clock.boot(),
        limits: config.limits.clone(),
        info: info.clone(),
        owners: config.owners.clone(),
        price: config.price,
        sabotage: None,
    };
    let machine = Compute::replay(machine_config, records);
    let known = machine.executions().map(gadus_model::Execution::id).collect();
    compute::clean_up(&world, &known).await;
    let run = compute::Loop::new(machine, world.clone(), inbox).run(stop.clone());
    tasks.spawn(async move {
        if let Err(error) = run.await {
            let _ = fail.send(error).await;
        }
    });
    tasks.spawn(upkeep(world, config.clone(), base, info.clone(), stop.clone()));
    (to, info)
}

/// Looks at the engines and reaps, from time to time, until the node stops.
async fn upkeep(
    world: compute::World,
    config: NodeConfig,
    base: NodeInfo,
    mut last: NodeInfo,
    stop: CancellationToken,
) {
    let probing = async {
        let mut every = tokio::time::interval(config.probe_every);
        every.tick().await;
        loop {
            every.tick().await;
            let info = compute::probe(&world, &base).await;
            if info != last {
                last = info.clone();
                world.tell(compute::Command::Info(Box::new(info))).await;
            }
        }
    };
    tokio::select! {
        () = probing => {}
        () = compute::reap(&world, &config) => {}
        () = stop.cancelled() => {}
    }
}
