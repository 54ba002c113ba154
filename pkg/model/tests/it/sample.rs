//! One fixed value of everything, every optional field once there and once not.

mod event;
mod message;
mod node;
mod task;
mod verdict;
mod words;

use gadus_model::codec::{RAW, cid_of};
use gadus_model::{Cid, Epoch, Execution, JobId, NodeId, OwnerId, Slot, codec};

pub(crate) use self::event::{compute_events, events, job_events, record, trust_events};
pub(crate) use self::message::{award, envelope, gossip, gossip_of_filled_rounds, messages};
pub(crate) use self::node::{failure, node_info, plan};
pub(crate) use self::task::{claim, context, jobs, manifests, receipt, tasks};
pub(crate) use self::verdict::{
    QUORUM, bundle, close, commit, draw, evidence, opening, proof, reveal, sealed, verdicts,
};
pub(crate) use self::words::Words;

/// The content that a word is.
pub(crate) fn cid(word: &str) -> Cid {
    cid_of(RAW, word.as_bytes())
}

pub(crate) fn node(n: u8) -> NodeId {
    NodeId([n; 32])
}

pub(crate) fn owner() -> OwnerId {
    OwnerId(node(1))
}

pub(crate) fn job_id() -> JobId {
    let bytes: Vec<u8> = (0x50..=0x60).collect();
    codec::decode(&bytes).unwrap()
}

pub(crate) fn slot() -> Slot {
    Slot { job: job_id(), version: 2, task: "main".to_owned(), partition: 3, replica: 1 }
}

pub(crate) fn execution() -> Execution {
    Execution { slot: slot(), epoch: Epoch { term: 7, n: 2 } }
}

pub(crate) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
