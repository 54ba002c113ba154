//! Files to check: a function, what it comes to, and what people with real keys said of it.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use futures::TryStreamExt;
use gadus_auth::{NodeKey, sign, sign_receipt};
use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::verdict::{Candidate, Committed, DrawRecord, Opening, VERDICT_VERSION};
use gadus_model::{
    Answer, Bundle, Cid, CloseBody, Code, DAG_CBOR, Decision, Det, Epoch, Evidence, Execution,
    JobId, Manifest, NodeId, Outcome, PROFILE_DET_1, Partition, Proof, Quorum, RAW, Receipt,
    ReceiptBody, Reveal, Slot, Task, Usage, VerdictBody, Verification, codec,
};
use gadus_node::compute::LocalRun;
use gadus_ports::{CarPart, Content};
use gadus_protocol::verify::draw;
use serde::Serialize;
use serde_bytes::ByteBuf;
use tokio_util::sync::CancellationToken;

use crate::proof::{Found, Replay, Stop, check};
use crate::workbench::Workbench;

/// Prints nothing, and ends.
const NOTHING: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

/// A key for each number.
pub(super) fn key(n: u8) -> NodeKey {
    NodeKey::from_seed([n; 32])
}

pub(super) fn id(n: u8) -> NodeId {
    key(n).id()
}

/// The key that makes the verdicts.
pub(super) const REQUESTER: u8 = 9;

/// A bench with a task and its true answer on it, and a place for files.
pub(super) struct World {
    bench: Workbench,
    dir: tempfile::TempDir,
    pub(super) task: Cid,
    /// What the task comes to.
    pub(super) right: Manifest,
    /// What it does not come to.
    pub(super) wrong: Manifest,
    /// What runs functions here.
    pub(super) engine: String,
}

pub(super) fn bytes<T: Serialize>(record: &T) -> ByteBuf {
    ByteBuf::from(codec::encode(record).unwrap())
}

pub(super) fn job(n: u128) -> JobId {
    JobId(uuid::Uuid::from_u128(n))
}

impl World {
    pub(super) async fn new() -> Self {
        let bench = Workbench::open("test").unwrap();
        let module = codec::cid_of(RAW, NOTHING.as_bytes());
        let code = vec![(module, Bytes::from_static(NOTHING.as_bytes()))];
        bench.content().put(code).await.unwrap();
        let task = Task {
            v: TASK_VERSION,
            code: Code::Wasm { module, entry: "_start".to_owned() },
            args: Vec::new(),
            env: Default::default(),
            inputs: Default::default(),
            outputs: Default::default(),
            partition: Partition::default(),
            nonce: Vec::new(),
            det: Some(Det { profile: PROFILE_DET_1.to_owned(), ..Det::default() }),
        };
        let run = LocalRun::new(&task, None);
        let answer = bench.run(&run, &CancellationToken::new()).await.unwrap();
        let right = answer.manifest;
        let wrong = Manifest { outcome: Outcome::Exit(1), ..right.clone() };
        let dir = tempfile::tempdir().unwrap();
        let cid = task.cid().unwrap();
        let engine = bench.engine().await.unwrap();
        let world = Self { bench, dir, task: cid, right, wrong, engine };
        world.keep(&task).await;
        world.keep(&world.right).await;
        world.keep(&world.wrong).await;
        world
    }

    /// Keeps a record.
    pub(super) async fn keep<T: Serialize>(&self, record: &T) -> Cid {
        let block = codec::encode(record).unwrap();
        let cid = codec::cid_of(DAG_CBOR, &block);
        self.bench.content().put(vec![(cid, block.into())]).await.unwrap();
        cid
    }

    pub(super) fn receipt(&self, by: u8, manifest: &Manifest) -> Receipt {
        let body = ReceiptBody {
            v: RECEIPT_VERSION,
            task: self.task,
            manifest: manifest.cid().unwrap(),
            usage: Usage::default(),
            engine: self.engine.clone(),
            profile: "unixfs-v1-2025".to_owned(),
            node: id(by),
            cause: None,
            fx: None,
        };
        sign_receipt(&key(by), body).unwrap()
    }

    /// What two of three came to: those who answer `false` answer wrongly.
    pub(super) fn proof(&self, of: JobId, answers: &[(u8, bool)], accepted: &Manifest) -> Proof {
        let reveals: Vec<Reveal> =
            answers.iter().map(|(by, is_right)| self.reveal(of, *by, *is_right)).collect();
        let mut set: Vec<_> = reveals.iter().map(|reveal| self.committed(reveal)).collect();
        set.sort();
        let (v, version, task) = (VERDICT_VERSION, 1, self.task);
        let close = CloseBody { v, job: of, version, task, round: 1, set };
        let close = sign(&key(REQUESTER), close).unwrap();
        let draw = drawn(answers.iter().map(|(by, _)| *by));
        let cid = |reveal: &Reveal| codec::cid_of_value(reveal).unwrap();
        let mut reveals = reveals;
        reveals.sort_by_key(cid);
        let body = VerdictBody {
            v,
            job: of,
            version,
            task,
            level: Verification::Quorum(Quorum { equal: 2, of: 3 }),
            closes: vec![codec::cid_of_value(&close).unwrap()],
            reveals: reveals.iter().map(cid).collect(),
            draws: vec![codec::cid_of_value(&draw).unwrap()],
            referee: None,
            has_trusted: false,
            decision: Decision::Accepted { manifest: accepted.cid().unwrap() },
        };
        Proof {
            v: BUNDLE_VERSION,
            verdict: bytes(&sign(&key(REQUESTER), body).unwrap()),
            closes: vec![bytes(&close)],
            reveals: reveals.iter().map(bytes).collect(),
            draws: vec![bytes(&draw)],
            referee: None,
        }
    }

