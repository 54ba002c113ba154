//! The requester's loop.

pub(crate) mod effects;
pub(crate) mod foreign;
mod proposal;
mod recall;
mod waiters;

use std::collections::BTreeSet;
use std::sync::Arc;

use gadus_model::message::Envelope;
use gadus_model::view::JobView;
use gadus_model::{Execution, Failure, Job, JobId, NodeId, Replay, Time};
use gadus_ports::{BlockExchange, Content, ImageResolver, Inbound, Sidecar, Store, StoreError};
use gadus_protocol::requester::{Input, Requester, SubmitError};
use gadus_protocol::{Effect, Step};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::foreign::Foreign;
use self::waiters::Waiters;
use crate::clock::Clock;
use crate::post::Post;
use crate::pump::Pump;

/// What the loop is told.
pub(crate) enum Command {
    /// Something arrived.
    Net(Inbound),
    /// An execution's proposal was checked; none, if it is not to be believed.
    Proposal { execution: Execution, proposal: Option<Checked> },
    /// Take a job; the answer comes when it is durable.
    Submit { job: Box<Job>, reply: oneshot::Sender<Result<(), SubmitError>> },
    /// Stop a job; the answer comes when that is durable.
    Stop { job: JobId, reason: String, reply: oneshot::Sender<()> },
    /// Tell the job when it has ended (or when it changes, with `change`); `None` when it is not
    /// live.
    Wait { job: JobId, change: bool, reply: oneshot::Sender<Option<Arc<JobView>>> },
    /// Look at the machine; what is seen is durable when the answer comes.
    Query(Query),
    /// Ban a node, or forgive it; the answer comes when that is durable.
    Ban { node: NodeId, is_banned: bool, reply: oneshot::Sender<()> },
    /// An image's digest, or why there is none.
    ImageResolved { job: JobId, result: Result<String, Failure> },
    /// What is known of a job's work.
    Recalled { job: JobId, found: Vec<(Execution, Replay)> },
    /// A result is held, or why not.
    Kept { execution: Execution, result: Result<(), Failure> },
}

/// A proposal whose receipt is signed.
pub(crate) struct Checked {
    from: NodeId,
    message: Box<Envelope>,
    /// All blocks of the result came with it, and are stored.
    kept: bool,
}

/// A look at the machine, and what to do with what was seen once all of it is durable.
pub(crate) type Query = Box<dyn FnOnce(&Requester, Time) -> Reply + Send>;

/// Something to be said when all before it is durable.
pub(crate) type Reply = Box<dyn FnOnce() + Send>;

/// What the loop uses of the world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) post: Post,
    pub(crate) exchange: Arc<dyn BlockExchange>,
    pub(crate) content: Arc<dyn Content>,
    pub(crate) store: Arc<dyn Store>,
    /// Know images by their names; the next is asked where one cannot tell.
    pub(crate) images: Vec<Arc<dyn ImageResolver>>,
    pub(crate) sidecar: Option<Arc<dyn Sidecar>>,
    pub(crate) keeps: Arc<Semaphore>,
    pub(crate) fetch_wait: std::time::Duration,
    pub(crate) foreign: Arc<Foreign>,
    /// How long what is known may be looked for.
    pub(crate) recall_wait: std::time::Duration,
    pub(crate) to_self: mpsc::WeakSender<Command>,
}

/// What waits for a ticket.
#[derive(Default)]
struct Pending {
    effects: Vec<Effect>,
    /// Jobs to which something happened that is waited for, as that made them look.
    changed: Vec<Arc<JobView>>,
    /// Jobs that settled; in the index already, and to be told of.
    settled: Vec<Arc<JobView>>,
    replies: Vec<Reply>,
}

/// The loop's own state.
pub(crate) struct Loop {
    machine: Requester,
    world: World,
    inbox: mpsc::Receiver<Command>,
    pump: Pump<Pending>,
    waiters: Waiters,
    /// Executions whose proposals are being checked.
    checking: BTreeSet<Execution>,
}

/// Steps that may wait for their tickets; beyond that the loop takes no new input.
const PENDING_MAX: usize = 4_096;

impl Loop {
    pub(crate) fn new(machine: Requester, world: World, inbox: mpsc::Receiver<Command>) -> Self {
        let (pump, waiters) = (Pump::default(), Waiters::default());
        Self { machine, world, inbox, pump, waiters, checking: BTreeSet::new() }
    }

