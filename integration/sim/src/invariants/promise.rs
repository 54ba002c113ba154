//! A result is published when those that its job wants hold it, and it is where its job wants it.

use std::collections::BTreeSet;

use gadus_model::Durability;
use gadus_model::event::{Event, JobEvent};

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Promise;

impl Invariant for Promise {
    fn name(&self) -> &'static str {
        "promise"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        let Event::Job(JobEvent::Published { execution, holders, place }) = &record.body else {
            return Ok(());
        };
        let Some(work) = truth.work(record.job) else { return Ok(()) };
        let context = &work.job.context;
        let distinct: BTreeSet<_> = holders.iter().collect();
        let me = truth.hosts[*host].id;
        let enough = match context.durability {
            // The requester is as good as the producer.
            Durability::Producer => !distinct.is_empty(),
            Durability::Keeper => distinct.contains(&me),
            Durability::Replicas(n) => distinct.len() >= n as usize,
        };
        if !enough || distinct.len() != holders.len() {
            let wanted = context.durability;
            return Err(format!("h{host} publishes {execution:?} ({wanted:?}) with {holders:?}"));
        }
        // Of equal answers one is brought there.
        let result = truth.result_of(execution);
        let mut all = truth.hosts.iter().flat_map(|host| host.content.placed());
        let placed = all.any(|other| truth.result_of(other) == result);
        match context.publisher.is_external() && (place.is_none() || !placed) {
            true => Err(format!("h{host} publishes {execution:?}, which is nowhere outside")),
            false => Ok(()),
        }
    }
}
