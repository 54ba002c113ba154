//! Checking a verdict: signatures against keys, answers against commitments, and the decision
//! against what the answers come to.

use std::collections::BTreeSet;

use gadus_auth::{verified, verify_receipt};
use gadus_model::verdict::{Decision, DrawRecord};
use gadus_model::{
    Cid, CloseBody, Engine, JobId, NodeId, Proof, Receipt, Reveal, Sealed, Signed, VerdictBody,
    codec,
};
use gadus_protocol::verify::{Flaw, Held, Record, draw, held_against, recompute};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ProofError;

/// A verdict of which everything holds, whoever is trusted.
#[derive(Debug)]
pub struct Judged {
    records: Records,
    engine: Engine,
}

/// The records of a verdict, each in its one form.
#[derive(Debug)]
struct Records {
    verdict: Signed<VerdictBody>,
    closes: Vec<Signed<CloseBody>>,
    reveals: Vec<Reveal>,
    draws: Vec<DrawRecord>,
    referee: Option<Receipt>,
}

/// What a verdict has to be about.
pub(crate) struct About {
    pub(crate) job: JobId,
    /// Of the job; none where any will do.
    pub(crate) version: Option<u32>,
    pub(crate) task: Cid,
    /// The answer that it has to accept; none where it may say anything.
    pub(crate) answer: Option<Cid>,
}

impl Judged {
    /// Checks the verdict over a task.
    pub(crate) fn read(proof: &Proof, engine: Engine, about: &About) -> Result<Self, ProofError> {
        let records = Records::read(proof)?;
        records.check_signatures()?;
        records.check_names()?;
        records.check_about(about)?;
        let judged = Self { records, engine };
        let holds = judged.among(&|_| true);
        holds.map_err(|flaw| ProofError::forged("the verdict", flaw.to_string()))?;
        Ok(judged)
    }

    /// What it holds against a node that signed this.
    pub(crate) fn held_against(&self, receipt: &Receipt) -> Result<Held, ProofError> {
        held_against(receipt, &self.record()).map_err(|why| {
            let why = format!("{}: {why}", receipt.body.node.did_key());
            ProofError::forged("the accusation", why)
        })
    }

    /// Comes to it again, counting the answers of nodes that `believes` alone; gives those whose
    /// answers were accepted.
    ///
    /// # Errors
    /// What it comes to instead.
    fn among(&self, believes: &dyn Fn(NodeId) -> bool) -> Result<Vec<NodeId>, Flaw> {
        recompute(&self.record(), believes)
    }

    /// Whether it holds for a reader who believes these nodes, and not the requester. One of them
    /// alone is never enough: a requester could have asked it only to make a verdict of its word.
    ///
    /// # Errors
    /// Why it does not, for people.
    pub fn holds_for(&self, believes: &dyn Fn(NodeId) -> bool) -> Result<(), String> {
        let behind = self.among(believes).map_err(|flaw| flaw.to_string())?;
        let right = self.verdict().body.decision.right_answer();
        let agrees = |receipt: &&Receipt| Some(receipt.body.manifest) == right;
        let referee = self.referee().filter(agrees).map(|receipt| receipt.body.node);
        let referee = referee.filter(|node| believes(*node));
        let nodes: BTreeSet<NodeId> = behind.into_iter().chain(referee).collect();
        match nodes.len() {
            0 | 1 => Err("only one came to it, and one node's word is no verdict".to_owned()),
            _ => Ok(()),
        }
    }

    /// The requester's word.
    #[must_use]
    pub fn verdict(&self) -> &Signed<VerdictBody> {
        &self.records.verdict
    }

    /// What was revealed, in the order of the verdict.
    #[must_use]
    pub fn reveals(&self) -> &[Reveal] {
        &self.records.reveals
    }

    /// The answer of who was believed without a quorum.
    #[must_use]
    pub fn referee(&self) -> Option<&Receipt> {
        self.records.referee.as_ref()
    }

    /// How many sets were closed.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.records.closes.len()
    }

    /// As the job's requester has it.
    #[must_use]
    pub fn sealed(&self) -> Sealed {
        let Records { verdict, closes, reveals, draws, referee } = &self.records;
        let seats = draws.iter().map(|draw| draw.drawn.len()).sum::<usize>();
        Sealed {
            draws: draws.clone(),
            closes: closes.clone(),
            reveals: reveals.clone(),
            referee: referee.clone(),
            verdict: Some(verdict.clone()),
            ..Sealed::new(0, u32::try_from(seats).unwrap_or(u32::MAX))
        }
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
}

impl Records {
    fn read(proof: &Proof) -> Result<Self, ProofError> {
        let referee = proof.referee.as_ref().map(|r| read(r, "the referee's receipt"));
        Ok(Self {
            verdict: read(&proof.verdict, "the verdict")?,
            closes: read_all(&proof.closes, "a closed set")?,
            reveals: read_all(&proof.reveals, "an answer that was revealed")?,
            draws: read_all(&proof.draws, "a draw")?,
            referee: referee.transpose()?,
        })
    }

    /// Who said it has signed it; closed sets are of who made the verdict.
    fn check_signatures(&self) -> Result<(), ProofError> {
        let unsigned =
            |what, error: gadus_auth::VerifyError| ProofError::forged(what, error.to_string());
        verified(&self.verdict).map_err(|error| unsigned("the verdict", error))?;
        for close in &self.closes {
            verified(close).map_err(|error| unsigned("a closed set", error))?;
            if close.node != self.verdict.node {
                let why = "another node signed it than the verdict";
                return Err(ProofError::forged("a closed set", why));
            }
        }
        let receipts = self.reveals.iter().map(|reveal| &reveal.receipt).chain(&self.referee);
        for receipt in receipts {
            verify_receipt(receipt).map_err(|error| unsigned("a node's receipt", error))?;
        }
        Ok(())
    }

    /// The draws are those that the verdict names, and were made by the rules.
    fn check_names(&self) -> Result<(), ProofError> {
        let of_draw =
            |error: &dyn std::fmt::Display| ProofError::forged("a draw", error.to_string());
        let cids = self.draws.iter().map(codec::cid_of_value).collect::<Result<Vec<_>, _>>();
        if cids.map_err(|e| of_draw(&e))? != self.verdict.body.draws {
            let why = "they are not those that the verdict names";
            return Err(ProofError::forged("the draws", why));
        }
        for record in &self.draws {
            if !draw::is_fair(record).map_err(|e| of_draw(&e))? {
                return Err(of_draw(&"the seats are not those that its secret gives"));
            }
        }
        Ok(())
    }

    /// It is about this work, and decides for this answer.
    fn check_about(&self, about: &About) -> Result<(), ProofError> {
        let body = &self.verdict.body;
        let accepted = about.answer.map(|manifest| Decision::Accepted { manifest });
        let is_about = body.job == about.job
            && about.version.is_none_or(|version| version == body.version)
            && body.task == about.task
            && accepted.is_none_or(|accepted| accepted == body.decision);
        match is_about {
            true => Ok(()),
            false => {
                let why = "it is about another job, task or answer";
                Err(ProofError::forged("the verdict", why))
            }
        }
    }
}

fn read<T: DeserializeOwned + Serialize>(bytes: &[u8], what: &str) -> Result<T, ProofError> {
    codec::decode_canonical(bytes).map_err(|error| ProofError::forged(what, error.to_string()))
}

fn read_all<T: DeserializeOwned + Serialize>(
    records: &[serde_bytes::ByteBuf],
    what: &str,
) -> Result<Vec<T>, ProofError> {
    records.iter().map(|bytes| read(bytes, what)).collect()
}
