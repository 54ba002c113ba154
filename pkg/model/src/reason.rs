//! Why a node would not take a job, and why an execution failed: structured, then worded once.

use std::fmt;

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::Engine;

/// Why a node does not take a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It lacks the engine.
    Engine(Engine),
    /// The job names an engine that nobody knows.
    UnknownEngine(String),
    /// It asks for more than this node ever gives a job.
    TooBig {
        /// `cpu`, `memory`, `disk` or `gpu`.
        what: String,
        /// In the unit of [`crate::Resources`].
        need: u64,
        /// In the unit of [`crate::Resources`].
        have: u64,
    },
    /// It would fit, but not now.
    Busy {
        /// `cpu`, `memory`, `disk` or `gpu`.
        what: String,
        /// In the unit of [`crate::Resources`].
        need: u64,
        /// In the unit of [`crate::Resources`].
        free: u64,
    },
    /// Its labels do not meet a constraint.
    Constraint(String),
    /// The job wants a network, and the operator allows none.
    NoNetwork,
    /// It cannot bring results to where the job wants them.
    NoPublisher(String),
    /// The image is not made for this machine.
    ImageArch {
        /// What the image has.
        image: String,
        /// What the node is.
        node: String,
    },
    /// Not heard of for too long.
    Disconnected,
    /// It refused this job a moment ago.
    RecentlyRefused,
    /// It failed this job before, and others have not been tried.
    RecentlyFailed,
    /// Its requester is not one that it works for.
    NotAllowed,
    /// It is shutting down.
    Draining,
    /// It holds as many executions as it may.
    TooMany {
        /// The limit.
        max: u32,
    },
    /// The award is for a bid it does not remember.
    BidExpired,
    /// A newer term or epoch has been seen.
    Stale,
    /// It does not show the answer that it committed to.
    Unrevealed(String),
    /// It was caught giving a wrong answer.
    Banned,
}

impl Reason {
    /// Whether waiting can help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::Disconnected
            | Self::RecentlyRefused
            | Self::RecentlyFailed
            | Self::Draining
            | Self::TooMany { .. }
            | Self::BidExpired
            | Self::Stale => true,
            Self::Engine(_)
            | Self::UnknownEngine(_)
            | Self::TooBig { .. }
            | Self::Constraint(_)
            | Self::NoNetwork
            | Self::NoPublisher(_)
            | Self::ImageArch { .. }
            | Self::NotAllowed
            | Self::Unrevealed(_)
            | Self::Banned => false,
        }
    }
}

fn amount(what: &str, n: u64) -> String {
    match what {
        "cpu" => format!("{}.{:03} cores", n / 1000, n % 1000),
        "gpu" if n == 1 => "1 GPU".to_owned(),
        "gpu" => format!("{n} GPUs"),
        _ if n >= 1 << 30 => format!("{:.1} GiB", n as f64 / f64::from(1 << 30)),
        _ if n >= 1 << 20 => format!("{:.1} MiB", n as f64 / f64::from(1 << 20)),
        _ => format!("{n} bytes"),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(engine) => write!(f, "does not support {engine}"),
            Self::UnknownEngine(engine) => write!(f, "does not support {engine}"),
            Self::TooBig { what, need, have } => write!(
                f,
                "has too little {what}: the job needs {}, it gives a job at most {}",
                amount(what, *need),
                amount(what, *have)
            ),
            Self::Busy { what, need, free } => write!(
                f,
                "has too little {what} free: {}, and the job needs {}",
                amount(what, *free),
                amount(what, *need)
            ),
            Self::Constraint(text) => write!(f, "does not meet the constraint {text}"),
            Self::NoNetwork => f.write_str("allows jobs no network"),
            Self::NoPublisher(kind) => write!(f, "cannot publish results to {kind}"),
            Self::ImageArch { image, node } => {
                write!(f, "is {node}, and the image is made for {image}")
            }
            Self::Disconnected => f.write_str("is disconnected"),
            Self::RecentlyRefused => f.write_str("refused this job a moment ago"),
            Self::RecentlyFailed => f.write_str("failed this job already"),
            Self::NotAllowed => f.write_str("does not work for this requester"),
            Self::Draining => f.write_str("is shutting down"),
            Self::TooMany { max } => write!(f, "already holds {max} executions, its limit"),
            Self::BidExpired => f.write_str("no longer has the bid"),
            Self::Stale => f.write_str("has seen a newer award"),
            Self::Unrevealed(why) => write!(f, "does not reveal its answer: {why}"),
            Self::Banned => f.write_str("is banned here (`gadus node trust` says why)"),
        }
    }
}

/// An environmental failure of one execution: not a result, never voted on, never remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// What happened and why, for people: a fragment that reads after "failed: ".
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// The kinds of environmental failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nobody has a block of an input within the fetch limit.
    MissingBlock(Box<Cid>),
    /// The registry does not know the image.
    ImageMissing,
    /// The image could not be pulled.
    ImagePull,
    /// The engine cannot be reached or broke down.
    EngineDown,
    /// The module or job can never run: it does not compile, lacks its entry, and so on.
    Invalid,
    /// More memory than the job's limit.
    OutOfMemory,
    /// The execution's time limit passed.
    Timeout,
    /// No room left on the node's disk.
    DiskFull,
    /// The outputs are larger or more than the job's caps.
    OutputLimit,
    /// An output is something that cannot be published: a device, say.
    OutputUnsafe,
    /// The node restarted while it ran.
    Interrupted,
    /// The result did not come to its holders, or to where it was to be published.
    PublishFailed,
    /// Anything else.
    Internal,
}

impl FailureKind {
    /// Whether another node might do better.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Invalid
            | Self::ImageMissing
            | Self::OutOfMemory
            | Self::Timeout
            | Self::OutputLimit
            | Self::OutputUnsafe => false,
            Self::MissingBlock(_)
            | Self::ImagePull
            | Self::EngineDown
            | Self::DiskFull
            | Self::Interrupted
            | Self::PublishFailed
            | Self::Internal => true,
        }
    }
}

impl Failure {
    /// A failure without a hint.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
