//! A verdict can be come to again from its records, and names no wrong answer while the colluders
//! that could be seated are fewer than must be equal. What is accepted has a verdict, unless it
//! was only to be checked now and then.

use gadus_model::event::{Event, JobEvent};
use gadus_model::verdict::Decision;
use gadus_model::{Claim, Engine, Execution, JobId, Stage, Verification};
use gadus_protocol::verify::{Record, recompute};

use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth, is_wrong};

pub(super) struct Verdicts;

impl Invariant for Verdicts {
    fn name(&self) -> &'static str {
        "verdicts"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        match &record.body {
            Event::Job(JobEvent::Judged { partition, .. }) => {
                judged(truth, *host, record.job, *partition)
            }
            Event::Job(JobEvent::Accepted { execution, claim }) if truth.is_sealed(execution) => {
                accepted(truth, *host, execution, claim)
            }
            _ => Ok(()),
        }
        .map_err(|what| format!("h{host}: {:?}: {what}", record.job))
    }
}

fn judged(truth: &Truth, at: HostNo, job: JobId, partition: u32) -> Result<(), String> {
    let log = truth.hosts[at].shadow().and_then(|core| core.log(job));
    let Some(sealed) = log.and_then(|log| log.sealed(partition)) else { return Ok(()) };
    let Some(verdict) = sealed.verdict.as_ref().map(|verdict| &verdict.body) else {
        return Err("there is no verdict after it was judged".to_owned());
    };
    let record = Record {
        verdict,
        closes: &sealed.closes,
        reveals: &sealed.reveals,
        referee: sealed.referee.as_ref().filter(|_| verdict.referee.is_some()),
        engine: Engine::Wasm,
    };
    recompute(&record, &|_| true).map_err(|flaw| format!("{:?}: {flaw}", verdict.decision))?;
    let quorum = verdict.level.quorum().map_or(2, |quorum| quorum.equal as usize);
    match is_wrong(verdict) && truth.colluders() < quorum {
        true => Err(format!("{:?} with {} colluders", verdict.decision, truth.colluders())),
        false => Ok(()),
    }
}

fn accepted(truth: &Truth, at: HostNo, execution: &Execution, claim: &Claim) -> Result<(), String> {
    let log = truth.hosts[at].shadow().and_then(|core| core.log(execution.slot.job));
    let sealed = log.and_then(|log| log.sealed(execution.slot.partition));
    let Some(sealed) = sealed else { return Ok(()) };
    let level = truth.level(execution.slot.job);
    match sealed.verdict.as_ref().map(|verdict| &verdict.body.decision) {
        Some(Decision::Accepted { manifest }) => {
            match claim.manifest.cid().is_ok_and(|cid| cid == *manifest) {
                true => Ok(()),
                false => Err(format!("{execution:?} is accepted with another answer")),
            }
        }
        None if matches!(level, Verification::Spot(_)) && sealed.stage == Stage::Drawn => Ok(()),
        decision => Err(format!("{execution:?} is accepted, and the verdict is {decision:?}")),
    }
}
