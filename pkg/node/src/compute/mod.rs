//! The compute node's loop.

mod effects;
mod facts;
mod inputs;
mod local;
mod profile;
mod run;
mod seal;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gadus_auth::NodeKey;
use gadus_model::event::Seal;
use gadus_model::message::{Gossip, InlineBlock, Message};
use gadus_model::{
    Claim, Engine, EngineInfo, Execution, ExecutionId, Failure, NodeId, NodeInfo, Place,
};
use gadus_ports::{
    BlockExchange, Content, Executor, Inbound, Publisher, Store, StoreError, Transport,
};
use gadus_protocol::compute::{Compute, Input};
use gadus_protocol::{Effect, Step};
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::post::Post;
use crate::pump::Pump;
use crate::server::Server;

/// What the loop is told.
pub(crate) enum Command {
    /// Something arrived.
    Net(Inbound),
    /// A run ended.
    Ran { execution: Execution, result: Result<Done, Failure> },
    /// A result is public.
    Promoted { execution: Execution },
    /// A result was brought to where its job wants it, or cannot be.
    Placed { execution: Execution, place: Result<Place, Failure> },
    /// A result of another node is here, or could not be had.
    Kept { execution: Execution, result: Result<(), Failure> },
    /// Engines or capacity changed.
    Info(Box<NodeInfo>),
    /// Tell what must not be reaped, and what this node says of itself.
    Look { reply: oneshot::Sender<Look> },
}

/// What the loop tells of itself.
pub(crate) struct Look {
    pub(crate) executions: BTreeSet<ExecutionId>,
    pub(crate) info: NodeInfo,
}

/// A run that came to an answer.
pub(crate) struct Done {
    pub(crate) claim: Box<Claim>,
    pub(crate) blocks: Vec<InlineBlock>,
    /// Of sealed work.
    pub(crate) seal: Option<Box<Seal>>,
}

/// What the loop and its runs use of the world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) key: Arc<NodeKey>,
    pub(crate) node: NodeId,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) post: Post,
    pub(crate) exchange: Arc<dyn BlockExchange>,
    pub(crate) content: Arc<dyn Content>,
    pub(crate) executors: BTreeMap<Engine, Arc<dyn Executor>>,
    /// What each of them was at the last look.
    pub(crate) engines: Arc<RwLock<BTreeMap<Engine, EngineInfo>>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) server: Arc<Server>,
    pub(crate) publisher: Option<Arc<dyn Publisher>>,
    pub(crate) scratch_dir: PathBuf,
    pub(crate) fetch_wait: Duration,
    pub(crate) to_self: mpsc::WeakSender<Command>,
}

impl World {
    pub(crate) fn scratch(&self, execution: ExecutionId) -> PathBuf {
        self.scratch_dir.join(execution.to_string())
    }

    /// What ran something, as of the last look: a look of its own would cost each run more than
    /// telling a version apart that changed seconds ago is worth.
    pub(crate) async fn engine_id(&self, executor: &dyn Executor) -> Result<String, Failure> {
        let known = self.engines.read().get(&executor.engine()).map(|info| info.id.clone());
        match known {
            Some(id) => Ok(id),
            None => Ok(executor.probe().await?.id),
        }
    }

    pub(crate) async fn tell(&self, command: Command) {
        if let Some(to) = self.to_self.upgrade() {
            // The loop has ended: nobody needs to know.
            let _ = to.send(command).await;
        }
    }
}

/// The loop's own state.
pub(crate) struct Loop {
    machine: Compute,
    world: World,
    inbox: mpsc::Receiver<Command>,
    pump: Pump<Vec<Effect>>,
    /// What runs, and how to stop it.
    runs: BTreeMap<Execution, CancellationToken>,
}

/// Steps that may wait for their tickets; beyond that the loop takes no new input.
const PENDING_MAX: usize = 4_096;

impl Loop {
    pub(crate) fn new(machine: Compute, world: World, inbox: mpsc::Receiver<Command>) -> Self {
        Self { machine, world, inbox, pump: Pump::default(), runs: BTreeMap::new() }
    }

