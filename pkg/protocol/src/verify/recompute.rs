//! Coming to a verdict again, from the records behind it.

use std::collections::BTreeSet;

use gadus_model::verdict::{CloseBody, Decision, Reveal, VerdictBody};
use gadus_model::{Cid, CodecError, Engine, NodeId, Quorum, Receipt, Signed, Verification, codec};

use super::ballot::Ballot;
use super::seal;

/// A verdict with what is behind it. All signatures were checked before.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The verdict.
    pub verdict: &'a VerdictBody,
    /// The closed sets, each signed by who signed the verdict.
    pub closes: &'a [Signed<CloseBody>],
    /// What was revealed; each receipt is signed by its node.
    pub reveals: &'a [Reveal],
    /// The referee's receipt.
    pub referee: Option<&'a Receipt>,
    /// The engine that the task is for: a container's result is never verified.
    pub engine: Engine,
}

/// What does not hold of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A record that it names is missing, or one is there that it does not name.
    #[error("the {what} are not those that the verdict names")]
    Records {
        /// Which records.
        what: &'static str,
    },
    /// A closed set is of other work, or not in its one form.
    #[error("round {round} was closed with a set that is not one of this work")]
    Foreign {
        /// The round.
        round: u32,
    },
    /// What a node revealed does not open its commitment.
    #[error("the answer of {node} does not count: {why}")]
    Unopened {
        /// Who.
        node: NodeId,
        /// Why not.
        why: String,
    },
    /// A node's answer is there twice.
    #[error("{node} answered more than once")]
    Twice {
        /// Who.
        node: NodeId,
    },
    /// The answers, of whom the reader believes, come to something else.
    #[error("the verdict says {stated}, and the answers come to {found}")]
    Decision {
        /// What it says.
        stated: &'static str,
        /// What follows.
        found: String,
    },
    /// The way of checking has no quorum to recompute.
    #[error("'{level}' is no check that several answers are behind")]
    NoQuorum {
        /// The way of checking.
        level: Verification,
    },
    /// A container's result cannot be verified.
    #[error("the result of a container cannot be verified: running it again may give another")]
    Container,
    /// A record has no canonical form.
    #[error("a record cannot be encoded: {0}")]
    Codec(String),
}

impl From<CodecError> for Flaw {
    fn from(error: CodecError) -> Self {
        Self::Codec(error.to_string())
    }
}

/// Comes to the decision again, counting the answers of nodes that `believes` alone. Gives the
/// nodes behind the accepted answer; empty where nothing was accepted.
///
/// # Errors
/// The first thing that does not hold.
pub fn recompute(
    record: &Record<'_>,
    believes: &dyn Fn(NodeId) -> bool,
) -> Result<Vec<NodeId>, Flaw> {
    if record.engine != Engine::Wasm {
        return Err(Flaw::Container);
    }
    let level = record.verdict.level;
    let quorum = level.quorum().ok_or(Flaw::NoQuorum { level })?;
    check_named(record)?;
    check_closes(record)?;
    let counted = ballot_of(record)?.among(believes);
    let found = decide(&counted, quorum, record, believes);
    if found != record.verdict.decision {
        let stated = record.verdict.decision.word();
        return Err(Flaw::Decision { stated, found: told(&found) });
    }
    Ok(match found {
        Decision::Accepted { manifest } => counted.behind(manifest).collect(),
        Decision::Inconclusive { .. } | Decision::Rejected { .. } => Vec::new(),
    })
}

/// The decision over these answers.
fn decide(
    ballot: &Ballot,
    quorum: Quorum,
    record: &Record<'_>,
    believes: &dyn Fn(NodeId) -> bool,
) -> Decision {
    let referee = record.referee.filter(|receipt| believes(receipt.body.node));
    match (ballot.decide(quorum), referee) {
        (Ok(manifest), _) => Decision::Accepted { manifest },
        (Err(_), Some(receipt)) => ballot.refereed(receipt.body.manifest),
        (Err(standstill), None) => Decision::Inconclusive { why: standstill.why },
    }
}

fn check_named(record: &Record<'_>) -> Result<(), Flaw> {
    let verdict = record.verdict;
    let closes = record.closes.iter().map(codec::cid_of_value).collect::<Result<Vec<_>, _>>()?;
    if closes != verdict.closes {
        return Err(Flaw::Records { what: "closed sets" });
    }
    let reveals = record.reveals.iter().map(codec::cid_of_value);
    let reveals = reveals.collect::<Result<BTreeSet<Cid>, _>>()?;
    if !reveals.iter().eq(verdict.reveals.iter()) || reveals.len() != record.reveals.len() {
        return Err(Flaw::Records { what: "answers" });
    }
    let referee = record.referee.map(codec::cid_of_value).transpose()?;
    if referee != verdict.referee {
        return Err(Flaw::Records { what: "receipts of the referee" });
    }
    let of_another = |receipt: &Receipt| receipt.body.task != verdict.task;
    if record.referee.is_some_and(of_another) {
        return Err(Flaw::Records { what: "receipts of the referee" });
    }
    Ok(())
}

fn check_closes(record: &Record<'_>) -> Result<(), Flaw> {
    let verdict = record.verdict;
    let mut before = 0;
    for close in record.closes.iter().map(|close| &close.body) {
        let same =
            (close.job, close.version, close.task) == (verdict.job, verdict.version, verdict.task);
        if !same || !close.is_in_form() || close.round <= before {
            return Err(Flaw::Foreign { round: close.round });
        }
        before = close.round;
    }
    Ok(())
}

fn ballot_of(record: &Record<'_>) -> Result<Ballot, Flaw> {
    let mut ballot = Ballot::default();
    let mut answered = BTreeSet::new();
    for reveal in record.reveals {
        let node = reveal.receipt.body.node;
        if !answered.insert(node) {
            return Err(Flaw::Twice { node });
        }
        let holds = |close: &&CloseBody| close.committed(node, &reveal.execution).is_some();
        let mut closes = record.closes.iter().map(|close| &close.body);
        let close = closes.find(holds).ok_or_else(|| Flaw::Unopened {
            node,
            why: "no closed set has a commitment of it".to_owned(),
        })?;
        let manifest =
            seal::open(close, node, reveal).map_err(|why| Flaw::Unopened { node, why })?;
        ballot.vote(node, manifest);
    }
    Ok(ballot)
}

fn told(decision: &Decision) -> String {
    match decision {
        Decision::Accepted { manifest } => format!("verified, with {manifest}"),
        Decision::Inconclusive { why } => format!("inconclusive: {}", why.as_str()),
        Decision::Rejected { referee } => format!("rejected: the referee came to {referee}"),
    }
}
