//! Everything that nodes say.

use std::collections::BTreeMap;

use gadus_model::message::{
    Announce, Answer, Award, Bid, Envelope, Gossip, Held, InlineBlock, MESSAGE_VERSION, Message,
    OpenProposal, Proposal, Requirements, RoundId,
};
use gadus_model::{Engine, Epoch, Execution, Network, Place, Reason};

use super::{cid, claim, close, commit, context, execution, failure, job_id, node, node_info};
use super::{opening, owner, slot, tasks};

fn place() -> Place {
    let params = BTreeMap::from([("URL".to_owned(), "http://127.0.0.1/e.tar.gz".to_owned())]);
    Place { kind: "urlDownload".to_owned(), params }
}

fn round() -> RoundId {
    RoundId { job: job_id(), version: 2, round: 5 }
}

fn announce() -> Announce {
    let context = context();
    Announce {
        round: round(),
        requirements: Requirements {
            engine: Engine::Docker,
            resources: context.resources,
            constraints: context.constraints,
            network: Network::Bridge,
            publishes_to: Some("s3".to_owned()),
        },
        code: tasks().remove(0).1.code,
        inputs: vec![(cid("a"), 4_096), (cid("b"), 0)],
        want: 3,
        window_ms: 2,
        nodes_hint: 40,
        draw_commitment: [0xd0; 32],
    }
}

pub(crate) fn gossip() -> Gossip {
    let (v, owner) = (MESSAGE_VERSION, owner());
    Gossip { v, owner, term: 7, announcements: vec![announce()], filled: Vec::new() }
}

pub(crate) fn gossip_of_filled_rounds() -> Gossip {
    Gossip { announcements: Vec::new(), filled: vec![round()], ..gossip() }
}

fn bid(image_digest: Option<String>) -> Bid {
    Bid {
        round: round(),
        fit_permille: 875,
        seats: 4,
        bytes_missing: 1 << 20,
        module_warm: image_digest.is_none(),
        image_digest,
        price: 9,
    }
}

pub(crate) fn award() -> Award {
    Award {
        execution: execution(),
        round: round(),
        lease_ms: 300_000,
        job_type: "batch".to_owned(),
        task: tasks().remove(0).1,
        context: context(),
    }
}

fn proposals() -> [Proposal; 2] {
    let blocks = vec![InlineBlock { cid: cid("stdout"), bytes: b"stdout".to_vec() }];
    let open = OpenProposal { claim: claim(), blocks };
    [Proposal::Open(Box::new(open)), Proposal::Sealed(Box::new(commit()))]
}

/// Every message, and more than one where a part of it can look different.
pub(crate) fn messages() -> Vec<Message> {
    let of = execution;
    let older = Execution { slot: slot(), epoch: Epoch { term: 7, n: 1 } };
    let held = [Held::Running, Held::Proposed, Held::Published, Held::Failed];
    let answers = [Answer::Run, Answer::Stop, Answer::Release];
    let [open, sealed] = proposals();
    let (salt, answer) = (opening().salt, Box::new(claim()));
    let reason = Reason::BidExpired;
    vec![
        Message::Ask(announce()),
        Message::Bid(bid(None)),
        Message::Bid(bid(Some(format!("sha256:{}", "ab".repeat(32))))),
        Message::Decline { round: round(), reasons: vec![reason.clone(), Reason::NoNetwork] },
        Message::Filled { round: round() },
        Message::Award(Box::new(award())),
        Message::Granted { execution: of() },
        Message::Refused { execution: of(), reason },
        Message::Propose { execution: of(), proposal: Box::new(open) },
        Message::Propose { execution: of(), proposal: Box::new(sealed) },
        Message::Accept { execution: of() },
        Message::Reject { execution: of(), why: "it is late".to_owned() },
        Message::Close { execution: of(), close: Box::new(close()) },
        Message::Reveal { execution: of(), salt, claim: answer },
        Message::Failed { execution: of(), failure: failure() },
        Message::Release { execution: of() },
        Message::Stop { execution: of() },
        Message::Stopped { execution: of() },
        Message::Sync {
            info: Box::new(node_info()),
            executions: held.map(|held| (older.clone(), held)).to_vec(),
        },
        Message::SyncReply { of_seq: 41, answers: answers.map(|a| (older.clone(), a)).to_vec() },
        Message::Keep {
            execution: of(),
            result: cid("result"),
            from: node(2),
            retention_ms: 604_800_000,
        },
        Message::Kept { execution: of() },
        Message::Published { execution: of(), holders: vec![node(1), node(2)], place: None },
        Message::Published { execution: of(), holders: vec![node(1)], place: Some(place()) },
    ]
}

pub(crate) fn envelope(body: Message) -> Envelope {
    Envelope { v: MESSAGE_VERSION, owner: owner(), term: 7, boot: 3, seq: 42, body }
}
