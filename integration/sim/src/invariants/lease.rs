//! Nothing runs past its lease and grace on a live node, by that node's clock. A lease counts from
//! the saying of `Granted`, or of a Sync that was answered `Run`.

use std::collections::BTreeMap;

use gadus_model::message::{Answer, Message};
use gadus_model::{Execution, Time};

use crate::drift::True;
use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Lease {
    /// When each lease ends, by its node's clock.
    ends: BTreeMap<(HostNo, Execution), Time>,
    /// When each Sync was said, by its node's clock.
    syncs: BTreeMap<(HostNo, u64, u64), Time>,
    /// When a lease was first seen to be over, in true time.
    over_since: BTreeMap<(HostNo, Execution), True>,
}

impl Lease {
    fn renew(&mut self, host: HostNo, execution: &Execution, until: Time) {
        let key = (host, execution.clone());
        self.over_since.remove(&key);
        let ends = self.ends.entry(key).or_insert(until);
        *ends = (*ends).max(until);
    }

    fn said(&mut self, truth: &Truth, host: HostNo, message: &gadus_model::message::Envelope) {
        let now = truth.local(host);
        let lease_ms = truth.swarm.limits.lease_ms;
        match &message.body {
            Message::Granted { execution } => {
                // Said again, it renews nothing.
                let until = now.plus_ms(lease_ms);
                self.ends.entry((host, execution.clone())).or_insert(until);
            }
            Message::Sync { .. } => {
                self.syncs.insert((host, message.boot, message.seq), now);
            }
            _ => {}
        }
    }

    fn arrived(
        &mut self,
        truth: &Truth,
        host: HostNo,
        of_seq: u64,
        answers: &[(Execution, Answer)],
    ) {
        let boot = truth.hosts[host].boot;
        let Some(said) = self.syncs.get(&(host, boot, of_seq)).copied() else { return };
        let until = said.plus_ms(truth.swarm.limits.lease_ms);
        for (execution, _) in answers.iter().filter(|(_, answer)| *answer == Answer::Run) {
            self.renew(host, execution, until);
        }
    }

    fn booted(&mut self, truth: &Truth, host: HostNo) {
        let limits = &truth.swarm.limits;
        let until = truth.local(host).plus_ms(limits.lease_grace_ms + limits.sync_ms);
        self.syncs.retain(|(h, _, _), _| *h != host);
        for (execution, _) in truth.hosts[host].engine.runs() {
            // A new start, a new grace, whatever the lease was.
            self.ends.insert((host, execution.clone()), until);
            self.over_since.remove(&(host, execution.clone()));
        }
    }

    fn look(&mut self, truth: &Truth, host: HostNo) -> Result<(), String> {
        let now = truth.local(host);
        let grace_us = truth.swarm.limits.lease_grace_ms * 1_000;
        for (execution, _) in truth.hosts[host].engine.runs() {
            let key = (host, execution.clone());
            let Some(ends) = self.ends.get(&key).filter(|ends| now > **ends) else { continue };
            let since = *self.over_since.entry(key).or_insert(truth.now);
            if truth.now > since + grace_us {
                return Err(format!("h{host} runs {execution:?}, whose lease ended at {ends}"));
            }
        }
        Ok(())
    }
}

impl Invariant for Lease {
    fn name(&self) -> &'static str {
        "lease"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { host, message, .. } => self.said(truth, *host, message),
            Seen::Arrived { host, message, .. } => {
                if let Message::SyncReply { of_seq, answers } = &message.body {
                    self.arrived(truth, *host, *of_seq, answers);
                }
            }
            Seen::Booted { host } => self.booted(truth, *host),
            Seen::Crashing { host } => self.over_since.retain(|(h, _), _| h != host),
            Seen::Step { host, .. } => return self.look(truth, *host),
            _ => {}
        }
        Ok(())
    }
}
