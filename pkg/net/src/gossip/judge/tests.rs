use gadus_model::message::{Announce, Requirements, RoundId};
use gadus_model::{Code, Engine, JobId, Network, OwnerId, RAW, Resources};
use serde::Serialize;

use super::*;

/// An announcement that only its round tells from others.
pub(crate) fn announcement(round: u32) -> Announce {
    let module = codec::cid_of(RAW, b"module");
    Announce {
        round: RoundId {
            job: codec::decode(&[&[0x50][..], &[9; 16]].concat()).unwrap(),
            version: 1,
            round,
        },
        requirements: Requirements {
            engine: Engine::Wasm,
            resources: Resources::default(),
            constraints: Vec::new(),
            network: Network::None,
            publishes_to: None,
        },
        code: Code::Wasm { module, entry: "_start".to_owned() },
        inputs: vec![(module, 10)],
        want: 1,
        window_ms: 2,
        nodes_hint: 4,
        draw_commitment: [0; 32],
    }
}

const SIGNER: NodeId = NodeId([1; 32]);

fn gossip(announcements: Vec<Announce>) -> Gossip {
    Gossip {
        v: MESSAGE_VERSION,
        owner: OwnerId(SIGNER),
        term: 1,
        announcements,
        filled: Vec::new(),
    }
}

fn judge(data: &[u8]) -> Verdict {
    let now = Instant::now();
    Judge::new(60_000, 10, now).judge(SIGNER, data, now)
}

#[test]
fn a_good_gossip_is_delivered() {
    let gossip = gossip(vec![announcement(1), announcement(2)]);
    assert_eq!(judge(&codec::encode(&gossip).unwrap()), Verdict::Deliver(Box::new(gossip)));
}

#[test]
fn rounds_that_are_filled_need_no_announcements_beside_them() {
    let gossip = Gossip { filled: vec![announcement(1).round], ..gossip(Vec::new()) };
    assert_eq!(judge(&codec::encode(&gossip).unwrap()), Verdict::Deliver(Box::new(gossip)));
}

#[test]
fn a_gossip_of_before_there_were_filled_rounds_is_read() {
    #[derive(Serialize)]
    struct Before {
        v: u8,
        owner: OwnerId,
        term: u64,
        announcements: Vec<Announce>,
    }
    let (v, owner, term) = (MESSAGE_VERSION, OwnerId(SIGNER), 1);
    let before = Before { v, owner, term, announcements: vec![announcement(1)] };
    let expected = gossip(vec![announcement(1)]);
    let data = codec::encode(&before).unwrap();
    assert_eq!(data, codec::encode(&expected).unwrap());
    assert_eq!(judge(&data), Verdict::Deliver(Box::new(expected)));
}

#[test]
fn a_version_from_the_future_is_relayed_whatever_it_holds() {
    #[derive(Serialize)]
    struct Future {
        v: u8,
        novelty: JobId,
    }
    let job: JobId = codec::decode(&[&[0x50][..], &[9; 16]].concat()).unwrap();
    let data = codec::encode(&Future { v: MESSAGE_VERSION + 1, novelty: job }).unwrap();
    assert_eq!(judge(&data), Verdict::Relay);
}

#[test]
fn nonsense_is_rejected() {
    let good = codec::encode(&gossip(vec![announcement(1)])).unwrap();
    let mut inputs = announcement(1);
    inputs.inputs = vec![inputs.inputs[0]; ANNOUNCE_INPUTS_MAX + 1];
    let cases: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("noise", vec![0xff; 100]),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("trailing bytes", [&good[..], &[0]].concat()),
        ("nothing said", codec::encode(&gossip(Vec::new())).unwrap()),
        ("too many inputs", codec::encode(&gossip(vec![inputs])).unwrap()),
    ];
    for (what, data) in cases {
        assert!(matches!(judge(&data), Verdict::Reject(_)), "{what}: {:?}", judge(&data));
    }
}

#[test]
fn a_gossip_over_the_size_is_rejected_unread() {
    let data = codec::encode(&gossip((0..1_000).map(announcement).collect())).unwrap();
    assert!(data.len() > 60_000);
    assert!(matches!(judge(&data), Verdict::Reject(_)));
}

#[test]
fn a_signer_over_its_rate_is_ignored() {
    let now = Instant::now();
    let mut judge = Judge::new(60_000, 3, now);
    let data = codec::encode(&gossip(vec![announcement(1)])).unwrap();
    let verdicts: Vec<_> = (0..5).map(|_| judge.judge(SIGNER, &data, now)).collect();
    assert!(verdicts[..3].iter().all(|v| matches!(v, Verdict::Deliver(_))));
    assert_eq!(verdicts[3..], [Verdict::Ignore, Verdict::Ignore]);
}
