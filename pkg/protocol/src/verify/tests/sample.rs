//! Work that several nodes answered.

use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::verdict::{CloseBody, Committed, Opening, Reveal, VERDICT_VERSION};
use gadus_model::{
    Cid, DAG_CBOR, Epoch, Execution, JobId, Manifest, NodeId, Outcome, RAW, Receipt, ReceiptBody,
    Slot, Usage, codec,
};
use uuid::Uuid;

pub(super) fn node(n: u8) -> NodeId {
    NodeId([n; 32])
}

pub(super) fn task() -> Cid {
    codec::cid_of(DAG_CBOR, b"task")
}

pub(super) fn job() -> JobId {
    JobId(Uuid::from_u128(7))
}

pub(super) fn execution(replica: u8) -> Execution {
    let replica = u32::from(replica);
    let slot = Slot { job: job(), version: 1, task: "main".to_owned(), partition: 0, replica };
    Execution { slot, epoch: Epoch { term: 1, n: 1 } }
}

/// The manifest of an answer that has this number.
pub(super) fn manifest(answer: u8) -> Manifest {
    let file = codec::cid_of(RAW, &[answer]);
    Manifest {
        v: MANIFEST_VERSION,
        outcome: Outcome::Exit(0),
        result: file,
        stdout: file,
        stderr: file,
    }
}

pub(super) fn answer(n: u8) -> Cid {
    manifest(n).cid().unwrap()
}

pub(super) fn receipt(who: u8, answered: u8) -> Receipt {
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: task(),
        manifest: answer(answered),
        usage: Usage::default(),
        engine: "wasmtime/1".to_owned(),
        profile: "unixfs-v1-2025".to_owned(),
        node: node(who),
        cause: None,
        fx: None,
    };
    Receipt { body, signature: vec![who; 64] }
}

/// What a node, whose execution has its own number, reveals.
pub(super) fn reveal(who: u8, answered: u8) -> Reveal {
    Reveal {
        execution: execution(who),
        salt: [who; 32],
        manifest: manifest(answered),
        receipt: receipt(who, answered),
    }
}

pub(super) fn committed(who: u8, answered: u8) -> Committed {
    let opening = Opening {
        task: task(),
        execution: execution(who),
        node: node(who),
        salt: [who; 32],
        manifest: answer(answered),
    };
    let commitment = opening.commitment().unwrap();
    Committed { node: node(who), execution: execution(who), commitment }
}

/// A round that was closed over these answers: (who, what).
pub(super) fn close(round: u32, answers: &[(u8, u8)]) -> CloseBody {
    let mut set: Vec<_> = answers.iter().map(|(who, what)| committed(*who, *what)).collect();
    set.sort();
    CloseBody { v: VERDICT_VERSION, job: job(), version: 1, task: task(), round, set }
}
