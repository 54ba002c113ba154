//! What is known is not run again: a task that was verified is answered by its result, and of
//! equal tasks at once the first runs and the others wait for it.
//!
//! The memory itself is the shell's ([`Effect::Recall`]): it looks the task up, and sees to it that
//! the result is here before it says so. Whether what it found will do is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadus_model::event::JobEvent;
use gadus_model::verdict::Decision;
use gadus_model::view::JobView;
use gadus_model::{
    Cid, Class, Completion, Durability, Epoch, Execution, Job, JobId, JobState, Origin,
    PROFILE_DET_1, Placement, QUORUM_MAX, Quorum, Replay, Time, Verification,
};

use super::Requester;
use super::log::JobLog;
use crate::sabotage::Sabotage;
use crate::step::{Effect, Lookup};

/// How far a job is with asking the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// It is to be asked; or an equal job is waited for.
    Due,
    /// It was asked, and is waited for until this time.
    Asked(Time),
    /// Nodes are looked for.
    Over,
}

/// Live jobs whose results are checked, by the task of their first partition, oldest first.
#[derive(Debug, Default)]
pub(super) struct Equals(BTreeMap<Cid, BTreeSet<(Time, JobId)>>);

impl Equals {
    pub(super) fn insert(&mut self, task: Cid, job: (Time, JobId)) {
        self.0.entry(task).or_default().insert(job);
    }

    pub(super) fn remove(&mut self, task: Cid, job: (Time, JobId)) {
        if let Some(jobs) = self.0.get_mut(&task) {
            jobs.remove(&job);
            if jobs.is_empty() {
                self.0.remove(&task);
            }
        }
    }

