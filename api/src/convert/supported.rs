//! What the format can say and this release cannot do: refused by name, never half done.

use std::fmt;

use crate::service::{ErrorCode, ServiceError};
use crate::types::{Job, Task};

/// What keeps a document from becoming a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It makes no sense: what is wrong with it, in the order it was found.
    Invalid(Vec<String>),
    /// One thing that is wrong, with what to do about it.
    Hinted {
        /// What is wrong.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// It makes sense, but not here yet.
    Unsupported {
        /// What is asked for.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
}

impl Problem {
    /// One thing that is wrong with a task.
    pub(super) fn task(task: &Task, what: impl fmt::Display) -> Self {
        Self::Invalid(vec![format!("task {} validation failed: {what}", task.name)])
    }

    /// The same, with what to do about it.
    pub(super) fn hinted(task: &Task, what: impl fmt::Display, hint: impl Into<String>) -> Self {
        let what = format!("task {} validation failed: {what}", task.name);
        Self::Hinted { what, hint: hint.into() }
    }
}

impl From<Problem> for ServiceError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Invalid(errors) => Self::new(ErrorCode::ValidationError, errors.join("\n"))
                .with_hint(
                    "what a job may say is in `gadus job run --help` and /api/v1/openapi.json",
                ),
            Problem::Hinted { what, hint } => {
                Self::new(ErrorCode::ValidationError, what).with_hint(hint)
            }
            Problem::Unsupported { what, hint } => Self::not_implemented(what, hint),
        }
    }
}

/// The first thing in a good job that is not there yet.
pub(super) fn check(job: &Job, task: &Task) -> Result<(), Problem> {
    let unsupported = |what: String, hint| Err(Problem::Unsupported { what, hint });
    if matches!(job.kind.as_str(), "service" | "daemon") {
        return unsupported(
            format!("the job type {}", job.kind),
            "batch and ops jobs run; long-running jobs come with full Bacalhau compatibility",
        );
    }
    if let Some(soft) = job.constraints.iter().find(|c| c.key.starts_with("favour_")) {
        return unsupported(
            format!("the soft constraint {}", soft.key),
            "leave the prefix favour_ away to make it a requirement",
        );
    }
    if !task.network.ports.is_empty() {
        return unsupported(
            "mapping ports".to_owned(),
            "leave Network.Ports out; it comes with full Bacalhau compatibility",
        );
    }
    if task.network.kind.eq_ignore_ascii_case("http") {
        return unsupported(
            "the network type HTTP".to_owned(),
            "use None, or Bridge or Host where the operator allows it",
        );
    }
    match task.env.iter().find(|(_, value)| value.starts_with("env:")) {
        Some((name, value)) => unsupported(
            format!("taking {name} from the compute node's environment ({value})"),
            "give the value itself",
        ),
        None => Ok(()),
    }
}
