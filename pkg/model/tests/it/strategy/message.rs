//! Anything that a node may say.

use gadus_model::message::{
    Announce, Answer, Award, Bid, Envelope, Gossip, Held, InlineBlock, MESSAGE_VERSION, Message,
    OpenProposal, Proposal, Requirements, RoundId,
};
use gadus_model::{Execution, Network, Place};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::node::{constraint, engine, failure, reason, resources};
use super::task::code;
use super::{
    bytes, cid, claim, close, commit, context, execution, job_id, node, node_info, one_of,
};
use super::{owner, task, text};

fn round() -> impl Strategy<Value = RoundId> {
    (job_id(), any::<u32>(), any::<u32>()).prop_map(|(job, version, round)| RoundId {
        job,
        version,
        round,
    })
}

fn place() -> impl Strategy<Value = Place> {
    (text(), prop::collection::btree_map(text(), text(), 0..3))
        .prop_map(|(kind, params)| Place { kind, params })
}

fn requirements() -> impl Strategy<Value = Requirements> {
    let network = one_of(vec![Network::None, Network::Host, Network::Bridge]);
    let publishes_to = option::of(text());
    (engine(), resources(), vec(constraint(), 0..3), network, publishes_to).prop_map(
        |(engine, resources, constraints, network, publishes_to)| Requirements {
            engine,
            resources,
            constraints,
            network,
            publishes_to,
        },
    )
}

fn announce() -> impl Strategy<Value = Announce> {
    let inputs = vec((cid(), any::<u64>()), 0..4);
    (round(), requirements(), code(), inputs, any::<(u32, u64, u32)>(), any::<[u8; 32]>()).prop_map(
        |(round, requirements, code, inputs, (want, window_ms, nodes_hint), draw_commitment)| {
            Announce {
                round,
                requirements,
                code,
                inputs,
                want,
                window_ms,
                nodes_hint,
                draw_commitment,
            }
        },
    )
}

fn bid() -> impl Strategy<Value = Bid> {
    let numbers = any::<(u16, u32, u64, u64)>();
    (round(), numbers, any::<bool>(), option::of(text())).prop_map(
        |(round, (fit_permille, seats, bytes_missing, price), module_warm, image_digest)| Bid {
            round,
            fit_permille,
            seats,
            bytes_missing,
            module_warm,
            image_digest,
            price,
        },
    )
}

pub(crate) fn award() -> impl Strategy<Value = Award> {
    (execution(), round(), any::<u64>(), text(), task(), context()).prop_map(
        |(execution, round, lease_ms, job_type, task, context)| Award {
            execution,
            round,
            lease_ms,
            job_type,
            task,
            context,
        },
    )
}

fn proposal() -> impl Strategy<Value = Proposal> {
    let block = (cid(), bytes()).prop_map(|(cid, bytes)| InlineBlock { cid, bytes });
    let open = (claim(), vec(block, 0..3))
        .prop_map(|(claim, blocks)| Proposal::Open(Box::new(OpenProposal { claim, blocks })));
    prop_oneof![open, commit().prop_map(|commit| Proposal::Sealed(Box::new(commit)))]
}

fn of(f: fn(Execution) -> Message) -> BoxedStrategy<Message> {
    execution().prop_map(f).boxed()
}

/// Messages between the machines of a job that looks for a node.
fn bidding() -> impl Strategy<Value = Message> {
    prop_oneof![
        announce().prop_map(Message::Ask),
        bid().prop_map(Message::Bid),
        (round(), vec(reason(), 0..3))
            .prop_map(|(round, reasons)| Message::Decline { round, reasons }),
        round().prop_map(|round| Message::Filled { round }),
        award().prop_map(|award| Message::Award(Box::new(award))),
        of(|execution| Message::Granted { execution }),
        (execution(), reason())
            .prop_map(|(execution, reason)| Message::Refused { execution, reason }),
    ]
}

/// Messages about what came of an execution.
fn outcome() -> impl Strategy<Value = Message> {
    prop_oneof![
        (execution(), proposal()).prop_map(|(execution, proposal)| Message::Propose {
            execution,
            proposal: Box::new(proposal)
        }),
        of(|execution| Message::Accept { execution }),
        (execution(), text()).prop_map(|(execution, why)| Message::Reject { execution, why }),
        (execution(), close())
            .prop_map(|(execution, close)| Message::Close { execution, close: Box::new(close) }),
        (execution(), any::<[u8; 32]>(), claim()).prop_map(|(execution, salt, claim)| {
            Message::Reveal { execution, salt, claim: Box::new(claim) }
        }),
        (execution(), failure())
            .prop_map(|(execution, failure)| Message::Failed { execution, failure }),
        (execution(), cid(), node(), any::<u64>()).prop_map(
            |(execution, result, from, retention_ms)| Message::Keep {
                execution,
                result,
                from,
                retention_ms,
            }
        ),
        of(|execution| Message::Kept { execution }),
        (execution(), vec(node(), 0..3), option::of(place())).prop_map(
            |(execution, holders, place)| Message::Published { execution, holders, place }
        ),
    ]
}

/// Messages that keep both sides of one mind.
fn upkeep() -> impl Strategy<Value = Message> {
    let held = one_of(vec![Held::Running, Held::Proposed, Held::Published, Held::Failed]);
    let answer = one_of(vec![Answer::Run, Answer::Stop, Answer::Release]);
    prop_oneof![
        of(|execution| Message::Release { execution }),
        of(|execution| Message::Stop { execution }),
        of(|execution| Message::Stopped { execution }),
        (node_info(), vec((execution(), held), 0..3))
            .prop_map(|(info, executions)| { Message::Sync { info: Box::new(info), executions } }),
        (any::<u64>(), vec((execution(), answer), 0..3))
            .prop_map(|(of_seq, answers)| Message::SyncReply { of_seq, answers }),
    ]
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    let body = prop_oneof![bidding(), outcome(), upkeep()];
    (owner(), any::<[u64; 3]>(), body).prop_map(|(owner, [term, boot, seq], body)| Envelope {
        v: MESSAGE_VERSION,
        owner,
        term,
        boot,
        seq,
        body,
    })
}

pub(crate) fn gossip() -> impl Strategy<Value = Gossip> {
    let parts = (owner(), any::<u64>(), vec(announce(), 0..4), vec(round(), 0..4));
    parts.prop_map(|(owner, term, announcements, filled)| Gossip {
        v: MESSAGE_VERSION,
        owner,
        term,
        announcements,
        filled,
    })
}
