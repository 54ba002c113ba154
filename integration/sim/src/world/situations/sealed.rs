//! What rarely comes about of sealed work.

use gadus_model::event::{Event, JobEvent, Record, TrustEvent};
use gadus_model::verdict::{Decision, DrawRecord};
use gadus_model::{JobId, NodeId, Stage, VerdictBody};

use super::super::World;
use crate::coverage::Situation;
use crate::network::HostNo;
use crate::seen::is_wrong;

impl World {
    /// A requester has decided something.
    pub(in crate::world) fn note_event(&mut self, at: HostNo, record: &Record) {
        let what = match &record.body {
            Event::Job(JobEvent::Judged { partition, verdict }) => {
                self.of_verdict(at, (record.job, *partition), &verdict.body)
            }
            Event::Job(JobEvent::Replayed { .. }) => Some(Situation::AnswerKnown),
            Event::Job(JobEvent::Deferred { .. }) => Some(Situation::EqualAwaited),
            Event::Job(JobEvent::Escalated { stage: Stage::Trusted, .. }) => {
                Some(Situation::TrustedCalledIn)
            }
            Event::Job(JobEvent::Drawn { record, .. }) => {
                is_passed_over(record).then_some(Situation::SybilPassedOver)
            }
            Event::Job(JobEvent::Accepted { execution, .. }) if self.truth.is_sealed(execution) => {
                let log = self.truth.hosts[at].shadow().and_then(|core| core.log(record.job));
                let sealed = log.and_then(|log| log.sealed(execution.slot.partition));
                let judged = sealed.is_some_and(|sealed| sealed.verdict.is_some());
                (!judged).then_some(Situation::Unchecked)
            }
            Event::Trust(TrustEvent::Counted { node, .. }) => {
                self.has_earned(at, *node).then_some(Situation::TrustEarned)
            }
            _ => None,
        };
        if let Some(what) = what {
            self.coverage.situation(what);
        }
    }

    fn of_verdict(
        &self,
        at: HostNo,
        (job, partition): (JobId, u32),
        verdict: &VerdictBody,
    ) -> Option<Situation> {
        let named = match &verdict.decision {
            Decision::Inconclusive { .. } => return Some(Situation::NoVerdict),
            Decision::Rejected { .. } => return Some(Situation::AllRejected),
            Decision::Accepted { .. } if is_wrong(verdict) => return Some(Situation::LieAccepted),
            Decision::Accepted { .. } if verdict.referee.is_some() => {
                return Some(Situation::RefereeDecides);
            }
            Decision::Accepted { manifest } => *manifest,
        };
        let log = self.truth.hosts[at].shadow().and_then(|core| core.log(job))?;
        let mut reveals = log.sealed(partition)?.reveals.iter();
        let lie = reveals.any(|reveal| reveal.receipt.body.manifest != named);
        lie.then_some(Situation::LieOutvoted)
    }

    fn has_earned(&self, at: HostNo, node: NodeId) -> bool {
        let mut rows = self.truth.hosts[at].shadow().into_iter().flat_map(|core| core.trust());
        rows.any(|row| row.node == node && row.standing.is_trusted())
    }
}

/// Whether somebody could not be drawn for who else has a seat.
fn is_passed_over(record: &DrawRecord) -> bool {
    let is_drawn = |node: &NodeId| record.drawn.contains(node);
    let (drawn, rest): (Vec<_>, Vec<_>) =
        record.candidates.iter().partition(|candidate| is_drawn(&candidate.node));
    rest.iter().any(|one| {
        drawn.iter().any(|other| {
            one.operator == other.operator || (one.prefix.is_some() && one.prefix == other.prefix)
        })
    })
}
