//! Seats of sealed work are drawn by the rules: with the secret that was committed to before the
//! bids, one for each operator and network, never twice the same node; and once a set was closed,
//! for trusted nodes and referees alone.

use std::collections::BTreeMap;

use gadus_model::event::{Event, JobEvent};
use gadus_model::message::Message;
use gadus_model::verdict::DrawRecord;
use gadus_model::view::ExecutionView;
use gadus_model::{ExecutionState, JobId, NodeId, Stage};
use gadus_protocol::requester::JobLog;
use gadus_protocol::verify::{draw, draw_commitment};

use crate::host::Host;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Seats {
    /// What was said of the secret of each round.
    announced: BTreeMap<(JobId, u32), [u8; 32]>,
}

impl Invariant for Seats {
    fn name(&self) -> &'static str {
        "seats"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { message, .. } => {
                if let Message::Ask(announcement) = &message.body {
                    let round = (announcement.round.job, announcement.round.round);
                    self.announced.insert(round, announcement.draw_commitment);
                }
                Ok(())
            }
            Seen::Decided { host, record, .. } => {
                let at = &truth.hosts[*host];
                let log = at.shadow().and_then(|core| core.log(record.job));
                let Some(log) = log else { return Ok(()) };
                match &record.body {
                    Event::Job(JobEvent::Drawn { partition, record: drawn }) => self
                        .is_fair(record.job, drawn)
                        .and_then(|()| may_all_sit(truth, at, (log, *partition), drawn)),
                    Event::Job(JobEvent::Awarded { execution, node, .. }) => {
                        is_first(log, execution.slot.partition, *node)
                    }
                    _ => Ok(()),
                }
                .map_err(|what| format!("h{host}: {:?}: {what}", record.job))
            }
            _ => Ok(()),
        }
    }
}

impl Seats {
    fn is_fair(&self, job: JobId, record: &DrawRecord) -> Result<(), String> {
        let announced = self.announced.get(&(job, record.round));
        if announced.is_some_and(|said| *said != draw_commitment(&record.secret)) {
            return Err("drawn with another secret than was committed to".to_owned());
        }
        match draw::is_fair(record) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err("cannot be drawn again".to_owned()),
        }
    }
}

/// Whether those who were drawn may sit together, with those who sit already.
fn may_all_sit(
    truth: &Truth,
    at: &Host,
    (log, partition): (&JobLog, u32),
    record: &DrawRecord,
) -> Result<(), String> {
    let Some(sealed) = log.sealed(partition) else {
        return Err("seats are drawn of work that is not sealed".to_owned());
    };
    if sealed.stage == Stage::Drawn && !sealed.closes.is_empty() {
        return Err("anybody is drawn once a set was closed".to_owned());
    }
    let believed = |node: NodeId| match sealed.stage {
        Stage::Drawn => true,
        Stage::Trusted => is_trusted(at, node),
        Stage::Referee => is_referee(at, node),
    };
    if let Some(node) = record.drawn.iter().find(|node| !believed(**node)) {
        return Err(format!("{node} is seated among {:?}", sealed.stage));
    }
    if sealed.stage == Stage::Referee {
        return Ok(());
    }
    let seated = log.of_partition(partition).filter(|e| has_part(e)).map(|e| e.node);
    let nodes = record.drawn.iter().copied().chain(seated);
    let hosts: Vec<&Host> =
        nodes.filter_map(|node| truth.place(node)).map(|n| &truth.hosts[n]).collect();
    let twins = hosts.iter().enumerate().find_map(|(n, one)| {
        let other = hosts[..n].iter().find(|other| are_one(one, other))?;
        Some((one.id, other.id))
    });
    match twins {
        None => Ok(()),
        Some((one, other)) => Err(format!("{one} and {other} are seated together")),
    }
}

fn are_one(one: &Host, other: &Host) -> bool {
    one.operator == other.operator || (one.prefix.is_some() && one.prefix == other.prefix)
}

fn is_referee(at: &Host, node: NodeId) -> bool {
    node == at.id || at.approved.referees.contains(&node)
}

fn is_trusted(at: &Host, node: NodeId) -> bool {
    let earned = || {
        let mut rows = at.shadow().into_iter().flat_map(|core| core.trust());
        rows.any(|row| row.node == node && row.standing.is_trusted())
    };
    is_referee(at, node) || at.approved.trusted.contains(&node) || earned()
}

/// Whether a node that was just given a seat had no part in the same answer before.
fn is_first(log: &JobLog, partition: u32, node: NodeId) -> Result<(), String> {
    let mine = log.of_partition(partition).filter(|e| e.node == node);
    let parts = mine.filter(|e| has_part(e)).count();
    match log.sealed(partition).is_some() && parts > 1 {
        true => Err(format!("{node} is seated a second time")),
        false => Ok(()),
    }
}

/// Whoever committed himself has a part, whatever became of it; else who may still do so.
fn has_part(e: &ExecutionView) -> bool {
    e.commit.is_some()
        || !matches!(
            e.state,
            ExecutionState::Refused | ExecutionState::Failed | ExecutionState::Lost
        )
}
