//! The nouns of gadus: jobs, tasks, executions, nodes, and the messages and events about them.
//!
//! Data and validation only. Nothing here waits, reads a clock or touches the world, and nothing
//! of ours is imported. Everything that is stored, signed or sent is canonical DAG-CBOR
//! (<https://ipld.io/specs/codecs/dag-cbor/spec/>), see [`codec`].

#![warn(missing_docs)]

pub mod bundle;
pub mod codec;
pub mod constraint;
pub mod context;
pub mod diagnostic;
pub mod event;
pub mod fuzz;
pub mod id;
pub mod job;
pub mod lie;
pub mod limits;
pub mod manifest;
pub mod message;
pub mod node;
pub mod plan;
pub mod reason;
pub mod receipt;
pub mod replay;
pub mod resources;
pub mod sealed;
pub mod signed;
pub mod slot;
pub mod state;
pub mod steering;
pub mod task;
pub mod time;
pub mod verdict;
pub mod verification;
pub mod view;

pub use bundle::{Answer, Bundle, Evidence, Proof};
pub use codec::{CodecError, DAG_CBOR, DAG_PB, RAW, SHA2_256};
pub use constraint::{Constraint, Operator};
pub use context::{
    Caps, Class, Context, Durability, Network, Place, PublisherSpec, RetryPolicy, S3Form, S3Target,
    Timeouts,
};
pub use id::{EvaluationId, ExecutionId, JobId, NodeId, OwnerId};
pub use job::{Completion, Job, JobKind, JobType, Placement, Restart};
pub use lie::{DecidedBy, Lie, LieId};
pub use limits::Limits;
pub use manifest::{Manifest, Outcome, ResultSummary};
pub use node::{Engine, EngineInfo, Gpu, NodeInfo};
pub use plan::Plan;
pub use reason::{Failure, FailureKind, Reason};
pub use receipt::{Claim, Receipt, ReceiptBody, Usage};
pub use replay::{Origin, Replay};
pub use resources::Resources;
pub use sealed::{Sealed, Stage};
pub use signed::{Signed, Statement};
pub use slot::{Epoch, Execution, Slot};
pub use state::{Desired, ExecutionState, JobState};
pub use steering::steers;
pub use task::{
    Await, AwaitBranch, Code, Det, Image, Input, PROFILE_DET_1, PROFILE_WASI_1, Partition,
    TASK_BYTES_MAX, Task, TaskFault, TaskTextError,
};
pub use time::Time;
pub use verdict::{CloseBody, CommitBody, Decision, Inconclusive, Opening, Reveal, VerdictBody};
pub use verification::{QUORUM_MAX, Quorum, Verification};

/// Content identifier, as used all over gadus (<https://github.com/multiformats/cid>).
pub type Cid = cid::Cid;