    /// All jobs of a task.
    fn of(&self, task: &Cid) -> impl Iterator<Item = (Time, JobId)> + '_ {
        self.0.get(task).into_iter().flatten().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The name of a job's work, where its answer may be one that is known: the same everywhere, and
/// wanted for its own sake.
pub(super) fn rememberable(log: &JobLog) -> Option<Cid> {
    let Job { kind, context, .. } = &log.view.job;
    let (_, task) = log.view.job.task()?;
    let is_det = task.det.as_ref().is_some_and(|det| det.profile == PROFILE_DET_1);
    let is_ranked = matches!(kind.placement, Placement::Ranked { .. });
    let stays_here =
        !context.publisher.is_external() && !matches!(context.durability, Durability::Replicas(_));
    let may = is_det
        && is_ranked
        && stays_here
        && kind.completion == Completion::AllSlots
        && context.class == Class::Pure;
    if !may {
        return None;
    }
    log.task_of((0, 0))?.cid().ok()
}

impl Requester {
    /// Asks for what is known of a job's work. True: nothing more is to be waited for.
    pub(super) fn is_recalled(&mut self, now: Time, id: JobId) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return true };
        let fresh = entry.log.view.job.context.fresh || entry.soft.task.is_none();
        let next = match entry.soft.recall {
            Recall::Over => return true,
            Recall::Due | Recall::Asked(_) if fresh || entry.log.has_begun() => Recall::Over,
            Recall::Asked(until) if now < until => return false,
            asked @ (Recall::Asked(_) | Recall::Due) => match self.equal_under_way(id) {
                Some(to) => {
                    self.defer(now, id, to);
                    Recall::Due
                }
                None if asked == Recall::Due => {
                    self.ask_memory(id);
                    Recall::Asked(now.plus_ms(self.config.limits.recall_ms))
                }
                None => Recall::Over,
            },
        };
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.recall = next;
        }
        next == Recall::Over
    }

    /// A job that does the same work, checked as hard, and is ahead of this one. It is to want the
    /// same of nodes, or it could choose those that keep this one waiting; and what only waits for
    /// nodes itself is not waited for.
    fn equal_under_way(&self, id: JobId) -> Option<JobId> {
        let entry = self.jobs.get(&id)?;
        let mine = &entry.log.view.job.context;
        let asked = mine.verification;
        if !asked.is_sealed() || self.config.sabotage == Some(Sabotage::RunBesideEqual) {
            return None;
        }
        let me = (entry.log.view.created_at, id);
        let is_ahead = |(at, other): &(Time, JobId)| {
            let Some(entry) = self.jobs.get(other).filter(|_| *other != id) else { return false };
            let view = &entry.log.view;
            let theirs = &view.job.context;
            let level = theirs.verification;
            let is_of_same_nodes =
                theirs.constraints == mine.constraints && theirs.resources == mine.resources;
            is_of_same_nodes
                && matches!(level, Verification::Quorum(_))
                && level.is_at_least(&asked)
                && !view.state.is_terminal()
                && view.state != JobState::Queued
                && (entry.log.has_begun() || (*at, *other) < me)
        };
        self.equals.of(&entry.soft.task?).find(is_ahead).map(|(_, other)| other)
    }

    fn defer(&mut self, now: Time, id: JobId, to: JobId) {
        if self.jobs.get(&id).is_some_and(|entry| entry.log.deferred_to != Some(to)) {
            self.emit(now, id, JobEvent::Deferred { to });
        }
    }

    fn ask_memory(&mut self, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let log = &entry.log;
        let epoch = Epoch { term: self.config.term, n: 0 };
        let wanted = (0..log.partitions()).filter_map(|partition| {
            let seat = (partition, 0);
            Some((Execution { slot: log.slot(seat), epoch }, log.task_of(seat)?.cid().ok()?))
        });
        let lookup = Lookup {
            job: id,
            level: log.view.job.context.verification,
            retention_ms: log.view.job.context.retention_ms,
            wanted: wanted.collect(),
            known: entry.soft.task.map(|task| self.just_completed(&task)).unwrap_or_default(),
        };
        self.step.effects.push(Effect::Recall(Box::new(lookup)));
    }

    /// Jobs of a task that are done, while something of them is still to be stopped.
    fn just_completed(&self, task: &Cid) -> Vec<Arc<JobView>> {
        let views = self.equals.of(task).filter_map(|(_, id)| self.job(id));
        views.filter(|view| view.state == JobState::Completed).cloned().collect()
    }

    /// What the memory has.
    pub(super) fn recalled(&mut self, now: Time, id: JobId, found: Vec<(Execution, Replay)>) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if entry.log.view.state.is_terminal() || !matches!(entry.soft.recall, Recall::Asked(_)) {
            return;
        }
        // Nothing more is waited for; unless an equal job has begun meanwhile.
        entry.soft.recall = Recall::Asked(now);
        for (execution, mut replay) in found {
            let Some(worth) = self.worth(&replay.origin) else { continue };
            replay.origin.level = worth;
            if self.may_replay(id, &execution, &replay) {
                let (replay, holders) = (Box::new(replay), vec![self.config.node]);
                self.emit(now, id, JobEvent::Replayed { execution, replay, holders });
            }
        }
        self.advance(now, id);
    }

    /// How hard an answer was checked, by the word of whom this requester believes: its own verdicts
    /// are what they say, of another requester's only the voters count that are trusted here. None:
    /// they are too few.
    #[must_use]
    pub fn worth(&self, origin: &Origin) -> Option<Verification> {
        if origin.verdict.node == self.config.node {
            return Some(origin.level);
        }
        let trusted = origin.voters.iter().filter(|node| self.is_trusted(**node)).count();
        let trusted = u32::try_from(trusted).unwrap_or(u32::MAX).min(QUORUM_MAX);
        Quorum::new(trusted, trusted).map(Verification::Quorum).ok()
    }

    /// Whether a known answer is one to this job's work, was checked as hard as is asked for, and
    /// nobody whose word it is has been caught since.
    fn may_replay(&self, id: JobId, execution: &Execution, replay: &Replay) -> bool {
        let Some(log) = self.jobs.get(&id).map(|entry| &entry.log) else { return false };
        let seat = super::log::seat_of(&execution.slot);
        let is_open = execution.slot == log.slot(seat)
            && execution.epoch.n == 0
            && seat.0 < log.partitions()
            && log.newest(seat).is_none();
        let Replay { origin, claim, .. } = replay;
        let body = &claim.receipt.body;
        let task = log.task_of(seat).and_then(|task| task.cid().ok());
        let is_of_task = task == Some(origin.task()) && task == Some(body.task);
        let decided = Decision::Accepted { manifest: body.manifest };
        let is_its_answer = origin.verdict.body.decision == decided
            && claim.manifest.cid().is_ok_and(|cid| cid == body.manifest);
        let sabotage = self.config.sabotage;
        let asked = log.view.job.context.verification;
        let is_hard_enough =
            origin.level.is_at_least(&asked) || sabotage == Some(Sabotage::RecallWeaker);
        let is_of_honest = !origin.voters.iter().any(|node| self.trust.is_banned(*node))
            || sabotage == Some(Sabotage::RecallLiars);
        is_open && is_of_task && is_its_answer && is_hard_enough && is_of_honest
    }

    /// Jobs of the same work look again whether there is something to wait for.
    pub(super) fn wake_equals(&mut self, id: JobId) {
        let Some(task) = self.jobs.get(&id).and_then(|entry| entry.soft.task) else { return };
        let others = self.equals.of(&task).map(|(_, other)| other);
        self.ready.extend(others.filter(|other| *other != id));
    }
}
