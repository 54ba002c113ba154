//! How a job's result is checked: what is asked for, and what came of it.

use std::collections::BTreeMap;

use gadus_model::sealed::Sealed;
use gadus_model::verdict::Decision;
use gadus_model::view::{ExecutionView, JobView};
use gadus_model::{ExecutionState, NodeId, Origin, Verification};

use super::engine;
use crate::types::{Job, VerdictInfo, VoteInfo};

/// How the job's result is to be checked. What cannot be read was told by [`errors`].
pub(super) fn verification(job: &Job) -> Verification {
    parse(&job.verification).unwrap_or_default()
}

/// What is wrong with it.
pub(super) fn errors(job: &Job) -> Vec<String> {
    let level = match parse(&job.verification) {
        Ok(level) => level,
        Err(why) => return vec![why],
    };
    if !level.is_sealed() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let engine = job.tasks.first().map(|task| task.engine.kind.to_ascii_lowercase());
    // What kind of task a task is, is seen once it is read.
    if engine.is_some_and(|engine| engine != "wasm" && engine != engine::pinned::KIND) {
        errors.push(format!(
            "job verification {level} is for Wasm functions: running a container again may give \
             another result (use attest)"
        ));
    }
    if job.kind.eq_ignore_ascii_case("ops") {
        errors.push(format!(
            "job verification {level} is not for ops jobs: each node's own result is wanted, which \
             nobody else can give (use attest)"
        ));
    }
    errors
}

fn parse(text: &str) -> Result<Verification, String> {
    match text.trim() {
        "" => Ok(Verification::Attest),
        text => text.parse().map_err(|error: gadus_model::verification::ParseVerificationError| {
            format!("invalid job verification: {error}")
        }),
    }
}

/// What came of the check of each partition.
pub(super) fn verdicts(view: &JobView) -> Vec<VerdictInfo> {
    let known = view.executions.iter().filter_map(|e| {
        let partition = e.execution.slot.partition;
        Some((partition, replayed(partition, e.origin.as_deref()?)))
    });
    let known: BTreeMap<u32, VerdictInfo> = known.collect();
    let is_open = |sealed: &&Sealed| !known.contains_key(&sealed.partition);
    let judged = view.sealed.iter().filter(is_open).map(|sealed| verdict(view, sealed));
    let mut verdicts: Vec<VerdictInfo> = judged.chain(known.values().cloned()).collect();
    verdicts.sort_by_key(|verdict| verdict.partition);
    verdicts
}

/// What came of the check for another job.
fn replayed(partition: u32, origin: &Origin) -> VerdictInfo {
    let body = &origin.verdict.body;
    let manifest_cid = match &body.decision {
        Decision::Accepted { manifest } => manifest.to_string(),
        Decision::Inconclusive { .. } | Decision::Rejected { .. } => String::new(),
    };
    let vote = |node: &NodeId| VoteInfo {
        node_id: node.to_string(),
        manifest_cid: manifest_cid.clone(),
        stand: "agrees".to_owned(),
    };
    VerdictInfo {
        partition,
        decision: body.decision.word().to_owned(),
        level: origin.level.to_string(),
        votes: origin.voters.iter().map(vote).collect(),
        manifest_cid: manifest_cid.clone(),
        has_trusted: body.has_trusted,
        referee: String::new(),
        replayed_from: origin.job.to_string(),
        rounds: u32::try_from(body.closes.len()).unwrap_or(u32::MAX),
    }
}

fn verdict(view: &JobView, sealed: &Sealed) -> VerdictInfo {
    let body = sealed.verdict.as_ref().map(|verdict| &verdict.body);
    let decision = body.map(|body| &body.decision);
    let executions =
        || view.executions.iter().filter(|e| e.execution.slot.partition == sealed.partition);
    let accepted = match decision {
        Some(Decision::Accepted { manifest }) => Some(manifest.to_string()),
        Some(Decision::Inconclusive { .. } | Decision::Rejected { .. }) | None => None,
    };
    let is_unchecked = body.is_none() && executions().any(|e| e.marks.accepted_at.is_some());
    let word = match (decision, is_unchecked) {
        (Some(decision), _) => decision.word(),
        (None, true) => "unchecked",
        (None, false) => "pending",
    };
    let referee = body.and_then(|body| body.referee).and(sealed.referee.as_ref());
    VerdictInfo {
        partition: sealed.partition,
        decision: word.to_owned(),
        level: view.job.context.verification.to_string(),
        votes: executions().filter_map(|e| vote(e, accepted.as_deref())).collect(),
        manifest_cid: accepted.unwrap_or_default(),
        has_trusted: body.is_some_and(|body| body.has_trusted),
        referee: referee.map(|receipt| receipt.body.node.to_string()).unwrap_or_default(),
        replayed_from: String::new(),
        rounds: u32::try_from(sealed.closes.len()).unwrap_or(u32::MAX),
    }
}

fn vote(e: &ExecutionView, accepted: Option<&str>) -> Option<VoteInfo> {
    e.commit.as_ref()?;
    let answer = e.receipt.as_ref().map(|receipt| receipt.body.manifest.to_string());
    let stand = match (e.state, &answer, accepted) {
        (ExecutionState::Faulted, ..) => "silent",
        (_, None, _) => "sealed",
        (_, Some(answer), Some(accepted)) if answer == accepted => "agrees",
        (_, Some(_), Some(_)) => "differs",
        (_, Some(_), None) => "shown",
    };
    Some(VoteInfo {
        node_id: e.node.to_string(),
        manifest_cid: answer.unwrap_or_default(),
        stand: stand.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SpecConfig, Task};

    fn job(verification: &str, engine: &str) -> Job {
        let task = Task { engine: SpecConfig::new(engine), ..Task::default() };
        Job { verification: verification.to_owned(), tasks: vec![task], ..Job::default() }
    }

    #[test]
    fn words_are_read() {
        for (text, level) in [
            ("", "attest"),
            ("attest", "attest"),
            (" quorum=2/3 ", "quorum=2/3"),
            ("spot=5%", "spot=5%"),
        ] {
            assert_eq!(errors(&job(text, "wasm")), [""; 0], "{text}");
            assert_eq!(verification(&job(text, "wasm")).to_string(), level);
        }
        for text in ["quorum", "quorum=1/1", "spot=0%", "yes"] {
            let told = errors(&job(text, "wasm"));
            assert!(told[0].contains(text), "{told:?}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_refused_by_name() {
        assert!(errors(&job("quorum=2/2", "docker"))[0].contains("container"));
        assert_eq!(errors(&job("attest", "docker")), [""; 0]);
        let ops = Job { kind: "ops".to_owned(), ..job("quorum=2/2", "wasm") };
        assert!(errors(&ops)[0].contains("ops"));
    }
}
