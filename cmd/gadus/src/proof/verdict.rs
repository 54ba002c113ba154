//! A verdict, to a reader and the keys that the reader trusts.

use gadus_model::{Cid, NodeId};
use gadus_proof::Judged;
use serde::Serialize;

/// What several nodes came to, all of which holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckedVerdict {
    /// How it was to be checked, such as `quorum=2/2`.
    pub(crate) asked: String,
    /// Who made the verdict, as a `did:key`.
    pub(crate) requester: String,
    /// Whether the reader said that it trusts that key: then the verdict is good as it is.
    pub(crate) trusts_requester: bool,
    /// Who said what.
    pub(crate) votes: Vec<CheckedVote>,
    /// Whose answer decided, as a `did:key`; empty where there was a quorum.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) referee: String,
    /// Rounds that were closed.
    pub(crate) rounds: usize,
    /// Whether a node that the requester trusts was among those who were counted, by its word.
    pub(crate) has_trusted: bool,
    /// Whether the answers of those whom the reader trusts come to the same.
    pub(crate) is_verified: bool,
    /// Why not, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) why_not: String,
}

/// One node's answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckedVote {
    /// Whose word it is, as a `did:key`.
    pub(crate) issuer: String,
    /// Its answer.
    #[serde(rename = "ManifestCID")]
    pub(crate) manifest_cid: String,
    /// Whether it is the accepted one.
    pub(crate) agrees: bool,
    /// Whether the reader said that it trusts that key.
    pub(crate) is_trusted: bool,
}

impl CheckedVerdict {
    /// What a verdict is to a reader who trusts these keys. `right` is the answer that it decides
    /// for.
    pub(super) fn of(judged: &Judged, right: Cid, trusted: &[NodeId]) -> Self {
        let (signed, referee) = (judged.verdict(), judged.referee());
        let trusts_requester = trusted.contains(&signed.node);
        let of_trusted = judged.holds_for(&|node| trusted.contains(&node));
        let is_verified = trusts_requester || of_trusted.is_ok();
        let why_not = match (of_trusted, trusted) {
            _ if is_verified => String::new(),
            (Ok(()), _) => String::new(),
            (Err(_), []) => "name the keys that you trust with --trust".to_owned(),
            (Err(why), _) => format!("of the nodes that you trust: {why}"),
        };
        let vote = |receipt: &gadus_model::Receipt| CheckedVote {
            issuer: receipt.body.node.did_key(),
            manifest_cid: receipt.body.manifest.to_string(),
            agrees: receipt.body.manifest == right,
            is_trusted: trusted.contains(&receipt.body.node),
        };
        Self {
            asked: signed.body.level.to_string(),
            requester: signed.node.did_key(),
            trusts_requester,
            votes: judged.reveals().iter().map(|reveal| vote(&reveal.receipt)).collect(),
            referee: referee.map(|r| r.body.node.did_key()).unwrap_or_default(),
            rounds: judged.rounds(),
            has_trusted: signed.body.has_trusted,
            is_verified,
            why_not,
        }
    }
}
