//! What a task runs: the parameters of its engine.

use std::collections::BTreeMap;

use gadus_model::{Cid, Task as Work};
use serde_json::Value;

use super::supported::Problem;
use crate::types::Task;

mod docker;
pub(super) mod legacy;
pub(super) mod pinned;
mod wasm;

/// What a task runs, before its inputs are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EngineSpec {
    /// A container.
    Docker {
        /// The image's reference.
        image: String,
        /// Replaces the image's own.
        entrypoint: Option<Vec<String>>,
        /// Replaces the image's own.
        workdir: Option<String>,
        /// After the entry point.
        args: Vec<String>,
        /// Below the task's own environment.
        env: BTreeMap<String, String>,
    },
    /// A module.
    Wasm {
        /// Where it is.
        module: ModuleRef,
        /// The exported function.
        entry: String,
        /// After the program's name.
        args: Vec<String>,
    },
    /// A task as it is: ours.
    Pinned {
        /// The task, or where it is.
        task: PinnedTask,
        /// The name that a container's image can be pulled by.
        image: Option<String>,
    },
}

/// A task that somebody has pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PinnedTask {
    /// In the document.
    Here(Box<Work>),
    /// A block, by its CID.
    Named(Cid),
}

impl EngineSpec {
    /// The input that is the module.
    pub(super) fn module_input(&self) -> Option<usize> {
        match self {
            Self::Wasm { module: ModuleRef::Input(index), .. } => Some(*index),
            Self::Wasm { .. } | Self::Docker { .. } | Self::Pinned { .. } => None,
        }
    }
}

/// Where a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ModuleRef {
    /// By content: our addition, `ipfs://CID`.
    Cid(Cid),
    /// The input with this target.
    Input(usize),
}

/// Reads the engine of a checked task.
pub(super) fn read(task: &Task) -> Result<EngineSpec, Problem> {
    if task.engine.is("docker") {
        docker::read(task)
    } else if task.engine.is("wasm") {
        wasm::read(task)
    } else if task.engine.is(pinned::KIND) {
        pinned::read(task)
    } else {
        let kind = &task.engine.kind;
        let what = format!("invalid engine: unknown engine {kind:?} (use docker, wasm or task)");
        Err(Problem::task(task, what))
    }
}

/// Reads parameters of a task's engine, and says which one is wrong.
struct Params<'a> {
    task: &'a Task,
    engine: &'static str,
}

impl Params<'_> {
    fn wrong(&self, what: &str) -> Problem {
        Problem::task(self.task, format!("invalid {} engine param: {what}", self.engine))
    }

    /// A text; the empty one when it is not given.
    fn text(&self, key: &str) -> Result<String, Problem> {
        match self.task.engine.param(key) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => self.checked(key, text),
            Some(_) => Err(self.wrong(&format!("'{key}' must be text"))),
        }
    }

    /// A list of texts; empty when it is not given.
    fn texts(&self, key: &str) -> Result<Vec<String>, Problem> {
        let items = match self.task.engine.param(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(&format!("'{key}' must be a list of texts"))),
        };
        items
            .iter()
            .map(|item| match item {
                Value::String(text) => self.checked(key, text),
                // A file may have `Parameters: [1]`.
                Value::Number(number) => Ok(number.to_string()),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    Err(self.wrong(&format!("'{key}' must be a list of texts")))
                }
            })
            .collect()
    }

    /// Programs end their texts with a null, so that none may be inside.
    fn checked(&self, key: &str, text: &str) -> Result<String, Problem> {
        if text.contains('\0') {
            return Err(self.wrong(&format!("'{key}' cannot contain null characters")));
        }
        Ok(text.to_owned())
    }
}