    /// Runs until it is told to stop, or the log fails. Whoever waits for an answer learns of
    /// that when the loop is dropped.
    ///
    /// # Errors
    /// The log has failed.
    pub(crate) async fn run(&mut self, stop: CancellationToken) -> Result<(), StoreError> {
        let step = self.machine.resume(self.world.clock.now());
        self.take(step, Vec::new());
        loop {
            while let Some(pending) = self.pump.ready() {
                self.release(pending);
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
                pending = self.pump.next() => self.release(pending?),
                command = self.inbox.recv(), if room => match command {
                    Some(command) => self.command(command),
                    None => return Ok(()),
                },
                () = sleep => self.handle(Input::Tick, Vec::new()),
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Net(inbound) => self.arrived(inbound),
            Command::Proposal { execution, proposal } => {
                self.checking.remove(&execution);
                if let Some(Checked { from, message, kept }) = proposal {
                    self.handle(Input::Message { from, message, kept }, Vec::new());
                }
            }
            Command::Submit { job, reply } => {
                if let Err(refusal) = self.machine.check(&job) {
                    let _ = reply.send(Err(refusal));
                    return;
                }
                let done: Reply = Box::new(move || {
                    let _ = reply.send(Ok(()));
                });
                self.handle(Input::Submit { job, seed: rand::random() }, vec![done]);
            }
            Command::Stop { job, reason, reply } => {
                let done: Reply = Box::new(move || {
                    let _ = reply.send(());
                });
                self.handle(Input::Stop { job, reason }, vec![done]);
            }
            Command::Ban { node, is_banned, reply } => {
                let done: Reply = Box::new(move || {
                    let _ = reply.send(());
                });
                self.handle(Input::Ban { node, is_banned }, vec![done]);
            }
            Command::Wait { job, change, reply } => {
                let view = self.machine.job(job);
                let waits = view.is_some_and(|view| change || !view.state.is_terminal());
                if waits {
                    return self.waiters.add(job, change, reply);
                }
                let view = view.cloned();
                self.reply(Box::new(move || {
                    let _ = reply.send(view);
                }));
            }
            Command::Query(query) => {
                let reply = query(&self.machine, self.world.clock.now());
                self.reply(reply);
            }
            Command::ImageResolved { job, result } => {
                self.handle(Input::ImageResolved { job, result }, Vec::new());
            }
            Command::Recalled { job, found } => {
                self.handle(Input::Recalled { job, found }, Vec::new());
            }
            Command::Kept { execution, result } => {
                self.handle(Input::Kept { execution, result }, Vec::new());
            }
        }
    }

    /// Says something once all before it is durable.
    fn reply(&mut self, reply: Reply) {
        self.pump.push(None, Pending { replies: vec![reply], ..Pending::default() });
    }

    fn handle(&mut self, input: Input, replies: Vec<Reply>) {
        let step = self.machine.handle(self.world.clock.now(), input);
        self.take(step, replies);
    }

    /// Appends a step's events, does at once what does not speak, and lets the rest wait.
    fn take(&mut self, step: Step, replies: Vec<Reply>) {
        let Step { events, effects } = step;
        let ticket = (!events.is_empty()).then(|| self.world.store.append(events));
        let mut pending = Pending { replies, ..Pending::default() };
        for effect in effects {
            if let Effect::Fold(view) = effect {
                // Into the index before any checkpoint leaves the job out.
                self.world.store.fold(view.clone());
                pending.settled.push(view);
            } else if let Effect::Changed(job) = effect {
                // As it is now: what happens later may not be durable when this is told.
                let view = self.machine.job(job).filter(|view| self.waiters.want(view));
                pending.changed.extend(view.cloned());
            } else if effect.speaks() {
                pending.effects.push(effect);
            } else {
                self.at_once(effect);
            }
        }
        self.pump.push(ticket, pending);
        if self.world.store.wants_checkpoint() {
            let snapshots = self.machine.snapshot(self.world.clock.now());
            // The ticket need not be waited for: until the checkpoint counts, the log before it
            // does.
            drop(self.world.store.checkpoint(snapshots));
        }
    }

    /// The results of a job that is over go to the daemon beside this node, where there is one.
    fn offer(&self, view: &JobView) {
        let Some(sidecar) = &self.world.sidecar else { return };
        for execution in &view.executions {
            if let (Some(_), Some(manifest)) = (execution.marks.published_at, &execution.manifest) {
                sidecar.offer(manifest.result);
            }
        }
    }

    fn release(&mut self, pending: Pending) {
        for effect in pending.effects {
            self.perform(effect);
        }
        for view in pending.changed {
            self.waiters.changed(&view);
        }
        for view in pending.settled {
            tracing::info!(job = %view.job.id, state = view.state.as_str(), "job settled");
            self.waiters.changed(&view);
            self.offer(&view);
        }
        for reply in pending.replies {
            reply();
        }
    }
}
