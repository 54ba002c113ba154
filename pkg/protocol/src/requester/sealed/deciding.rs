//! Decisions: what the answers come to, and what follows for those who gave them.

use gadus_model::event::{JobEvent, SeatEnd, TrustEvent};
use gadus_model::manifest::ResultSummary;
use gadus_model::message::Message;
use gadus_model::sealed::{Sealed, Stage};
use gadus_model::verdict::{Decision, Inconclusive, VERDICT_VERSION};
use gadus_model::{
    Cid, Claim, CodecError, Execution, ExecutionState, JobId, JobState, NodeId, Quorum, Receipt,
    ReceiptBody, Time, VerdictBody, Verification, codec,
};

use super::super::Requester;
use super::Standing;
use crate::sabotage::Sabotage;
use crate::verify::{self, Ballot, Standstill};

impl Requester {
    /// All answers are in that will come: counts them, and calls more nodes in where that helps.
    pub(super) fn decide(&mut self, now: Time, id: JobId, standing: &Standing) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let Some(sealed) = self.sealed(id, standing.partition) else { return };
        let level = entry.log.view.job.context.verification;
        if matches!(level, Verification::Spot(_)) && sealed.stage == Stage::Drawn {
            return self.settle_unchecked(now, id, &sealed);
        }
        let referee = self.referee_of(&sealed);
        let ballot = ballot(&sealed);
        let mut decided = ballot.decide(level.quorum().unwrap_or(Quorum::TWO));
        if self.config.sabotage == Some(Sabotage::TrustFirst) {
            let first = sealed.reveals.first().map(|reveal| reveal.receipt.body.manifest);
            decided = first.map_or(decided, Ok);
        }
        let decision = match (decided, referee) {
            (Ok(manifest), _) => Decision::Accepted { manifest },
            (Err(_), Some(receipt)) => ballot.refereed(receipt.body.manifest),
            (Err(standstill), None) => {
                if self.call_more(now, id, standing, standstill) {
                    return;
                }
                Decision::Inconclusive { why: standstill.why }
            }
        };
        let receipt = match decided {
            Ok(_) => None,
            Err(_) => referee.cloned(),
        };
        self.judge_partition(now, id, &sealed, decision, receipt.as_ref());
    }

    /// The receipt of somebody who is believed without a quorum, if there is one.
    fn referee_of<'a>(&self, sealed: &'a Sealed) -> Option<&'a Receipt> {
        let revealed = sealed.reveals.iter().map(|reveal| &reveal.receipt);
        sealed
            .referee
            .as_ref()
            .or_else(|| revealed.into_iter().find(|receipt| self.is_referee(receipt.body.node)))
    }

    /// Calls trusted nodes in, or the referee. False: there is nobody.
    fn call_more(
        &mut self,
        now: Time,
        id: JobId,
        standing: &Standing,
        standstill: Standstill,
    ) -> bool {
        let again = standing.stage < Stage::Referee
            && standing.rounds < self.config.limits.verify_rounds_max;
        let trusted = match again {
            true => self.callable(now, id, standing.partition, Stage::Trusted),
            false => 0,
        };
        if trusted > 0 {
            let seats = standstill.lacking.min(trusted);
            self.escalate(now, id, standing.partition, Stage::Trusted, seats);
            return true;
        }
        self.call_referee(now, id, standing)
    }

    fn call_referee(&mut self, now: Time, id: JobId, standing: &Standing) -> bool {
        let may = standing.stage < Stage::Referee
            && self.callable(now, id, standing.partition, Stage::Referee) > 0;
        if may {
            self.escalate(now, id, standing.partition, Stage::Referee, 1);
        }
        may
    }

    /// Whether a seat that somebody in particular was to have has been empty for too long.
    pub(super) fn is_seat_due(&mut self, now: Time, id: JobId, standing: &Standing) -> bool {
        let seat_ms = self.config.limits.seat_ms;
        let Some(entry) = self.jobs.get_mut(&id) else { return false };
        let in_particular = standing.commits > 0 || standing.stage > Stage::Drawn;
        if standing.open == 0 || standing.running > 0 || !in_particular {
            entry.soft.seats_due.remove(&standing.partition);
            return false;
        }
        let due = entry.soft.seats_due.entry(standing.partition);
        now >= *due.or_insert_with(|| now.plus_ms(seat_ms))
    }

    /// Nobody takes the open seats.
    pub(super) fn give_seats_up(&mut self, now: Time, id: JobId, standing: &Standing) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.seats_due.remove(&standing.partition);
        let level = entry.log.view.job.context.verification;
        if standing.fresh > 0 && standing.commits >= level.equal() as usize {
            return self.close(now, id, standing.partition);
        }
        // With too few commitments no set can be closed, and nobody would show his answer to one.
        let is_enough = standing.commits + 1 >= level.equal() as usize;
        if is_enough && self.call_referee(now, id, standing) {
            return;
        }
        let Some(sealed) = self.sealed(id, standing.partition) else { return };
        let why = match ballot(&sealed).decide(level.quorum().unwrap_or(Quorum::TWO)) {
            Err(standstill) => standstill.why,
            Ok(_) => Inconclusive::Short,
        };
        self.judge_partition(now, id, &sealed, Decision::Inconclusive { why }, None);
    }

    /// The answer of one node counts: it was not drawn for a check.
    fn settle_unchecked(&mut self, now: Time, id: JobId, sealed: &Sealed) {
        match sealed.reveals.first() {
            Some(reveal) => {
                let execution = reveal.execution.clone();
                self.accept_revealed(now, id, execution, None);
            }
            None => {
                let why = Inconclusive::NoAnswer;
                self.judge_partition(now, id, sealed, Decision::Inconclusive { why }, None);
            }
        }
    }

    /// Puts the verdict down, and does what follows from it.
    fn judge_partition(
        &mut self,
        now: Time,
        id: JobId,
        sealed: &Sealed,
        decision: Decision,
        referee: Option<&Receipt>,
    ) {
        let Ok(body) = self.verdict(id, sealed, decision.clone(), referee) else { return };
        let Ok(verdict) = self.config.notary.state(body) else { return };
        let (partition, verdict) = (sealed.partition, Box::new(verdict));
        let empty = self.empty_seats(id, sealed);
        self.emit(now, id, JobEvent::Judged { partition, verdict });
        self.count_seats(now, id, partition, &decision);
        match decision {
            Decision::Accepted { manifest } => self.accept_equal(now, id, partition, manifest),
            Decision::Inconclusive { why } => {
                self.reject_all(now, id, partition, "there was no verdict");
                let message = format!("inconclusive: {}{empty}{}", why.as_str(), tally(sealed));
                self.end(now, id, JobState::Failed, message);
            }
            Decision::Rejected { referee } => {
                self.reject_all(now, id, partition, "the referee came to another answer");
                let message = format!(
                    "rejected: the referee came to {referee}, as none of the nodes did{}",
                    tally(sealed)
                );
                self.end(now, id, JobState::Failed, message);
            }
        }
    }

    /// For people: who was to have seats that nobody took.
    fn empty_seats(&self, id: JobId, sealed: &Sealed) -> String {
        let log = self.jobs.get(&id).map(|entry| &entry.log);
        let (who, open) =
            (sealed.stage.as_str(), log.map_or(0, |log| log.seats.open_in(sealed.partition)));
        match open {
            0 => String::new(),
            1 => format!("; a seat for {who} stayed empty"),
            n => format!("; {n} seats for {who} stayed empty"),
        }
    }

    fn verdict(
        &self,
        id: JobId,
        sealed: &Sealed,
        decision: Decision,
        referee: Option<&Receipt>,
    ) -> Result<VerdictBody, CodecError> {
        let log = self.jobs.get(&id).map(|entry| &entry.log);
        let job = log.map(|log| &log.view.job);
        let task = log.and_then(|log| log.task_of((sealed.partition, 0)));
        let task = task.ok_or(CodecError::NotCanonical { what: "a job without a task" })?;
        let mut reveals = cids(&sealed.reveals)?;
        reveals.sort();
        let counted = sealed.reveals.iter().map(|reveal| reveal.receipt.body.node);
        Ok(VerdictBody {
            v: VERDICT_VERSION,
            job: id,
            version: job.map_or(1, |job| job.version),
            task: codec::cid_of_value(&task)?,
            level: job.map_or(Verification::Attest, |job| job.context.verification),
            closes: cids(&sealed.closes)?,
            reveals,
            draws: cids(&sealed.draws)?,
            referee: referee.map(codec::cid_of_value).transpose()?,
            has_trusted: counted.into_iter().any(|node| self.is_trusted(node)),
            decision,
        })
    }

    /// Counts what became of each seat for what is thought of its node.
    fn count_seats(&mut self, now: Time, id: JobId, partition: u32, decision: &Decision) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let Some(sealed) = entry.log.sealed(partition) else { return };
        let bans_all = self.config.sabotage == Some(Sabotage::BanInconclusive);
        let engine_of = |node: NodeId| self.directory.engine_of(node).unwrap_or_default();
        let answered = sealed.reveals.iter().map(|reveal| {
            let body = &reveal.receipt.body;
            let mut seat = seat_end(decision, body, sealed);
            if bans_all && seat == SeatEnd::Inconclusive {
                seat = SeatEnd::Wrong;
            }
            (body.node, body.engine.clone(), seat)
        });
        let silent = entry.log.of_partition(partition);
        let silent = silent.filter(|e| e.state == ExecutionState::Faulted);
        let silent = silent.map(|e| (e.node, engine_of(e.node), SeatEnd::Silent));
        let counted: Vec<_> = answered.chain(silent).collect();
        for (node, engine, seat) in counted {
            // A node that decides alone is not measured by what it decides.
            if !self.is_referee(node) {
                self.count(now, TrustEvent::Counted { node, engine, seat });
            }
        }
    }

    fn accept_equal(&mut self, now: Time, id: JobId, partition: u32, manifest: Cid) {
        let shown = self.shown(id, partition, manifest);
        for (execution, node, answer) in self.revealed_in(id, partition) {
            if answer == Some(manifest) {
                self.accept_revealed(now, id, execution, shown.clone());
            } else {
                let why = "others came to another answer";
                self.reject_answer(now, id, (execution, node), why);
            }
        }
    }

    /// What people are shown of an accepted answer: not what one node says of it.
    fn shown(&self, id: JobId, partition: u32, accepted: Cid) -> Option<ResultSummary> {
        let log = &self.jobs.get(&id)?.log;
        let revealed = log.of_partition(partition);
        let revealed = revealed.filter(|e| e.state == ExecutionState::Revealed);
        let equal = revealed.filter_map(|e| {
            let manifest = e.manifest.as_ref().filter(|m| m.cid().is_ok_and(|cid| cid == accepted));
            Some((manifest?, e.summary.as_ref()?))
        });
        let (manifests, told): (Vec<_>, Vec<_>) = equal.unzip();
        let level = log.view.job.context.verification.quorum().unwrap_or(Quorum::TWO);
        Some(verify::agreed(manifests.first()?, &told, level.equal as usize))
    }

    fn reject_all(&mut self, now: Time, id: JobId, partition: u32, why: &str) {
        for (execution, node, _) in self.revealed_in(id, partition) {
            self.reject_answer(now, id, (execution, node), why);
        }
    }

    fn revealed_in(&self, id: JobId, partition: u32) -> Vec<(Execution, NodeId, Option<Cid>)> {
        let Some(entry) = self.jobs.get(&id) else { return Vec::new() };
        let revealed = entry.log.of_partition(partition);
        let revealed = revealed.filter(|e| e.state == ExecutionState::Revealed);
        let answer = revealed.map(|e| {
            let manifest = e.manifest.as_ref().and_then(|manifest| manifest.cid().ok());
            (e.execution.clone(), e.node, manifest)
        });
        answer.collect()
    }

    fn reject_answer(
        &mut self,
        now: Time,
        id: JobId,
        (execution, node): (Execution, NodeId),
        why: &str,
    ) {
        let why = why.to_owned();
        self.emit(now, id, JobEvent::Rejected { execution: execution.clone(), why: why.clone() });
        self.say(node, Message::Reject { execution, why });
    }

    /// An answer that was revealed counts, and is shown as its node says where nothing else is
    /// `shown`. Its node is told once it is the one to publish it.
    fn accept_revealed(
        &mut self,
        now: Time,
        id: JobId,
        execution: Execution,
        shown: Option<ResultSummary>,
    ) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let Some(e) = entry.log.execution(&execution) else { return };
        if e.state != ExecutionState::Revealed {
            return;
        }
        let (Some(manifest), Some(receipt)) = (e.manifest.clone(), e.receipt.clone()) else {
            return;
        };
        let summary = shown.or_else(|| e.summary.clone()).unwrap_or_default();
        let claim = Box::new(Claim { manifest, receipt, summary });
        self.emit(now, id, JobEvent::Accepted { execution, claim });
    }
}

