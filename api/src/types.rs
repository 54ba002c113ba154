//! The JSON shapes of the API: Bacalhau's names, and its rules of what is left out when empty.
//!
//! Execution states and log types are numbers, job states and history types are text, times are
//! nanoseconds since the Unix epoch or RFC 3339: as Bacalhau has them. What is under a key
//! `Gadus` is ours; clients of Bacalhau ignore it.

mod agent;
mod content;
mod evidence;
mod execution;
mod extras;
mod foreign;
mod history;
mod job;
mod logs;
mod node;
mod plan;
mod receipt;
mod requests;
mod spec;
mod store;
mod task;
mod trust;
mod verdict;
mod work;

pub use agent::{AliveResponse, BuildVersionInfo};
pub use content::{ImportResponse, ListEntry, Listing};
pub use evidence::{EvidenceEntry, EvidenceResponse, ListEvidenceResponse};
pub use execution::{
    AllocatedResources, Execution, ExecutionState, ListExecutionsResponse, RunOutput,
};
pub use extras::{ExecutionExtras, ManifestInfo, MarksUs, ReceiptInfo, UsageInfo};
pub use foreign::{
    BundleInfo, CountRequest, CountResponse, CountedInfo, ListVerdictsResponse, VoterInfo,
};
pub use history::{HistoryEvent, JobHistory, ListHistoryResponse};
pub use job::{GetJobResponse, Job, JobState, LabelRequirement, ListJobsResponse};
pub use logs::{LogFrame, LogLine};
pub use node::{
    ComputeNodeInfo, ConnectionState, GetNodeResponse, GpuInfo, ListNodesResponse, NodeExtras,
    NodeInfo, NodeState, ResourceAmounts,
};
pub use plan::{PlanInfo, RankedNode, TurnedDownNode};
pub use receipt::{ListReceiptsResponse, ReceiptEntry};
pub use requests::{
    ErrorBody, ListResultsResponse, PutJobRequest, PutJobResponse, StopJobRequest, StopJobResponse,
};
pub use spec::SpecConfig;
pub use store::{
    BadBlock, CheckResponse, CollectResponse, ListPinsResponse, PinInfo, PinRequest, PinResponse,
    StoreStatResponse, UnpinResponse,
};
pub use task::{
    InputSource, NetworkConfig, PortMapping, ResourcesConfig, ResultPath, Task, TimeoutConfig,
};
pub use trust::{BanRequest, ListTrustResponse, TrustInfo};
pub use verdict::{VerdictInfo, VoteInfo};
pub use work::TaskResponse;

/// Whether a value is what Go leaves out under `omitempty`.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
