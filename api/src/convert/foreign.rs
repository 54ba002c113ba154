//! Verdicts of other requesters.

use gadus_model::Cid;

use crate::service::CountedVerdict;
use crate::types::{BundleInfo, CountedInfo, VoterInfo};

/// A verdict, and what it is worth.
pub(crate) fn counted(verdict: &CountedVerdict) -> CountedInfo {
    let CountedVerdict { replay, voters, worth } = verdict;
    let (origin, body) = (&replay.origin, &replay.claim.receipt.body);
    let voter = |(node, is_trusted): &(gadus_model::NodeId, bool)| VoterInfo {
        node_id: node.to_string(),
        key: node.did_key(),
        is_trusted: *is_trusted,
    };
    CountedInfo {
        task_cid: body.task.to_string(),
        manifest_cid: body.manifest.to_string(),
        result_cid: replay.claim.manifest.result.to_string(),
        job_id: origin.job.to_string(),
        requester: origin.verdict.node.did_key(),
        level: origin.level.to_string(),
        worth: worth.map(|level| level.to_string()).unwrap_or_default(),
        voters: voters.iter().map(voter).collect(),
    }
}

/// A bundle that is counted.
pub(crate) fn bundle((root, tasks): &(Cid, Vec<Cid>)) -> BundleInfo {
    BundleInfo {
        bundle_cid: root.to_string(),
        task_cids: tasks.iter().map(ToString::to_string).collect(),
    }
}