    fn reveal(&self, of: JobId, by: u8, is_right: bool) -> Reveal {
        let manifest = if is_right { self.right.clone() } else { self.wrong.clone() };
        let receipt = self.receipt(by, &manifest);
        let (task, replica) = ("main".to_owned(), u32::from(by));
        let slot = Slot { job: of, version: 1, task, partition: 0, replica };
        let execution = Execution { slot, epoch: Epoch { term: 1, n: 1 } };
        Reveal { execution, salt: [by; 32], manifest, receipt }
    }

    fn committed(&self, reveal: &Reveal) -> Committed {
        let opening = Opening {
            task: self.task,
            execution: reveal.execution.clone(),
            node: reveal.receipt.body.node,
            salt: reveal.salt,
            manifest: reveal.manifest.cid().unwrap(),
        };
        let commitment = opening.commitment().unwrap();
        let (node, execution) = (opening.node, opening.execution);
        Committed { node, execution, commitment }
    }

    /// Evidence that 3 lied: 1 and 2 answered rightly.
    pub(super) async fn evidence(&self) -> Evidence {
        let answers = [(1, true), (2, true), (3, false)];
        let proof = self.keep(&self.proof(job(1), &answers, &self.right)).await;
        let receipt = bytes(&self.receipt(3, &self.wrong));
        let (v, job, task) = (BUNDLE_VERSION, job(1), self.task);
        Evidence { v, job, version: 1, accused: id(3), task, receipt, proof }
    }

    /// The receipts of a job that 1, 2 and 3 answered, the last wrongly.
    pub(super) async fn bundle(&self) -> Bundle {
        let answers = [(1, true), (2, true), (3, false)];
        let proof = self.keep(&self.proof(job(1), &answers, &self.right)).await;
        let answer = Answer {
            task: self.task,
            manifest: self.right.cid().unwrap(),
            receipt: self.keep(&self.receipt(1, &self.right)).await,
            origin: None,
            verdict: Some(proof),
        };
        Bundle { v: BUNDLE_VERSION, job: job(1), version: 1, answers: vec![answer] }
    }

    /// A file as it is exported.
    pub(super) async fn car(&self, root: Cid) -> Vec<u8> {
        let car = self.bench.content().export_car(root, "", CarPart::default(), None).await;
        let parts: Vec<Bytes> = car.unwrap().try_collect().await.unwrap();
        parts.concat()
    }

    /// A file of this record and all below it.
    pub(super) async fn car_of<T: Serialize>(&self, root: &T) -> Vec<u8> {
        let root = self.keep(root).await;
        self.car(root).await
    }

    /// A file on the disk, until the next.
    pub(super) fn write(&self, file: &[u8]) -> PathBuf {
        let path = self.dir.path().join("file.car");
        fs::write(&path, file).unwrap();
        path
    }

    /// Checks a file as `gadus verify` does.
    pub(super) async fn check(
        &self,
        file: &[u8],
        trusted: &[NodeId],
        replays: bool,
    ) -> Result<Found, String> {
        let replays = replays.then_some(Replay { timeout: None });
        check(&self.write(file), trusted, replays).await.map_err(|stop| match stop {
            Stop::Forged(forged) => forged,
            Stop::Trouble(failure) => panic!("{failure:?}"),
        })
    }
}

/// A draw by the rules in which all of these were drawn.
fn drawn(who: impl Iterator<Item = u8>) -> DrawRecord {
    let candidate = |n| Candidate { node: id(n), operator: id(n), prefix: None, is_trusted: false };
    let mut candidates: Vec<Candidate> = who.map(candidate).collect();
    candidates.sort();
    let secret = [5; 32];
    let drawn = draw(&secret, &candidates, &[], candidates.len()).unwrap().nodes;
    DrawRecord { round: 1, secret, candidates, taken: Vec::new(), drawn }
}

/// A file of these roots and blocks, in whatever form.
pub(super) fn raw_car(roots: &[Cid], blocks: &[(Cid, &[u8])]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Head<'a> {
        roots: &'a [Cid],
        version: u64,
    }
    let mut file = Vec::new();
    let mut section = |parts: &[&[u8]]| {
        let length = parts.iter().map(|part| part.len() as u64).sum();
        file.extend(varint(length));
        parts.iter().for_each(|part| file.extend_from_slice(part));
    };
    section(&[&codec::encode(&Head { roots, version: 1 }).unwrap()]);
    for (cid, block) in blocks {
        section(&[&cid.to_bytes(), block]);
    }
    file
}

/// A number as the lengths in such a file are written.
pub(super) fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    bytes.push(n.to_le_bytes()[0]);
    bytes
}
