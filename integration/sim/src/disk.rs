//! A machine's log, as the store keeps it: appended at once, durable later, torn by a crash.

use std::rc::Rc;

use gadus_model::event::Record;

use crate::dice::Dice;

/// Counts appends; a ticket is ready when the log is durable up to it.
pub type Ticket = u64;

/// One log.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The snapshots that replay begins with.
    base: Rc<Vec<Record>>,
    log: Vec<Append>,
    last: Ticket,
    durable: Ticket,
    syncing: Option<Ticket>,
    checkpoint: Option<Checkpoint>,
    /// The newest append that a checkpoint has replaced.
    sealed: Ticket,
}

#[derive(Clone, Debug)]
struct Append {
    ticket: Ticket,
    records: Rc<Vec<Record>>,
}

#[derive(Clone, Debug)]
struct Checkpoint {
    after: Ticket,
    snapshots: Rc<Vec<Record>>,
}

impl Disk {
    /// Takes the records of one step in, together or not at all.
    pub fn append(&mut self, records: Rc<Vec<Record>>) -> Ticket {
        self.last += 1;
        self.log.push(Append { ticket: self.last, records });
        self.last
    }

    /// The newest append.
    #[must_use]
    pub fn last(&self) -> Ticket {
        self.last
    }

    /// The newest append that is durable.
    #[must_use]
    pub fn durable(&self) -> Ticket {
        self.durable
    }

    /// The newest append that a checkpoint has replaced.
    #[must_use]
    pub fn sealed(&self) -> Ticket {
        self.sealed
    }

    /// Begins an fsync, if there is something to sync and none is under way: it will cover
    /// everything appended so far.
    pub fn begin_sync(&mut self) -> Option<Ticket> {
        if self.syncing.is_some() || self.durable == self.last {
            return None;
        }
        self.syncing = Some(self.last);
        self.syncing
    }

    /// The fsync is done. Gives what became durable.
    pub fn synced(&mut self, upto: Ticket) -> Vec<Rc<Vec<Record>>> {
        self.syncing = None;
        let from = self.durable;
        self.durable = upto;
        let newly = self.log.iter().filter(|a| from < a.ticket && a.ticket <= upto);
        newly.map(|a| a.records.clone()).collect()
    }

    /// Begins a checkpoint with snapshots of everything that lives.
    pub fn begin_checkpoint(&mut self, snapshots: Vec<Record>) {
        self.checkpoint = Some(Checkpoint { after: self.last, snapshots: Rc::new(snapshots) });
    }

    /// Whether a checkpoint is under way.
    #[must_use]
    pub fn is_checkpointing(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// The checkpoint counts from now, if the log before it is durable. False: not yet.
    pub fn end_checkpoint(&mut self) -> bool {
        let Some(checkpoint) = self.checkpoint.take_if(|c| c.after <= self.durable) else {
            return false;
        };
        self.log.retain(|a| a.ticket > checkpoint.after);
        self.sealed = checkpoint.after;
        self.base = checkpoint.snapshots;
        true
    }

    /// The machine is gone. What was not durable is lost; with `torn`, some of it, from the end.
    pub fn crash(&mut self, torn: Option<&mut Dice>) {
        let unsynced = self.last - self.durable;
        let kept = torn.map_or(0, |dice| dice.below(unsynced + 1));
        let end = self.durable + kept;
        self.log.retain(|a| a.ticket <= end);
        (self.last, self.durable) = (end, end);
        (self.syncing, self.checkpoint) = (None, None);
    }

    /// Everything that a replay reads.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.base.iter().chain(self.log.iter().flat_map(|a| a.records.iter()))
    }
}

#[cfg(test)]
mod tests {
    use gadus_model::event::{Event, JobEvent, RECORD_VERSION};
    use gadus_model::{JobId, NodeId, OwnerId, Time};
    use uuid::Uuid;

    use super::*;

    fn record(seq: u64) -> Rc<Vec<Record>> {
        let body = Event::Job(JobEvent::BackedOff { ms: seq });
        let (owner, job) = (OwnerId(NodeId([0; 32])), JobId(Uuid::nil()));
        Rc::new(vec![Record { v: RECORD_VERSION, owner, job, seq, term: 1, at: Time(0), body }])
    }

    fn seqs(disk: &Disk) -> Vec<u64> {
        disk.records().map(|r| r.seq).collect()
    }

    #[test]
    fn a_sync_covers_what_was_appended_before_it_and_a_crash_takes_the_rest() {
        let mut disk = Disk::default();
        disk.append(record(1));
        let upto = disk.begin_sync().unwrap();
        disk.append(record(2));
        assert_eq!(disk.begin_sync(), None, "one at a time");
        assert_eq!(disk.synced(upto).len(), 1);
        disk.crash(None);
        assert_eq!(seqs(&disk), [1]);
    }

    #[test]
    fn a_checkpoint_counts_when_the_log_before_it_is_durable() {
        let mut disk = Disk::default();
        disk.append(record(1));
        disk.begin_checkpoint(record(9).to_vec());
        disk.append(record(2));
        assert!(!disk.end_checkpoint());
        let upto = disk.begin_sync().unwrap();
        disk.synced(upto);
        assert!(disk.end_checkpoint());
        assert_eq!(seqs(&disk), [9, 2]);
    }

    #[test]
    fn a_torn_log_loses_a_suffix_only() {
        for seed in 0..50 {
            let mut disk = Disk::default();
            (1..=5).for_each(|n| _ = disk.append(record(n)));
            disk.crash(Some(&mut Dice::new(seed)));
            let left = seqs(&disk);
            assert_eq!(left, (1..=left.len() as u64).collect::<Vec<_>>());
        }
    }
}
