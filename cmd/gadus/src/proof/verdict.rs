//! Checking a verdict: signatures against keys, answers against commitments, and the decision
//! against what the answers come to, for the reader and the keys that the reader trusts.

use gadus_auth::{verified, verify_receipt};
use gadus_model::verdict::{Decision, DrawRecord};
use gadus_model::{
    Cid, CloseBody, Engine, JobId, NodeId, Proof, Receipt, Reveal, Signed, VerdictBody, codec,
};
use gadus_protocol::verify::{Held, Record, draw, held_against, recompute};
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

/// What a verdict has to be about.
pub(super) struct About {
    pub(super) job: JobId,
    /// Of the job; none where any will do.
    pub(super) version: Option<u32>,
    pub(super) task: Cid,
    /// The answer that it has to accept; none where it may say anything.
    pub(super) answer: Option<Cid>,
}

/// A verdict of which everything holds, whoever is trusted.
pub(super) struct Judged {
    records: Records,
    engine: Engine,
}

impl Judged {
    /// Checks the verdict over a task.
    ///
    /// # Errors
    /// `Forged` for the first thing that does not hold.
    pub(super) fn read(proof: &Proof, engine: Engine, about: &About) -> Result<Self, Stop> {
        let records = Records::read(proof)?;
        records.check_signatures()?;
        records.check_names()?;
        records.check_about(about)?;
        let judged = Self { records, engine };
        let holds = recompute(&judged.record(), &|_| true);
        holds.map_err(|flaw| forged("the verdict", flaw.to_string()))?;
        Ok(judged)
    }

    fn record(&self) -> Record<'_> {
        Record {
            verdict: &self.records.verdict.body,
            closes: &self.records.closes,
            reveals: &self.records.reveals,
            referee: self.records.referee.as_ref(),
            engine: self.engine,
        }
    }

    /// What it holds against a node that signed this.
    ///
    /// # Errors
    /// `Forged` where it holds nothing against it.
    pub(super) fn held_against(&self, receipt: &Receipt) -> Result<Held, Stop> {
        held_against(receipt, &self.record()).map_err(|why| {
            forged("the accusation", format!("{}: {why}", receipt.body.node.did_key()))
        })
    }

    /// What it is to a reader who trusts these keys. `right` is the answer that it decides for.
    pub(super) fn for_reader(&self, right: Cid, trusted: &[NodeId]) -> CheckedVerdict {
        let (records, body) = (&self.records, &self.records.verdict.body);
        let trusts_requester = trusted.contains(&records.verdict.node);
        let of_trusted = recompute(&self.record(), &|node| trusted.contains(&node));
        let why_not = match (&of_trusted, trusted) {
            _ if trusts_requester => String::new(),
            (Ok(_), _) => String::new(),
            (Err(_), []) => "name the keys that you trust with --trust".to_owned(),
            (Err(flaw), _) => format!("of the nodes that you trust: {flaw}"),
        };
        CheckedVerdict {
            asked: body.level.to_string(),
            requester: records.verdict.node.did_key(),
            trusts_requester,
            votes: records.votes(right, trusted),
            referee: records.referee.as_ref().map(|r| r.body.node.did_key()).unwrap_or_default(),
            rounds: records.closes.len(),
            has_trusted: body.has_trusted,
            is_verified: why_not.is_empty(),
            why_not,
        }
    }
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

    /// It is about this work, and decides for this answer.
    fn check_about(&self, about: &About) -> Result<(), Stop> {
        let body = &self.verdict.body;
        let accepted = about.answer.map(|manifest| Decision::Accepted { manifest });
        let is_about = body.job == about.job
            && about.version.is_none_or(|version| version == body.version)
            && body.task == about.task
            && accepted.is_none_or(|accepted| accepted == body.decision);
        match is_about {
            true => Ok(()),
            false => Err(forged("the verdict", "it is about another job, task or answer")),
        }
    }

    fn votes(&self, right: Cid, trusted: &[NodeId]) -> Vec<CheckedVote> {
        let vote = |reveal: &Reveal| {
            let body = &reveal.receipt.body;
            CheckedVote {
                issuer: body.node.did_key(),
                manifest_cid: body.manifest.to_string(),
                agrees: body.manifest == right,
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
