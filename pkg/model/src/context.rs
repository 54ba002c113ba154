//! What travels beside a task and does not change its result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Constraint, NodeId, Resources, Verification};

/// Where to fetch from, what it may use, how it is retried, and who owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// What one execution reserves.
    pub resources: Resources,
    /// Time limits.
    pub timeouts: Timeouts,
    /// How results are checked.
    pub verification: Verification,
    /// Decides retry and memoisation.
    pub class: Class,
    /// Whether it is to run even where its answer is known.
    pub fresh: bool,
    /// How failures are retried.
    pub retry: RetryPolicy,
    /// Free labels of the job.
    pub labels: BTreeMap<String, String>,
    /// Which nodes may take it.
    pub constraints: Vec<Constraint>,
    /// Who submitted it.
    pub client: String,
    /// The network the job may use.
    pub network: Network,
    /// Where results are published.
    pub publisher: PublisherSpec,
    /// Who must hold the result before it counts as published.
    pub durability: Durability,
    /// How long results are kept, in milliseconds; 0 means for ever.
    pub retention_ms: u64,
    /// Caps on what an execution may produce.
    pub caps: Caps,
    /// Nodes that are known to hold the inputs.
    pub providers: Vec<NodeId>,
    /// Bytes of the inputs, by their paths, as far as the requester knew them at submission: what
    /// a bidder lacks of them counts against it.
    pub input_bytes: BTreeMap<String, u64>,
    /// The image as the user named it: where a digest can be pulled from.
    pub image_reference: Option<String>,
}

/// Time limits, in milliseconds; absent means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// One execution's run, image pull and input fetch not counted.
    pub execution_ms: Option<u64>,
    /// How long the job may wait for a node. Absent: it waits for nodes that are only busy or
    /// away, and fails at once when no known node could ever take it.
    pub queue_ms: Option<u64>,
    /// The whole job, from submission.
    pub total_ms: Option<u64>,
}

/// What running a task twice does to the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing: it may be started elsewhere before a lease ends.
    #[default]
    Pure,
    /// It reads the world: it may be repeated once the lease has ended.
    Query,
    /// It changes the world: never repeated by itself.
    Command,
}

/// How environmental failures are retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Epochs that a slot may use up; 1 means `retry: never`.
    pub attempts_max: u32,
    /// Wait before the second attempt, doubled each time.
    pub backoff_ms: u64,
    /// The longest such wait.
    pub backoff_max_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts_max: 3, backoff_ms: 500, backoff_max_ms: 30_000 }
    }
}

/// The network a job may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// None at all.
    #[default]
    None,
    /// The host's. Only where the operator allows it.
    Host,
    /// The container engine's bridge. Only where the operator allows it.
    Bridge,
}

/// Where results go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublisherSpec {
    /// By content, from the keepers' stores.
    #[default]
    Ipfs,
    /// As an archive that the node that made it serves.
    Local,
    /// Into a bucket.
    S3(Box<S3Target>),
}

impl PublisherSpec {
    /// Bacalhau's name of it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ipfs => "ipfs",
            Self::Local => "local",
            Self::S3(_) => "s3",
        }
    }

    /// What a node must be able to bring results to, by Bacalhau's name.
    #[must_use]
    pub fn required(&self) -> Option<String> {
        self.is_external().then(|| self.kind().to_owned())
    }

    /// Whether the result goes anywhere besides the stores of nodes.
    #[must_use]
    pub fn is_external(&self) -> bool {
        !matches!(self, Self::Ipfs)
    }
}

/// Where in which bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Target {
    /// The bucket.
    pub bucket: String,
    /// The object's key, or the prefix of a tree: with the placeholders `{jobID}`,
    /// `{executionID}`, `{nodeID}`, `{date}` and `{time}`.
    pub key: String,
    /// The server, where it is not Amazon's.
    pub endpoint: Option<String>,
    /// The region, where it is not the node's own.
    pub region: Option<String>,
    /// One archive, or an object for each file.
    pub form: S3Form,
}

/// What is put into a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum S3Form {
    /// One tar, compressed with gzip.
    #[default]
    Archive,
    /// An object for each file.
    Tree,
}

/// Where a result can be had besides the stores of nodes: a published result of Bacalhau's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// A kind of source: `s3`, `urlDownload`.
    pub kind: String,
    /// The parameters of that kind, all of them text.
    pub params: BTreeMap<String, String>,
}

/// Who must hold a result before it counts as published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The node that made it.
    Producer,
    /// The requester, besides the node that made it.
    #[default]
    Keeper,
    /// So many nodes, whichever.
    Replicas(u32),
}

/// Caps on what one execution may produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Bytes of stdout that are kept.
    pub stdout_max_bytes: u64,
    /// Bytes of stderr that are kept.
    pub stderr_max_bytes: u64,
    /// Bytes of all outputs together.
    pub output_max_bytes: u64,
    /// Files and directories of all outputs together.
    pub output_max_files: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            stdout_max_bytes: 16 << 20,
            stderr_max_bytes: 16 << 20,
            output_max_bytes: 10 << 30,
            output_max_files: 100_000,
        }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self {
            resources: Resources {
                cpu_millis: 500,
                memory_bytes: 512 << 20,
                ..Resources::default()
            },
            timeouts: Timeouts::default(),
            verification: Verification::default(),
            class: Class::default(),
            fresh: false,
            retry: RetryPolicy::default(),
            labels: BTreeMap::new(),
            constraints: Vec::new(),
            client: String::new(),
            network: Network::default(),
            publisher: PublisherSpec::default(),
            durability: Durability::default(),
            retention_ms: 7 * 24 * 3600 * 1000,
            caps: Caps::default(),
            providers: Vec::new(),
            input_bytes: BTreeMap::new(),
            image_reference: None,
        }
    }
}
