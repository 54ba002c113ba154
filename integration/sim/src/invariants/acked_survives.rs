//! An acknowledged job is never lost: after every start it is live, or in the index.

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct AckedSurvives;

impl Invariant for AckedSurvives {
    fn name(&self) -> &'static str {
        "acked_survives"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let at = match seen {
            Seen::Booted { host } => Some(*host),
            Seen::Idle => None,
            _ => return Ok(()),
        };
        for job in &truth.acked {
            let Some(home) = truth.requester_of(*job) else { continue };
            let host = &truth.hosts[home];
            let Some(core) = host.requester_core() else { continue };
            let known = core.job(*job).is_some() || host.index.contains_key(job);
            if at.is_none_or(|at| at == home) && !known {
                return Err(format!("h{home} acknowledged {job:?} and does not know it"));
            }
        }
        Ok(())
    }
}
