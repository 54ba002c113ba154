//! Checking a verdict: signatures against keys, answers against commitments, and the decision
//! against what the answers come to, for the reader and the keys that the reader trusts.

use gadus_auth::{verified, verify_receipt};
use gadus_model::verdict::{Decision, DrawRecord};
use gadus_model::{
    Answer, Bundle, CloseBody, Engine, NodeId, Proof, Receipt, Reveal, Signed, VerdictBody, codec,
};
use gadus_protocol::verify::{Record, draw, recompute};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Stop, forged};

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

/// The records of a verdict, each in its one form.
struct Records {
    verdict: Signed<VerdictBody>,
    closes: Vec<Signed<CloseBody>>,
    reveals: Vec<Reveal>,
    draws: Vec<DrawRecord>,
    referee: Option<Receipt>,
}

/// Checks the verdict over an answer.
///
/// # Errors
/// `Forged` for the first thing that does not hold, whoever is trusted.
pub(super) fn check(
    proof: &Proof,
    bundle: &Bundle,
    answer: &Answer,
    engine: Engine,
    trusted: &[NodeId],
) -> Result<CheckedVerdict, Stop> {
    let records = Records::read(proof)?;
    records.check_signatures()?;
    records.check_names()?;
    let body = &records.verdict.body;
    let is_of_job = match answer.origin {
        Some(origin) => body.job == origin,
        None => body.job == bundle.job && body.version == bundle.version,
    };
    let is_of_this = is_of_job
        && body.task == answer.task
        && body.decision == Decision::Accepted { manifest: answer.manifest };
    if !is_of_this {
        return Err(forged("the verdict", "it is about another job, task or answer"));
    }
    let record = Record {
        verdict: body,
        closes: &records.closes,
        reveals: &records.reveals,
        referee: records.referee.as_ref(),
        engine,
    };
    recompute(&record, &|_| true).map_err(|flaw| forged("the verdict", flaw.to_string()))?;
    let trusts_requester = trusted.contains(&records.verdict.node);
    let for_reader = recompute(&record, &|node| trusted.contains(&node));
    let why_not = match (&for_reader, trusted) {
        _ if trusts_requester => String::new(),
        (Ok(_), _) => String::new(),
        (Err(_), []) => "name the keys that you trust with --trust".to_owned(),
        (Err(flaw), _) => format!("of the nodes that you trust: {flaw}"),
    };
    Ok(CheckedVerdict {
        asked: body.level.to_string(),
        requester: records.verdict.node.did_key(),
        trusts_requester,
        votes: records.votes(answer, trusted),
        referee: records.referee.as_ref().map(|r| r.body.node.did_key()).unwrap_or_default(),
        rounds: records.closes.len(),
        has_trusted: body.has_trusted,
        is_verified: why_not.is_empty(),
        why_not,
    })
}

impl Records {
    fn read(proof: &Proof) -> Result<Self, Stop> {
        Ok(Self {
            verdict: read(&proof.verdict, "the verdict")?,
            closes: read_all(&proof.closes, "a closed set")?,
            reveals: read_all(&proof.reveals, "an answer that was revealed")?,
            draws: read_all(&proof.draws, "a draw")?,
            referee: proof
                .referee
                .as_ref()
                .map(|r| read(r, "the referee's receipt"))
                .transpose()?,
        })
    }

    /// Who said it has signed it; closed sets are of who made the verdict.
    fn check_signatures(&self) -> Result<(), Stop> {
        let unsigned = |what, error: gadus_auth::VerifyError| forged(what, error.to_string());
        verified(&self.verdict).map_err(|error| unsigned("the verdict", error))?;
        for close in &self.closes {
            verified(close).map_err(|error| unsigned("a closed set", error))?;
            if close.node != self.verdict.node {
                return Err(forged("a closed set", "another node signed it than the verdict"));
            }
        }
        let receipts = self.reveals.iter().map(|reveal| &reveal.receipt).chain(&self.referee);
        for receipt in receipts {
            verify_receipt(receipt).map_err(|error| unsigned("a node's receipt", error))?;
        }
        Ok(())
    }

    /// The draws are those that the verdict names, and were made by the rules.
    fn check_names(&self) -> Result<(), Stop> {
        let cids = self.draws.iter().map(codec::cid_of_value).collect::<Result<Vec<_>, _>>();
        if cids.map_err(|e| forged("a draw", e.to_string()))? != self.verdict.body.draws {
            return Err(forged("the draws", "they are not those that the verdict names"));
        }
        for record in &self.draws {
            if !draw::is_fair(record).map_err(|e| forged("a draw", e.to_string()))? {
                return Err(forged("a draw", "the seats are not those that its secret gives"));
            }
        }
        Ok(())
    }

    fn votes(&self, answer: &Answer, trusted: &[NodeId]) -> Vec<CheckedVote> {
        let vote = |reveal: &Reveal| {
            let body = &reveal.receipt.body;
            CheckedVote {
                issuer: body.node.did_key(),
                manifest_cid: body.manifest.to_string(),
                agrees: body.manifest == answer.manifest,
                is_trusted: trusted.contains(&body.node),
            }
        };
        self.reveals.iter().map(vote).collect()
    }
}

fn read<T: DeserializeOwned + Serialize>(bytes: &[u8], what: &str) -> Result<T, Stop> {
    codec::decode_canonical(bytes).map_err(|error| forged(what, error.to_string()))
}

fn read_all<T: DeserializeOwned + Serialize>(
    records: &[serde_bytes::ByteBuf],
    what: &str,
) -> Result<Vec<T>, Stop> {
    records.iter().map(|bytes| read(bytes, what)).collect()
}