    /// Runs until it is told to stop, or the log fails. Runs that survive a restart go on.
    ///
    /// # Errors
    /// The log has failed.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), StoreError> {
        let step = self.machine.resume(self.world.clock.now());
        self.take(step);
        loop {
            while let Some(effects) = self.pump.ready() {
                self.release(effects);
            }
            let room = self.pump.len() < PENDING_MAX;
            let wake = self.machine.next_deadline().map(|at| self.world.clock.until(at));
            let sleep = async {
                match wake {
                    Some(after) => tokio::time::sleep(after).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                effects = self.pump.next() => {
                    let effects = effects?;
                    self.release(effects);
                }
                command = self.inbox.recv(), if room => match command {
                    Some(command) => self.command(command),
                    None => return Ok(()),
                },
                () = sleep => self.handle(Input::Tick),
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Net(inbound) => self.arrived(inbound),
            Command::Ran { execution, result } => {
                self.runs.remove(&execution);
                self.world.server.logbook.end(execution.id());
                self.handle(match result {
                    Ok(Done { claim, blocks, seal }) => {
                        Input::Finished { execution, claim, blocks, seal }
                    }
                    Err(failure) => Input::Failed { execution, failure },
                });
            }
            Command::Promoted { execution } => self.handle(Input::Promoted { execution }),
            Command::Placed { execution, place } => {
                self.handle(Input::Placed { execution, place });
            }
            Command::Kept { execution, result } => self.handle(Input::Kept { execution, result }),
            Command::Info(info) => self.handle(Input::Info(info)),
            Command::Look { reply } => {
                let executions = self.machine.executions().chain(self.runs.keys());
                let executions = executions.map(Execution::id).collect();
                // Whoever asked may be gone.
                let _ = reply.send(Look { executions, info: self.machine.info() });
            }
        }
    }

    fn arrived(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Message { from, message } => {
                if let Message::Ask(announcement) = message.body {
                    let (owner, term) = (message.owner, message.term);
                    return self.announced(from, owner, term, announcement, true);
                }
                // What is not held for who says so is refused, signed or not.
                if let Message::Close { execution, close } = &message.body
                    && self.machine.owner_of(execution).is_some_and(|(_, to)| to == from)
                    && let Err(error) = gadus_auth::verified(close)
                {
                    return tracing::warn!(%from, ?execution, %error, "a closed set is not signed");
                }
                self.handle(Input::Message { from, message });
            }
            Inbound::Gossip { from, gossip } => {
                let Gossip { v: _, owner, term, announcements, filled: rounds } = *gossip;
                for announcement in announcements {
                    self.announced(from, owner, term, announcement, false);
                }
                if !rounds.is_empty() {
                    self.handle(Input::Filled { from, owner, term, rounds });
                }
            }
            Inbound::Up { node, prefix: _ } => self.handle(Input::Up(node)),
            Inbound::Down(node) => self.handle(Input::Down(node)),
        }
    }

    fn handle(&mut self, input: Input) {
        let step = self.machine.handle(self.world.clock.now(), input);
        self.take(step);
    }

    /// Appends a step's events, does at once what does not speak, and lets the rest wait.
    fn take(&mut self, step: Step) {
        let Step { events, effects } = step;
        let ticket = (!events.is_empty()).then(|| self.world.store.append(events));
        let mut later = Vec::new();
        for effect in effects {
            if effect.speaks() {
                later.push(effect);
            } else {
                self.perform(effect);
            }
        }
        self.pump.push(ticket, later);
        if self.world.store.wants_checkpoint() {
            let snapshots = self.machine.snapshot(self.world.clock.now());
            // Until the checkpoint counts, the log before it does.
            drop(self.world.store.checkpoint(snapshots));
        }
    }

    fn release(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.perform(effect);
        }
    }
}

pub use local::{LocalAnswer, LocalRun, run_here};
pub(crate) use upkeep::{clean_up, probe, reap};
