//! Jobs whose results were checked.

use gadus_model::codec::{RAW, cid_of};
use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::verdict::VERDICT_VERSION;
use gadus_model::view::{ExecutionView, JobView, Marks};
use gadus_model::{
    Cid, Decision, Desired, Epoch, Execution, ExecutionState, Manifest, NodeId, Outcome, Plan,
    Quorum, Receipt, ReceiptBody, Reveal, Sealed, Signed, Slot, Usage, VerdictBody, Verification,
};

/// The `n`th job, of which so many nodes came to the same answer: all such jobs have one task.
#[must_use]
pub fn verified(n: u32, equal: u32) -> JobView {
    let mut view = super::view(n);
    let quorum = Quorum { equal, of: equal };
    view.job.context.verification = Verification::Quorum(quorum);
    let manifest = manifest();
    let answer = manifest.cid().expect("it encodes");
    let receipts: Vec<Receipt> = (0..equal).map(|replica| receipt(answer, replica)).collect();
    let reveals = receipts.iter().enumerate().map(|(replica, receipt)| Reveal {
        execution: execution(n, u32::try_from(replica).expect("few")),
        salt: [0; 32],
        manifest: manifest.clone(),
        receipt: receipt.clone(),
    });
    let sealed = Sealed { reveals: reveals.collect(), ..Sealed::new(0, equal) };
    let verdict = Signed {
        body: verdict(n, Verification::Quorum(quorum), answer),
        node: node(0),
        signature: vec![0; 64],
    };
    view.sealed = vec![Sealed { verdict: Some(verdict), ..sealed }];
    let executions = receipts.into_iter().zip(0..);
    view.executions =
        executions.map(|(receipt, replica)| published(n, replica, &manifest, receipt)).collect();
    view
}

/// The same with two that agree, and with another that gave another answer.
#[must_use]
pub fn lied_in(n: u32, liar: u8) -> JobView {
    let mut view = verified(n, 2);
    let mut manifest = manifest();
    manifest.outcome = Outcome::Exit(1);
    let mut receipt = receipt(manifest.cid().expect("it encodes"), 2);
    receipt.body.node = NodeId([liar; 32]);
    let lie = Reveal { execution: execution(n, 2), salt: [0; 32], manifest, receipt };
    view.sealed[0].reveals.push(lie);
    view
}

fn node(n: u32) -> NodeId {
    NodeId([u8::try_from(n + 1).expect("few"); 32])
}

fn task() -> Cid {
    cid_of(RAW, b"the task")
}

fn execution(n: u32, replica: u32) -> Execution {
    let slot =
        Slot { job: super::job_id(n), version: 1, task: "main".to_owned(), partition: 0, replica };
    Execution { slot, epoch: Epoch { term: 1, n: 1 } }
}

fn manifest() -> Manifest {
    Manifest {
        v: MANIFEST_VERSION,
        outcome: Outcome::Exit(0),
        result: cid_of(RAW, b"result"),
        stdout: cid_of(RAW, b"stdout"),
        stderr: cid_of(RAW, b"stderr"),
    }
}

fn receipt(manifest: Cid, replica: u32) -> Receipt {
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: task(),
        manifest,
        usage: Usage::default(),
        engine: "fake".to_owned(),
        profile: "unixfs-v1-2025".to_owned(),
        node: node(replica),
        cause: None,
        fx: None,
    };
    Receipt { body, signature: vec![0; 64] }
}

fn verdict(n: u32, level: Verification, manifest: Cid) -> VerdictBody {
    VerdictBody {
        v: VERDICT_VERSION,
        job: super::job_id(n),
        version: 1,
        task: task(),
        level,
        closes: Vec::new(),
        reveals: Vec::new(),
        draws: Vec::new(),
        referee: None,
        has_trusted: false,
        decision: Decision::Accepted { manifest },
    }
}

fn published(n: u32, replica: u32, manifest: &Manifest, receipt: Receipt) -> ExecutionView {
    ExecutionView {
        execution: execution(n, replica),
        node: node(replica),
        state: ExecutionState::Published,
        desired: Desired::Stopped,
        message: String::new(),
        hint: None,
        revision: 1,
        marks: Marks::default(),
        plan: Plan::default(),
        manifest: Some(manifest.clone()),
        receipt: Some(receipt),
        summary: None,
        holders: vec![node(replica)],
        place: None,
        commit: None,
        origin: None,
    }
}
