//! A closed set holds every commitment that was made, and as many as are needed; a round has one,
//! and nobody is shown another, nor that one before it is durable.

use std::collections::BTreeMap;

use gadus_model::event::{Event, JobEvent};
use gadus_model::message::Message;
use gadus_model::{CloseBody, NodeId};
use gadus_protocol::requester::JobLog;

use super::durable::Durable;
use crate::host::Part;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct ClosedSets {
    durable: Durable,
}

impl Invariant for ClosedSets {
    fn name(&self) -> &'static str {
        "closed_sets"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        self.durable.see(truth, seen)?;
        match seen {
            Seen::Decided { host, record, .. } => {
                let Event::Job(JobEvent::Closed { partition, close }) = &record.body else {
                    return Ok(());
                };
                let log = truth.hosts[*host].shadow().and_then(|core| core.log(record.job));
                let Some(log) = log else { return Ok(()) };
                is_whole(log, *partition, &close.body).map_err(|what| format!("h{host}: {what}"))
            }
            Seen::Said { host, part: Part::Requester, to, message, .. } => {
                let Message::Close { execution, close } = &message.body else { return Ok(()) };
                self.durable.is_the_one(&close.body)?;
                let own = close.body.committed(*to, execution).is_some();
                match own && self.durable.is_closed(&close.body) {
                    true => Ok(()),
                    false => Err(format!("h{host} shows a set for {execution:?} that is not its")),
                }
            }
            _ => Ok(()),
        }
    }
}

/// Whether a set holds what all nodes have committed to, and that is enough.
fn is_whole(log: &JobLog, partition: u32, close: &CloseBody) -> Result<(), String> {
    let mut commits: BTreeMap<NodeId, Vec<[u8; 32]>> = BTreeMap::new();
    for e in log.of_partition(partition) {
        if let Some(commit) = &e.commit {
            commits.entry(e.node).or_default().push(commit.body.commitment);
        }
    }
    let has = |(node, all): (&NodeId, &Vec<[u8; 32]>)| {
        close.set.iter().any(|one| one.node == *node && all.contains(&one.commitment))
    };
    let equal = log.view.job.context.verification.equal() as usize;
    let (job, set) = (close.job, close.set.len());
    if !close.is_in_form() || set != commits.len() || !commits.iter().all(has) {
        return Err(format!("{job:?} is closed with {set} of {} commitments", commits.len()));
    }
    match set >= equal {
        true => Ok(()),
        false => Err(format!("{job:?} is closed with {set} commitments, {equal} must be equal")),
    }
}
