//! Who gets the seats of sealed work.

use gadus_model::event::JobEvent;
use gadus_model::sealed::Stage;
use gadus_model::verdict::{Candidate, DrawRecord};
use gadus_model::{JobId, NodeId, Time};

use super::super::Requester;
use super::super::log::Seat;
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
        let may = |node: &NodeId| self.may_sit(*node, stage) && is_new(node);
        let candidates: Vec<Candidate> =
            offers.map(|(node, _)| *node).filter(may).map(|node| self.candidate(node)).collect();
        let mut taken: Vec<Candidate> = Vec::new();
        // A referee is asked because it is believed, whoever else is at its place.
        if stage != Stage::Referee && !twice {
            let seated = log.of_partition(partition).filter(|e| has_part(e));
            taken.extend(seated.map(|e| self.candidate(e.node)));
            taken.sort();
            taken.dedup();
        }
        let at_will = self.config.sabotage == Some(Sabotage::DrawAtWill);
        let secret = self.config.notary.draw_secret(id, log.round + u32::from(at_will));
        let drawn = verify::draw(&secret, &candidates, &taken, seats).ok()?.nodes;
        Some(DrawRecord { round: log.round, secret, candidates, taken, drawn })
    }

    /// Whether so many nodes as each result needs could ever sit together, of the known ones.
    pub(in crate::requester) fn has_enough_nodes(&self, now: Time, id: JobId) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return false };
        let wanted = entry.log.view.job.context.verification.seats() as usize;
        let look = self.look(now, entry);
        let could = self.directory.iter().map(|(node, _)| *node).filter(|node| {
            !self.trust.is_banned(*node) && !self.directory.is_hopeless(&look, *node)
        });
        if entry.log.view.sealed.is_empty() {
            return could.count() >= wanted;
        }
        let could: Vec<Candidate> = could.map(|node| self.candidate(node)).collect();
        verify::could_seat(&could, wanted)
    }
}
