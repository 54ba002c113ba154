//! Any value of the types that are signed, hashed, sent or stored.

mod event;
mod message;
mod node;
mod task;
mod verdict;

use gadus_model::codec::{DAG_CBOR, DAG_PB, RAW, cid_of};
use gadus_model::{Cid, Epoch, Execution, JobId, NodeId, OwnerId, Slot, codec};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) use self::event::record;
pub(crate) use self::message::{award, envelope, gossip};
pub(crate) use self::node::{node_info, plan};
pub(crate) use self::task::{claim, context, job, manifest, receipt, runnable_task, task};
pub(crate) use self::verdict::{
    bundle, close, commit, draw, evidence, opening, proof, reveal, sealed, verdict,
};

/// Text of every kind, the empty one and what needs more than one byte a character included.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,12}", "\\PC{0,24}", Just("\u{0}\u{10ffff}".to_owned())]
}

fn cid() -> impl Strategy<Value = Cid> {
    let codec = prop::sample::select(vec![RAW, DAG_PB, DAG_CBOR]);
    (codec, any::<[u8; 4]>()).prop_map(|(codec, bytes)| cid_of(codec, &bytes))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..70)
}

fn node() -> impl Strategy<Value = NodeId> {
    any::<[u8; 32]>().prop_map(NodeId)
}

fn owner() -> impl Strategy<Value = OwnerId> {
    node().prop_map(OwnerId)
}

fn job_id() -> impl Strategy<Value = JobId> {
    any::<[u8; 16]>().prop_map(|id| codec::decode(&[&[0x50], &id[..]].concat()).unwrap())
}

fn execution() -> impl Strategy<Value = Execution> {
    let slot = (job_id(), any::<u32>(), text(), any::<u32>(), any::<u32>());
    (slot, any::<u64>(), any::<u32>()).prop_map(|(slot, term, n)| {
        let (job, version, task, partition, replica) = slot;
        let slot = Slot { job, version, task, partition, replica };
        Execution { slot, epoch: Epoch { term, n } }
    })
}

/// One of the fixed values.
fn one_of<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = T> {
    prop::sample::select(values)
}
