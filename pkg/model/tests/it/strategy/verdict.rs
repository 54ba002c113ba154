//! Anything that is said of a task that several nodes answer.

use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::verdict::{Candidate, Committed, DrawRecord, VERDICT_VERSION};
use gadus_model::{
    Answer, Bundle, CloseBody, CommitBody, Decision, Evidence, Inconclusive, Opening, Proof,
    QUORUM_MAX, Quorum, Reveal, Sealed, Signed, Stage, VerdictBody, Verification,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::{bytes, cid, execution, job_id, manifest, node, one_of, receipt, text};

fn hash() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

/// A body with any signature: whether it counts is not for the encoding to say.
fn signed<T: std::fmt::Debug>(body: impl Strategy<Value = T>) -> impl Strategy<Value = Signed<T>> {
    (body, node(), bytes()).prop_map(|(body, node, signature)| Signed { body, node, signature })
}

pub(crate) fn verification() -> impl Strategy<Value = Verification> {
    let quorum = (2..=QUORUM_MAX, 2..=QUORUM_MAX)
        .prop_filter_map("no quorum", |(equal, of)| Quorum::new(equal, of).ok());
    prop_oneof![
        Just(Verification::Attest),
        any::<u16>().prop_map(Verification::Spot),
        quorum.prop_map(Verification::Quorum),
    ]
}

pub(crate) fn opening() -> impl Strategy<Value = Opening> {
    (cid(), execution(), node(), hash(), cid()).prop_map(
        |(task, execution, node, salt, manifest)| Opening { task, execution, node, salt, manifest },
    )
}

pub(crate) fn commit() -> impl Strategy<Value = Signed<CommitBody>> {
    signed((cid(), execution(), hash()).prop_map(|(task, execution, commitment)| CommitBody {
        task,
        execution,
        commitment,
    }))
}

fn committed() -> impl Strategy<Value = Committed> {
    (node(), execution(), hash()).prop_map(|(node, execution, commitment)| Committed {
        node,
        execution,
        commitment,
    })
}

pub(crate) fn close() -> impl Strategy<Value = Signed<CloseBody>> {
    let body = (job_id(), cid(), any::<(u32, u32)>(), vec(committed(), 0..3)).prop_map(
        |(job, task, (version, round), set)| {
            let v = VERDICT_VERSION;
            CloseBody { v, job, version, task, round, set }
        },
    );
    signed(body)
}

pub(crate) fn reveal() -> impl Strategy<Value = Reveal> {
    (execution(), hash(), manifest(), receipt()).prop_map(|(execution, salt, manifest, receipt)| {
        Reveal { execution, salt, manifest, receipt }
    })
}

fn candidate() -> impl Strategy<Value = Candidate> {
    (node(), node(), option::of(text()), any::<bool>()).prop_map(
        |(node, operator, prefix, is_trusted)| Candidate { node, operator, prefix, is_trusted },
    )
}

pub(crate) fn draw() -> impl Strategy<Value = DrawRecord> {
    let people = (vec(candidate(), 0..3), vec(candidate(), 0..3), vec(node(), 0..3));
    (any::<u32>(), hash(), people).prop_map(|(round, secret, (candidates, taken, drawn))| {
        DrawRecord { round, secret, candidates, taken, drawn }
    })
}

fn decision() -> impl Strategy<Value = Decision> {
    use Inconclusive::{LoneAnswer, NoAnswer, Short, Tie};
    prop_oneof![
        cid().prop_map(|manifest| Decision::Accepted { manifest }),
        one_of(vec![NoAnswer, LoneAnswer, Short, Tie])
            .prop_map(|why| Decision::Inconclusive { why }),
        cid().prop_map(|referee| Decision::Rejected { referee }),
    ]
}

pub(crate) fn verdict() -> impl Strategy<Value = Signed<VerdictBody>> {
    let of = (job_id(), any::<u32>(), cid(), verification());
    let records = [vec(cid(), 0..3), vec(cid(), 0..3), vec(cid(), 0..3)];
    let end = (option::of(cid()), any::<bool>(), decision());
    let body = (of, records, end).prop_map(|((job, version, task, level), records, end)| {
        let [closes, reveals, draws] = records;
        let (referee, has_trusted, decision) = end;
        VerdictBody {
            v: VERDICT_VERSION,
            job,
            version,
            task,
            level,
            closes,
            reveals,
            draws,
            referee,
            has_trusted,
            decision,
        }
    });
    signed(body)
}

pub(crate) fn stage() -> impl Strategy<Value = Stage> {
    one_of(vec![Stage::Drawn, Stage::Trusted, Stage::Referee])
}

pub(crate) fn sealed() -> impl Strategy<Value = Sealed> {
    let records = (vec(draw(), 0..3), vec(close(), 0..3), vec(reveal(), 0..3));
    let seats = (any::<[u32; 3]>(), option::of(any::<u32>()));
    let end = (option::of(receipt()), option::of(verdict()));
    (stage(), seats, records, end).prop_map(|(stage, seats, (draws, closes, reveals), end)| {
        let ([partition, seats, shut], referee_from) = seats;
        let (referee, verdict) = end;
        Sealed {
            partition,
            stage,
            seats,
            shut,
            referee_from,
            draws,
            closes,
            reveals,
            referee,
            verdict,
        }
    })
}

fn record() -> impl Strategy<Value = ByteBuf> {
    bytes().prop_map(ByteBuf::from)
}

pub(crate) fn bundle() -> impl Strategy<Value = Bundle> {
    let answer = ([cid(), cid(), cid()], option::of(job_id()), option::of(cid())).prop_map(
        |([task, manifest, receipt], origin, verdict)| Answer {
            task,
            manifest,
            receipt,
            origin,
            verdict,
        },
    );
    (job_id(), any::<u32>(), vec(answer, 0..3)).prop_map(|(job, version, answers)| Bundle {
        v: BUNDLE_VERSION,
        job,
        version,
        answers,
    })
}

pub(crate) fn proof() -> impl Strategy<Value = Proof> {
    let lists = (vec(record(), 0..3), vec(record(), 0..3), vec(record(), 0..3));
    (record(), lists, option::of(record())).prop_map(
        |(verdict, (closes, reveals, draws), referee)| Proof {
            v: BUNDLE_VERSION,
            verdict,
            closes,
            reveals,
            draws,
            referee,
        },
    )
}

pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    (job_id(), any::<u32>(), node(), cid(), record(), cid()).prop_map(
        |(job, version, accused, task, receipt, proof)| Evidence {
            v: BUNDLE_VERSION,
            job,
            version,
            accused,
            task,
            receipt,
            proof,
        },
    )
}
