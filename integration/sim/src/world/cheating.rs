//! Nodes that cheat: what they say in place of what their machines say, and what they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use gadus_model::codec::{RAW, cid_of};
use gadus_model::message::{Envelope, Message, Proposal};
use gadus_model::verdict::{Committed, VERDICT_VERSION};
use gadus_model::{
    Claim, CloseBody, CommitBody, Epoch, Execution, JobId, NodeId, OwnerId, Reason, Signed,
};

use super::World;
use super::answers::signed;
use crate::coverage::Situation;
use crate::engine::manifest;
use crate::habit::Habit;
use crate::network::HostNo;

/// A partition of a job.
type Part = (JobId, u32);

/// What opens a commitment.
type Opened = ([u8; 32], Box<Claim>);

/// What cheats know.
#[derive(Debug, Default)]
pub(crate) struct Cheats {
    /// Commitments that were said, and by whom.
    commits: BTreeMap<Part, BTreeMap<NodeId, [u8; 32]>>,
    /// Answers that were shown, and by whom.
    reveals: BTreeMap<Part, BTreeMap<NodeId, Opened>>,
    /// Executions that a node has another's commitment for, and whose.
    copied: BTreeMap<Execution, NodeId>,
    /// Executions that a node has repeated another's answer for.
    repeated: BTreeSet<Execution>,
    /// The first answer that a node has shown.
    first: BTreeMap<HostNo, (Execution, Opened)>,
    /// Executions that were called stopped although they had an answer.
    quit: BTreeSet<Execution>,
}

/// Of a thousand answers to a requester that lies, so many are met by a false set.
const FALSE_SETS: u64 = 300;
/// Of a thousand commitments of a quitter, so many are given up.
const QUITS: u64 = 500;

impl World {
    /// A compute machine speaks; its node may say something else.
    pub(super) fn say_in_its_way(&mut self, at: HostNo, to: NodeId, mut message: Box<Envelope>) {
        let says = match self.truth.hosts[at].habit {
            Habit::Honest | Habit::Liar | Habit::Colluder => true,
            Habit::Copier => {
                self.copy_commitment(at, &mut message.body);
                true
            }
            Habit::Mute => !is_answer(&message.body),
            Habit::Turncoat => {
                turn(&mut message.body);
                true
            }
            Habit::Replayer => {
                self.replay_answer(at, &mut message.body);
                true
            }
            Habit::Quitter => {
                self.quit(at, to, &message);
                true
            }
        };
        if says {
            self.overhear(at, &message.body);
            self.send(at, to, Rc::from(message));
        }
    }

    fn overhear(&mut self, at: HostNo, message: &Message) {
        let node = self.truth.hosts[at].id;
        match message {
            Message::Propose { execution, proposal } => {
                let Proposal::Sealed(commit) = proposal.as_ref() else { return };
                let commits = self.cheats.commits.entry(part(execution)).or_default();
                commits.insert(node, commit.body.commitment);
            }
            Message::Reveal { execution, salt, claim } => {
                let reveals = self.cheats.reveals.entry(part(execution)).or_default();
                reveals.insert(node, (*salt, claim.clone()));
            }
            _ => {}
        }
    }

    fn copy_commitment(&mut self, at: HostNo, message: &mut Message) {
        let Message::Propose { execution, proposal } = message else { return };
        let Proposal::Sealed(commit) = proposal.as_mut() else { return };
        let me = self.truth.hosts[at].id;
        let commits = self.cheats.commits.get(&part(execution));
        let mut others = commits.into_iter().flatten().filter(|(node, _)| **node != me);
        let before = self.cheats.copied.get(execution).copied();
        let copied = match before {
            Some(of) => others.find(|(node, _)| **node == of),
            None => others.next(),
        };
        let Some((of, commitment)) = copied else { return };
        let body = CommitBody { commitment: *commitment, ..commit.body.clone() };
        **commit = signed(me, body);
        self.cheats.copied.insert(execution.clone(), *of);
    }

    /// A set was closed with a commitment that was copied: the node repeats what opens that one,
    /// once it was shown; asked again, it is honest. True: its machine hears nothing of it.
    pub(super) fn repeat_another(&mut self, at: HostNo, from: HostNo, message: &Envelope) -> bool {
        let Message::Close { execution, .. } = &message.body else { return false };
        let Some(of) = self.cheats.copied.get(execution) else { return false };
        let shown = self.cheats.reveals.get(&part(execution)).and_then(|all| all.get(of));
        let Some((salt, mut claim)) = shown.cloned() else { return true };
        if !self.cheats.repeated.insert(execution.clone()) {
            return false;
        }
        claim.receipt.body.node = self.truth.hosts[at].id;
        self.coverage.situation(Situation::AnswerRepeated);
        let body = Message::Reveal { execution: execution.clone(), salt, claim };
        self.say_aside(at, from, message, body);
        true
    }

