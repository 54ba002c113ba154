//! A published result is really held by each named holder, from then on.

use std::collections::BTreeSet;

use gadus_model::Cid;
use gadus_model::event::{Event, JobEvent};

use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Holders {
    named: BTreeSet<(HostNo, Cid)>,
}

impl Invariant for Holders {
    fn name(&self) -> &'static str {
        "holders"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Durable { host, records } => {
                for record in *records {
                    let Event::Job(JobEvent::Published { execution, holders, .. }) = &record.body
                    else {
                        continue;
                    };
                    if holders.is_empty() {
                        return Err(format!("h{host} publishes {execution:?} with no holder"));
                    }
                    let result = truth.result_of(execution);
                    for holder in holders.iter().filter_map(|node| truth.place(*node)) {
                        self.named.insert((holder, result));
                        if !truth.hosts[holder].content.holds(&result) {
                            return Err(format!(
                                "h{holder} is named for {execution:?} and has it not"
                            ));
                        }
                    }
                }
            }
            Seen::Forgetting { host, execution, keep: false } => {
                let key = (*host, truth.result_of(execution));
                let kept = truth.hosts[*host].content.holds_besides(&key.1, execution);
                if self.named.contains(&key) && !kept {
                    return Err(format!("h{host} is named for {execution:?} and forgets it"));
                }
            }
            Seen::Idle => {
                let mut named = self.named.iter();
                if let Some((holder, result)) =
                    named.find(|(holder, result)| !truth.hosts[*holder].content.holds(result))
                {
                    return Err(format!("h{holder} no longer has {result}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
