//! While nothing goes wrong, a job costs a bounded number of messages.

use gadus_model::event::{Event, JobEvent};

use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Chatter {
    said: u64,
    rounds: u64,
    awards: u64,
    sealed: u64,
}

/// Messages per node and round, and per award, that a calm network may see: the least is two of
/// the first (ask, bid) and six of the second (award, granted, propose, accept, published,
/// release); the rest is for slow disks and large results.
const PER_NODE_AND_ROUND: u64 = 4;
const PER_AWARD: u64 = 16;
/// Of sealed work more, since a node says that it has an answer until the others have theirs.
const PER_SEALED_AWARD: u64 = 40;

impl Invariant for Chatter {
    fn name(&self) -> &'static str {
        "chatter"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { message, .. } => {
                let kind = message.body.kind();
                self.said += u64::from(kind != "sync" && kind != "sync_reply");
            }
            Seen::Decided { record, .. } => match &record.body {
                Event::Job(JobEvent::Announced { .. }) => self.rounds += 1,
                Event::Job(JobEvent::Awarded { execution, .. }) => match truth.is_sealed(execution)
                {
                    true => self.sealed += 1,
                    false => self.awards += 1,
                },
                Event::Job(_) | Event::Compute(_) | Event::Trust(_) => {}
            },
            Seen::Idle if truth.swarm.is_calm() => {
                let nodes = truth.hosts.len() as u64;
                let Self { said, rounds, awards, sealed } = self;
                let asked = *rounds * nodes * PER_NODE_AND_ROUND;
                let most = asked + *awards * PER_AWARD + *sealed * PER_SEALED_AWARD;
                if *said > most {
                    return Err(format!(
                        "{said} messages, {rounds} rounds, {awards} awards, {sealed} sealed ones"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
