//! Once the trouble is over, everything comes to its end: every job is over, every outbox is
//! drained, nothing runs, and all room is free again.

use gadus_model::{JobState, Resources};

use crate::seen::Truth;

/// Something that has not come to its end.
#[must_use]
pub fn unsettled(truth: &Truth) -> Option<String> {
    for (n, host) in truth.hosts.iter().enumerate().filter(|(_, host)| !host.left) {
        if !host.up {
            return Some(format!("h{n} is down"));
        }
        if let Some(core) = host.requester_core()
            && let Some(view) = core.jobs().next()
        {
            let (job, state) = (view.job.id, view.state);
            let live = view.executions.iter().filter(|e| !e.state.is_terminal());
            let live: Vec<_> = live.map(|e| (&e.execution, e.state, e.node)).collect();
            return Some(format!("h{n}: {job:?} is {state:?}, with {live:?}"));
        }
        let Some(core) = host.compute_core() else { continue };
        if let Some(((_, execution), held)) = core.durable().into_iter().next() {
            return Some(format!("h{n} still holds {execution:?}: {:?}", held.state.held()));
        }
        if let Some((execution, _)) = host.engine.runs().next() {
            return Some(format!("h{n} still runs {execution:?}"));
        }
        if core.reserved() != Resources::default() {
            return Some(format!("h{n} still reserves {:?}", core.reserved()));
        }
        if host.content.quarantined() > 0 {
            return Some(format!("h{n} keeps outputs that nobody will ask for"));
        }
    }
    None
}

/// A job that had every chance to complete and did not.
#[must_use]
pub fn unfinished_probe(truth: &Truth) -> Option<String> {
    truth.works.iter().filter(|work| work.probe).find_map(|work| {
        let id = work.job.id;
        let ended = truth.hosts[work.requester].index.get(&id).map(|folded| &folded.view);
        let complete = ended.is_some_and(|view| view.state == JobState::Completed);
        let message = ended.map_or("is unknown", |view| view.message.as_str());
        (!complete).then(|| format!("{id:?} could complete and did not: {message}"))
    })
}

/// Everything that has not come to its end, in words.
#[must_use]
pub fn describe(truth: &Truth) -> String {
    let waiting = truth.works.iter().filter(|w| w.probe && !truth.acked.contains(&w.job.id));
    let unasked: Vec<_> = waiting.map(|w| w.job.id).collect();
    let stuck =
        unsettled(truth).unwrap_or_else(|| "nothing is left, yet it is not over".to_owned());
    format!("not over long after the trouble was: {stuck}; not taken: {unasked:?}")
}
