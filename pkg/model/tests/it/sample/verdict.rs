//! Everything that is said of a task that several nodes answer.

use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::verdict::{Candidate, Committed, DrawRecord, VERDICT_VERSION};
use gadus_model::{
    Answer, Bundle, Cid, CloseBody, CommitBody, Decision, Evidence, Execution, Inconclusive,
    Opening, Proof, Quorum, Receipt, Reveal, Sealed, Signed, Slot, Stage, VerdictBody,
    Verification, codec,
};
use serde_bytes::ByteBuf;

use super::{cid, claim, execution, job_id, node, receipt, slot};

const SALT: [u8; 32] = [0x5a; 32];
pub(crate) const QUORUM: Quorum = Quorum { equal: 2, of: 3 };

fn signed<T>(body: T, by: u8) -> Signed<T> {
    Signed { body, node: node(by), signature: vec![0x51; 64] }
}

/// What opens [`commit`].
pub(crate) fn opening() -> Opening {
    Opening {
        task: cid("task"),
        execution: execution(),
        node: node(2),
        salt: SALT,
        manifest: cid("manifest"),
    }
}

pub(crate) fn commit() -> Signed<CommitBody> {
    let Opening { task, execution, .. } = opening();
    let commitment = opening().commitment().unwrap();
    signed(CommitBody { task, execution, commitment }, 2)
}

pub(crate) fn close() -> Signed<CloseBody> {
    let seat = Slot { replica: 2, ..slot() };
    let other = Execution { slot: seat, ..execution() };
    let commitment = commit().body.commitment;
    let set = vec![
        Committed { node: node(2), execution: execution(), commitment },
        Committed { node: node(3), execution: other, commitment: [0xc0; 32] },
    ];
    let (v, job, task) = (VERDICT_VERSION, job_id(), cid("task"));
    signed(CloseBody { v, job, version: 2, task, round: 1, set }, 1)
}

pub(crate) fn reveal() -> Reveal {
    let manifest = claim().manifest;
    Reveal { execution: execution(), salt: SALT, manifest, receipt: receipt(false) }
}

pub(crate) fn draw() -> DrawRecord {
    let candidate = |n: u8, prefix: Option<&str>| Candidate {
        node: node(n),
        operator: node(n + 0x10),
        prefix: prefix.map(str::to_owned),
        is_trusted: n == 3,
    };
    DrawRecord {
        round: 5,
        secret: [0xd0; 32],
        candidates: vec![candidate(2, Some("203.0.113.0/24")), candidate(3, None)],
        taken: vec![candidate(4, Some("198.51.100.0/24"))],
        drawn: vec![node(3), node(2)],
    }
}

fn verdict(level: Verification, referee: Option<Cid>, decision: Decision) -> Signed<VerdictBody> {
    let body = VerdictBody {
        v: VERDICT_VERSION,
        job: job_id(),
        version: 2,
        task: cid("task"),
        level,
        closes: vec![codec::cid_of_value(&close()).unwrap()],
        reveals: vec![codec::cid_of_value(&reveal()).unwrap()],
        draws: vec![codec::cid_of_value(&draw()).unwrap()],
        referee,
        has_trusted: referee.is_none(),
        decision,
    };
    signed(body, 1)
}

fn referee() -> Receipt {
    receipt(true)
}

/// A verdict of each decision; the last with every field set.
pub(crate) fn verdicts() -> Vec<Signed<VerdictBody>> {
    let quorum = Verification::Quorum(QUORUM);
    let receipt = codec::cid_of_value(&referee()).unwrap();
    vec![
        verdict(quorum, None, Decision::Accepted { manifest: cid("manifest") }),
        verdict(Verification::Spot(25), None, Decision::Inconclusive { why: Inconclusive::Tie }),
        verdict(quorum, Some(receipt), Decision::Rejected { referee: cid("another manifest") }),
    ]
}

/// Where a partition may stand: at the start, and at the end with every field set.
pub(crate) fn sealed() -> Vec<(&'static str, Sealed)> {
    let start = Sealed::new(slot().partition, QUORUM.of);
    let end = Sealed {
        stage: Stage::Referee,
        seats: 4,
        shut: 3,
        referee_from: Some(3),
        draws: vec![draw()],
        closes: vec![close()],
        reveals: vec![reveal()],
        referee: Some(referee()),
        verdict: verdicts().pop(),
        ..start.clone()
    };
    vec![("start", start), ("end", end)]
}

fn each<T: serde::Serialize>(records: &[T]) -> Vec<ByteBuf> {
    records.iter().map(|record| ByteBuf::from(codec::encode(record).unwrap())).collect()
}

/// Answers with everything behind them, and with nothing.
pub(crate) fn bundle() -> Bundle {
    let links = |verdict: Option<Cid>, origin| Answer {
        task: cid("task"),
        manifest: cid("manifest"),
        receipt: cid("receipt"),
        origin,
        verdict,
    };
    let answers = vec![links(Some(cid("proof")), Some(job_id())), links(None, None)];
    Bundle { v: BUNDLE_VERSION, job: job_id(), version: 2, answers }
}

pub(crate) fn proof() -> Proof {
    let verdict = verdicts().pop().unwrap();
    Proof {
        v: BUNDLE_VERSION,
        verdict: each(&[verdict]).remove(0),
        closes: each(&[close()]),
        reveals: each(&[reveal()]),
        draws: each(&[draw()]),
        referee: each(&[referee()]).pop(),
    }
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        v: BUNDLE_VERSION,
        job: job_id(),
        version: 2,
        accused: node(2),
        task: cid("task"),
        receipt: each(&[receipt(false)]).remove(0),
        proof: cid("proof"),
    }
}
