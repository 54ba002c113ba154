//! Giving seats away, and waiting for the nodes' answers.

use gadus_model::event::JobEvent;
use gadus_model::message::{Award, Message, RoundId};
use gadus_model::{
    Code, Epoch, Execution, ExecutionState, Failure, Image, JobId, JobState, NodeId, Plan, Reason,
    Time,
};

use super::Requester;
use super::log::{Seat, seat_of, with_hint};
use super::soft::Unanswered;
use super::stop::lease_end;
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;
use crate::step::Effect;

/// Of an award that is neither repeated nor given up.
const NEVER: Time = Time(u64::MAX);

impl Requester {
    /// Gives a seat to a bidder, durably; the award is sent by [`Self::tend_awards`].
    pub(super) fn award(&mut self, now: Time, id: JobId, seat: Seat, node: NodeId, plan: &Plan) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.rounds_in_vain = 0;
        if let Some(offer) = entry.soft.round.as_mut().and_then(|r| r.bids.get_mut(&node)) {
            offer.taken += 1;
        }
        let last = entry.log.newest(seat).map_or(0, |e| e.execution.epoch.n);
        let reuse = self.config.sabotage == Some(Sabotage::ReuseEpoch);
        let n = if reuse { last.max(1) } else { last + 1 };
        let epoch = Epoch { term: self.config.term, n };
        let execution = Execution { slot: entry.log.slot(seat), epoch };
        let plan = Box::new(plan.clone());
        self.emit(now, id, JobEvent::Awarded { execution, node, plan });
        self.tend_awards(now, id);
    }

    /// Sends awards until they are answered, and gives up those that are not in time.
    pub(super) fn tend_awards(&mut self, now: Time, id: JobId) {
        let limits = &self.config.limits;
        let once = self.config.sabotage == Some(Sabotage::AwardOnce);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let (mut send, mut late) = (Vec::new(), Vec::new());
        for e in entry.log.in_state(ExecutionState::Awarded) {
            let award = entry.soft.awards.entry(e.execution.clone());
            let award = award.or_insert_with(|| Unanswered {
                repeat: Repeat::now(now),
                until: self.absent.patience(now, e.node, limits.award_ms),
            });
            if now >= award.until {
                late.push((e.execution.clone(), e.node));
            } else if award.repeat.due(now, limits) {
                send.push((e.execution.clone(), e.node));
                if once {
                    (award.repeat.at, award.until) = (NEVER, NEVER);
                }
            }
        }
        for (execution, node) in send {
            self.send_award(id, &execution, node);
        }
        for (execution, node) in late {
            let why = match self.absent.contains(node) {
                true => "its node was not heard of after the requester's restart".to_owned(),
                false => {
                    format!("the award was not answered for {} ms", self.config.limits.award_ms)
                }
            };
            self.lose(now, id, &execution, why);
        }
    }

    fn send_award(&mut self, id: JobId, execution: &Execution, node: NodeId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let log = &entry.log;
        let Some(task) = log.task_of(seat_of(&execution.slot)) else { return };
        let Some(attempt) = log.attempt(execution) else { return };
        let award = Award {
            execution: execution.clone(),
            round: RoundId { job: id, version: log.view.job.version, round: attempt.round },
            lease_ms: self.config.limits.lease_ms,
            job_type: log.view.job.kind.job_type().as_str().to_owned(),
            task,
            context: log.view.job.context.clone(),
        };
        self.say(node, Message::Award(Box::new(award)));
    }

    pub(super) fn granted(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        (boot, seq): (u64, u64),
    ) {
        let id = execution.slot.job;
        let ends = lease_end(now, &self.config.limits);
        let live = self.is_live(id);
        let Some(entry) = self.jobs.get_mut(&id) else {
            return self.say(from, Message::Stop { execution: execution.clone() });
        };
        let state = entry.log.execution_of(from, execution).map(|e| e.state);
        match state {
            Some(ExecutionState::Awarded) if live => {
                entry.soft.awards.remove(execution);
                entry.soft.leases.insert(execution.clone(), ends);
                let execution = execution.clone();
                self.emit(now, id, JobEvent::Granted { execution, boot, seq });
            }
            Some(ExecutionState::Awarded | ExecutionState::Granted | ExecutionState::Proposed) => {
                entry.soft.leases.insert(execution.clone(), ends);
                if !live {
                    self.say(from, Message::Stop { execution: execution.clone() });
                }
            }
            Some(
                ExecutionState::Committed
                | ExecutionState::Revealed
                | ExecutionState::Accepted
                | ExecutionState::Published,
            ) => {}
            Some(
                ExecutionState::Refused
                | ExecutionState::Faulted
                | ExecutionState::Rejected
                | ExecutionState::Failed
                | ExecutionState::Lost
                | ExecutionState::Cancelled,
            )
            | None => self.say(from, Message::Stop { execution: execution.clone() }),
        }
        self.advance(now, id);
    }

    pub(super) fn refused(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        reason: Reason,
    ) {
        let id = execution.slot.job;
        if let Reason::Unrevealed(_) = reason {
            return self.unrevealed(now, from, execution, &reason);
        }
        let skip_ms = self.config.limits.skip_ms;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let awarded = entry.log.execution_of(from, execution);
        if awarded.is_none_or(|e| e.state != ExecutionState::Awarded) {
            return;
        }
        entry.soft.done_with(execution);
        entry.soft.pass_over(from, now.plus_ms(skip_ms));
        self.emit(now, id, JobEvent::Refused { execution: execution.clone(), reason });
        self.advance(now, id);
    }

    /// Whether the job's image has a digest; if not, sees to it that it gets one. `bid` is the
    /// digest that the chosen bid names.
    pub(super) fn is_pinned(&mut self, now: Time, id: JobId, bid: Option<String>) -> bool {
        let Some(entry) = self.jobs.get_mut(&id) else { return false };
        let reference = match entry.log.view.job.task().map(|(_, task)| &task.code) {
            Some(Code::Docker { image: Image::Reference(reference), .. }) => reference.clone(),
            Some(Code::Docker { image: Image::Digest(_), .. } | Code::Wasm { .. }) | None => {
                return true;
            }
        };
        if entry.log.image.is_some() {
            return true;
        }
        if let Some(digest) = bid {
            self.emit(now, id, JobEvent::ImagePinned { digest });
            return true;
        }
        if !std::mem::replace(&mut entry.soft.resolving, true) {
            self.step.effects.push(Effect::ResolveImage { job: id, reference });
        }
        false
    }

    pub(super) fn image_resolved(&mut self, now: Time, id: JobId, result: Result<String, Failure>) {
        let live = self.is_live(id);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if !std::mem::take(&mut entry.soft.resolving) || !live || entry.log.image.is_some() {
            return;
        }
        match result {
            Ok(digest) => self.emit(now, id, JobEvent::ImagePinned { digest }),
            Err(failure) => {
                let message = format!("the image cannot be pinned: {}", with_hint(&failure));
                self.end(now, id, JobState::Failed, message);
            }
        }
        self.advance(now, id);
    }
}
