//! Who gets the seats of sealed work.

use gadus_model::event::JobEvent;
use gadus_model::sealed::{Sealed, Stage};
use gadus_model::verdict::{Candidate, DrawRecord};
use gadus_model::{Job, JobId, NodeId, Time};

use super::super::Requester;
use super::super::log::{JobLog, Seat};
use super::super::state::requirements;
use super::super::submit::check_verifiable;
use super::{has_part, is_seated};
use crate::sabotage::Sabotage;
use crate::verify;

impl Requester {
    /// Draws the open seats of each partition, all of one at once: a single answer is worth
    /// nothing where two are asked for.
    pub(in crate::requester) fn award_drawn(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let undecided = entry.log.view.sealed.iter().filter(|s| s.verdict.is_none());
        let partitions: Vec<(u32, Stage)> = undecided.map(|s| (s.partition, s.stage)).collect();
        for (partition, stage) in partitions {
            let Some(entry) = self.jobs.get(&id) else { return };
            let open = entry.log.seats.open().iter().copied();
            let seats: Vec<Seat> = open.filter(|(of, _)| *of == partition).collect();
            if !seats.is_empty() {
                self.draw_seats(now, id, (partition, stage), &seats);
            }
        }
    }

    fn draw_seats(
        &mut self,
        now: Time,
        id: JobId,
        (partition, stage): (u32, Stage),
        seats: &[Seat],
    ) {
        let Some(record) = self.draw(id, partition, stage, seats.len()) else { return };
        if record.drawn.len() < seats.len() {
            return;
        }
        let (drawn, plan) = (record.drawn.clone(), self.plan(now, id));
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.seats_due.remove(&partition);
        }
        self.emit(now, id, JobEvent::Drawn { partition, record: Box::new(record) });
        for (seat, node) in seats.iter().zip(drawn) {
            self.award(now, id, *seat, node, &plan);
        }
    }

    /// A draw from the bids of the job's round, by the secret that was committed to before them.
    fn draw(&self, id: JobId, partition: u32, stage: Stage, seats: usize) -> Option<DrawRecord> {
        let entry = self.jobs.get(&id)?;
        let log = &entry.log;
        let round = entry.soft.round(log.round)?;
        let offers = round.bids.iter().filter(|(_, offer)| offer.taken < offer.bid.seats.max(1));
        let twice = self.config.sabotage == Some(Sabotage::SeatTwice);
        let is_new = |node: &NodeId| twice || !is_seated(log, partition, *node);
        let level = log.view.job.context.verification;
        let skips = |node: &NodeId| entry.soft.skip.contains_key(node);
        let may = |node: &NodeId| self.may_sit(level, *node, stage) && is_new(node) && !skips(node);
        let candidates: Vec<Candidate> =
            offers.map(|(node, _)| *node).filter(may).map(|node| self.candidate(node)).collect();
        let taken = self.taken(log, partition, stage);
        let at_will = self.config.sabotage == Some(Sabotage::DrawAtWill);
        let secret = self.config.notary.draw_secret(id, log.round + u32::from(at_will));
        let drawn = verify::draw(&secret, &candidates, &taken, seats).ok()?.nodes;
        Some(DrawRecord { round: log.round, secret, candidates, taken, drawn })
    }

    /// A node that was drawn before, where it was then: since a restart it may not have been reached.
    fn as_drawn(&self, sealed: Option<&Sealed>, node: NodeId) -> Candidate {
        let draws = sealed.into_iter().flat_map(|sealed| sealed.draws.iter().rev());
        let mut before = draws.flat_map(|draw| &draw.candidates);
        let prefix = before.find(|one| one.node == node).and_then(|one| one.prefix.clone());
        Candidate { prefix, ..self.candidate(node) }
    }

    /// Who has a part already, beside whom no operator and no network gets another seat.
    fn taken(&self, log: &JobLog, partition: u32, stage: Stage) -> Vec<Candidate> {
        let twice = self.config.sabotage == Some(Sabotage::SeatTwice);
        // A referee is asked because it is believed, whoever else is at its place.
        if stage == Stage::Referee || twice {
            return Vec::new();
        }
        let seated = log.of_partition(partition).filter(|e| has_part(e));
        let seated = seated.map(|e| self.as_drawn(log.sealed(partition), e.node));
        let mut taken: Vec<Candidate> = seated.collect();
        taken.sort();
        taken.dedup();
        taken
    }

    /// Whether the seats of a job that is not submitted could be filled by the nodes that would take
    /// it now, or once they are less busy; none for work that nobody checks.
    #[must_use]
    pub fn is_seatable(&self, now: Time, job: &Job) -> Option<bool> {
        if !job.context.verification.is_sealed() {
            return None;
        }
        let checks = [check_verifiable(job), self.check_slots(job), self.check_checkable(job)];
        if checks.iter().any(Result::is_err) {
            return Some(false);
        }
        let level = job.context.verification;
        let requirements = requirements(job);
        let look = self.look_at_draft(now, &requirements);
        let fit = self.directory.feasible(&look).into_iter().chain(self.directory.busy(&look));
        let fit = fit.filter(|node| self.may_sit(level, *node, Stage::Drawn));
        let could: Vec<Candidate> = fit.map(|node| self.candidate(node)).collect();
        let seats = usize::try_from(level.seats()).unwrap_or(usize::MAX);
        Some(verify::could_seat(&could, &[], seats))
    }

    /// Whether the open seats of every sealed result could ever be filled, of the known nodes; of
    /// other work there is nothing to ask.
    pub(in crate::requester) fn could_fill_sealed(&self, now: Time, id: JobId) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return false };
        let log = &entry.log;
        if log.view.sealed.is_empty() {
            return true;
        }
        let look = self.look(now, entry);
        let known = self.directory.iter().map(|(node, _)| *node);
        let known: Vec<NodeId> =
            known.filter(|node| !self.directory.is_hopeless(&look, *node)).collect();
        let level = log.view.job.context.verification;
        let undecided = log.view.sealed.iter().filter(|sealed| sealed.verdict.is_none());
        undecided.into_iter().all(|sealed| {
            let (partition, stage) = (sealed.partition, sealed.stage);
            let could = known.iter().filter(|node| {
                self.may_sit(level, **node, stage) && !is_seated(log, partition, **node)
            });
            let could: Vec<Candidate> = could.map(|node| self.candidate(*node)).collect();
            let taken = self.taken(log, partition, stage);
            verify::could_seat(&could, &taken, log.seats.open_in(partition))
        })
    }
}
