//! A task as a text that one person pastes to another: DAG-JSON
//! (<https://ipld.io/specs/codecs/dag-json/spec/>), so that links and bytes are told from words.
//!
//! Reading is strict. What is not the task itself, or says the same in another way, would run as
//! something else than whoever wrote it meant.

use serde_json::Value;

use super::{Task, TaskFault};
use crate::codec::{self, CodecError};

mod hints;
mod pretty;

/// Bytes of a task, as a text or as a block; more is refused.
pub const TASK_BYTES_MAX: usize = 1 << 20;

/// Why something is no task that can be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskTextError {
    /// It is too long.
    #[error("a task of {bytes} bytes is too long: {TASK_BYTES_MAX} is the most (TASK_BYTES_MAX)")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is no JSON.
    #[error("this is no JSON: {0}")]
    NotJson(String),
    /// A field is not what it must be.
    #[error(transparent)]
    Field(#[from] TaskFault),
    /// It is no block of a task.
    #[error("this is no task: {0}")]
    NotTask(String),
}

impl TaskTextError {
    /// What to do about it, for people.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::TooLong { .. } => "add what is large with `gadus add`, and make it an input",
            Self::NotJson(_) | Self::NotTask(_) => {
                "`gadus job task ID` and `gadus wasm run --print-task` print tasks"
            }
            Self::Field(fault) => &fault.hint,
        }
    }
}

impl Task {
    /// The task as a text: keys sorted, a link or bytes in one line, a line break at the end. The
    /// same task has the same text everywhere.
    ///
    /// # Errors
    /// What is wrong with it, see [`Task::check`].
    pub fn to_text(&self) -> Result<String, TaskTextError> {
        self.check()?;
        let unwritten = |why: String| TaskTextError::NotTask(why);
        let json = serde_ipld_dagjson::to_vec(self).map_err(|e| unwritten(e.to_string()))?;
        let value: Value = serde_json::from_slice(&json).map_err(|e| unwritten(e.to_string()))?;
        Ok(pretty::print(&value))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it, by the field, and what to write instead.
    pub fn from_text(text: &[u8]) -> Result<Self, TaskTextError> {
        within_limit(text)?;
        let value: Value =
            serde_json::from_slice(text).map_err(|e| TaskTextError::NotJson(e.to_string()))?;
        // What people write by mistake has words of its own; the rest is the type's to tell.
        hints::look(&value)?;
        let mut json = serde_json::Deserializer::from_slice(text);
        let read = serde_ipld_dagjson::de::Deserializer::new(&mut json);
        let task: Self = serde_path_to_error::deserialize(read).map_err(|error| {
            let field = match error.path().to_string() {
                whole if whole == "." => "the task".to_owned(),
                field => field,
            };
            TaskFault::new(field, plain(&error.into_inner()), hints::SHAPE)
        })?;
        task.check()?;
        Ok(task)
    }

    /// The task as the block that its CID names.
    ///
    /// # Errors
    /// What is wrong with it, see [`Task::check`].
    pub fn to_block(&self) -> Result<Vec<u8>, TaskTextError> {
        self.check()?;
        codec::encode(self).map_err(|e| TaskTextError::NotTask(e.to_string()))
    }

    /// Reads a block.
    ///
    /// # Errors
    /// For what is no task in its one form, and what is wrong with it.
    pub fn from_block(block: &[u8]) -> Result<Self, TaskTextError> {
        within_limit(block)?;
        let read: Result<Self, CodecError> = codec::decode_canonical(block);
        let task = read.map_err(|e| match e {
            CodecError::Decode { why, .. } => TaskTextError::NotTask(why),
            CodecError::NotCanonical { .. } => {
                TaskTextError::NotTask("it is not in its one form".to_owned())
            }
            CodecError::Encode { .. } => TaskTextError::NotTask(e.to_string()),
        })?;
        task.check()?;
        Ok(task)
    }
}

fn within_limit(bytes: &[u8]) -> Result<(), TaskTextError> {
    match bytes.len() {
        0..=TASK_BYTES_MAX => Ok(()),
        bytes => Err(TaskTextError::TooLong { bytes }),
    }
}

/// What the reader said, in words of ours, and without the place in a text that people do not see:
/// a JSON object is printed anew where it travels in a job.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].replace("struct ReservedKeyMap", "a link, {\"/\": \"CID\"}, or bytes")
}

#[cfg(test)]
mod tests;