fn ballot(sealed: &Sealed) -> Ballot {
    let mut ballot = Ballot::default();
    for reveal in &sealed.reveals {
        ballot.vote(reveal.receipt.body.node, reveal.receipt.body.manifest);
    }
    ballot
}

fn cids<T: serde::Serialize>(records: &[T]) -> Result<Vec<Cid>, CodecError> {
    records.iter().map(codec::cid_of_value).collect()
}

/// What a decision makes of an answer. It is wrong where somebody came to the right one by the same
/// rules: another engine may count its fuel in another way.
fn seat_end(decision: &Decision, answer: &ReceiptBody, sealed: &Sealed) -> SeatEnd {
    let right = match decision {
        Decision::Accepted { manifest } if *manifest == answer.manifest => return SeatEnd::Valid,
        Decision::Accepted { manifest } => *manifest,
        Decision::Rejected { referee } => *referee,
        Decision::Inconclusive { .. } => return SeatEnd::Inconclusive,
    };
    let receipts = sealed.reveals.iter().map(|reveal| &reveal.receipt).chain(&sealed.referee);
    let mut right = receipts.map(|receipt| &receipt.body).filter(|body| body.manifest == right);
    match right.any(|body| body.is_by_rules_of(answer)) {
        true => SeatEnd::Wrong,
        false => SeatEnd::Inconclusive,
    }
}

/// Who voted what, for people.
fn tally(sealed: &Sealed) -> String {
    let answers = sealed.reveals.iter().map(|reveal| {
        let body = &reveal.receipt.body;
        format!("\n• node {}: {}", body.node, body.manifest)
    });
    answers.collect()
}