    fn replay_answer(&mut self, at: HostNo, message: &mut Message) {
        let Message::Reveal { execution, salt, claim } = message else { return };
        let first = || (execution.clone(), (*salt, claim.clone()));
        let (of, (old_salt, old)) = self.cheats.first.entry(at).or_insert_with(first).clone();
        if of == *execution {
            return;
        }
        (*salt, *claim) = (old_salt, old);
        if self.dice.chance(300) {
            *execution = of;
        }
        self.coverage.situation(Situation::AnswerReplayed);
    }

    fn quit(&mut self, at: HostNo, to: NodeId, message: &Envelope) {
        let Message::Propose { execution, proposal } = &message.body else { return };
        let sealed = matches!(proposal.as_ref(), Proposal::Sealed(_));
        if !sealed || !self.cheats.quit.insert(execution.clone()) || !self.dice.chance(QUITS) {
            return;
        }
        let stopped = Message::Stopped { execution: execution.clone() };
        if let Some(to) = self.truth.place(to) {
            self.say_aside(at, to, message, stopped);
        }
    }

    /// Says something that no machine has thought of, as an answer to or beside a message.
    fn say_aside(&mut self, at: HostNo, to: HostNo, beside: &Envelope, body: Message) {
        let (boot, to) = (self.truth.hosts[at].boot, self.truth.hosts[to].id);
        self.send(at, to, Rc::new(Envelope { boot, body, ..beside.clone() }));
    }

    /// A requester's node that lies shows a set that no round was closed with, to learn an answer
    /// before its time.
    pub(super) fn show_false_set(&mut self, at: HostNo, from: HostNo, message: &Envelope) {
        let Message::Propose { execution, proposal } = &message.body else { return };
        let Proposal::Sealed(commit) = proposal.as_ref() else { return };
        let lies = self.truth.swarm.company.false_sets && at == 0;
        if !lies || !self.dice.chance(FALSE_SETS) {
            return;
        }
        let Some((owner, term)) = self.truth.hosts[at].requester_core().map(|c| c.identity())
        else {
            return;
        };
        let (me, node) = (self.truth.hosts[at].id, self.truth.hosts[from].id);
        let equal = self.truth.level(execution.slot.job).equal();
        let body = false_set(self.dice.below(4), (node, commit), equal);
        self.coverage.situation(Situation::FalseSet);
        let close = Box::new(signed(me, body));
        self.say_false_close(at, from, (owner, term), execution.clone(), close);
    }

    fn say_false_close(
        &mut self,
        at: HostNo,
        to: HostNo,
        (owner, term): (OwnerId, u64),
        execution: Execution,
        close: Box<Signed<CloseBody>>,
    ) {
        let (v, boot) = (gadus_model::message::MESSAGE_VERSION, self.truth.hosts[at].boot);
        let body = Message::Close { execution, close };
        let to = self.truth.hosts[to].id;
        self.send(at, to, Rc::new(Envelope { v, owner, term, boot, seq: 0, body }));
    }
}

fn part(execution: &Execution) -> Part {
    (execution.slot.job, execution.slot.partition)
}

fn is_answer(message: &Message) -> bool {
    matches!(
        message,
        Message::Reveal { .. } | Message::Refused { reason: Reason::Unrevealed(_), .. }
    )
}

/// Another answer in place of the one that was committed to.
fn turn(message: &mut Message) {
    let Message::Reveal { claim, .. } = message else { return };
    claim.manifest = manifest(cid_of(RAW, b"second thoughts"));
    claim.receipt.body.manifest = claim.manifest.cid().unwrap_or(claim.manifest.result);
}

/// A set that a node must not answer: too small, without its commitment, with its commitment
/// twice, or of other work.
fn false_set(kind: u64, (node, commit): (NodeId, &Signed<CommitBody>), equal: u32) -> CloseBody {
    let CommitBody { task, execution, commitment } = commit.body.clone();
    let slot = execution.slot.clone();
    let own = Committed { node, execution, commitment };
    let invented = |n: u32| Committed {
        node: NodeId([u8::try_from(n).unwrap_or(u8::MAX); 32]),
        execution: Execution { epoch: Epoch { term: 1, n }, ..own.execution.clone() },
        commitment: [7; 32],
    };
    let others = (1..=equal).map(invented);
    let (task, mut set) = match kind {
        0 if equal > 1 => (task, vec![own.clone()]),
        1 => (task, others.collect()),
        2 if equal > 1 => (task, vec![own.clone(); equal as usize]),
        _ => (cid_of(RAW, b"other work"), others.chain([own.clone()]).collect()),
    };
    set.sort();
    let (job, version) = (slot.job, slot.version);
    CloseBody { v: VERDICT_VERSION, job, version, task, round: 1, set }
}
