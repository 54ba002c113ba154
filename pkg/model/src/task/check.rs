//! What makes a task one that can be named and run as it is: everything pinned, everything in its
//! one form.

use std::collections::BTreeSet;

use cid::Cid;

use super::{Await, Code, Det, Image, Input, PROFILE_DET_1, PROFILE_WASI_1, Partition, Task};

/// Names in a result that are not the task's to give.
const RESULT_NAMES_TAKEN: [&str; 3] = ["stdout", "stderr", "exitCode"];
/// Environment names that begin so are the node's own.
const ENV_TAKEN: &str = "BACALHAU_";

/// What is wrong with a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct TaskFault {
    /// The field, such as `inputs./data`.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
    /// What to write instead, for people.
    pub hint: String,
}

impl TaskFault {
    pub(super) fn new(
        field: impl Into<String>,
        why: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), why: why.into(), hint: hint.into() }
    }
}

impl Task {
    /// Whether this is work that anybody can run as it is: nothing to resolve, nothing to guess,
    /// and no second way to write the same.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), TaskFault> {
        code(&self.code)?;
        words("args", &self.args)?;
        self.env.iter().try_for_each(|(name, value)| variable(name, value))?;
        self.inputs.iter().try_for_each(|(path, input)| one_input(path, input))?;
        self.outputs.iter().try_for_each(|(name, path)| output(name, path))?;
        let mut places = BTreeSet::new();
        if let Some((name, path)) = self.outputs.iter().find(|(_, path)| !places.insert(*path)) {
            let why = format!("another output is {path} already");
            return Err(TaskFault::new(format!("outputs.{name}"), why, "give each its own path"));
        }
        partition(self.partition)?;
        limits(&self.code, self.det.as_ref())
    }
}

fn code(code: &Code) -> Result<(), TaskFault> {
    match code {
        Code::Wasm { entry, .. } if entry.is_empty() || entry.contains('\0') => {
            let hint = "write the name of an exported function, such as _start";
            Err(TaskFault::new("code.wasm.entry", format!("{entry:?} is no name"), hint))
        }
        Code::Wasm { module, .. } => one_name("code.wasm.module", module),
        Code::Docker { image, entrypoint, workdir } => {
            digest(image)?;
            words("code.docker.entrypoint", entrypoint.as_deref().unwrap_or_default())?;
            match workdir {
                Some(path) if path != "/" => plain_path("code.docker.workdir", path),
                Some(_) | None => Ok(()),
            }
        }
    }
}

fn digest(image: &Image) -> Result<(), TaskFault> {
    let digest = match image {
        Image::Digest(digest) => digest,
        Image::Reference(name) => {
            let why = format!("'{name}' is not pinned, and may mean another image tomorrow");
            let hint = "write {\"digest\": \"sha256:…\"}, or run it once with `gadus docker run` and \
                        take the text of `gadus job task`, whose image is pinned";
            return Err(TaskFault::new("code.docker.image.reference", why, hint));
        }
    };
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let hex = digest.strip_prefix("sha256:");
    if hex.is_some_and(|hex| hex.len() == 64 && hex.chars().all(is_hex)) {
        return Ok(());
    }
    let hint = "write sha256: and 64 hexadecimal digits";
    Err(TaskFault::new("code.docker.image.digest", format!("{digest:?} is no digest"), hint))
}

/// Programs end their texts with a null, so that none may be inside.
fn words(field: &str, words: &[String]) -> Result<(), TaskFault> {
    match words.iter().position(|word| word.contains('\0')) {
        None => Ok(()),
        Some(nth) => Err(TaskFault::new(
            format!("{field}.{nth}"),
            "it has a null character in it",
            "leave it out: no program can be given one",
        )),
    }
}

fn variable(name: &str, value: &str) -> Result<(), TaskFault> {
    let wrong = |why: &str, hint: &str| Err(TaskFault::new(format!("env.{name}"), why, hint));
    if name.is_empty() || name.contains(['=', '\0', '/']) {
        return wrong("a variable has no such name", "use letters, digits and underscores");
    }
    if name.starts_with(ENV_TAKEN) {
        return wrong("names that begin with BACALHAU_ are the node's own", "use another name");
    }
    if value.contains('\0') {
        return wrong("its value has a null character in it", "leave it out");
    }
    Ok(())
}

fn one_input(path: &str, input: &Input) -> Result<(), TaskFault> {
    plain_path(&format!("inputs.{path}"), path)?;
    match input {
        Input::Cid(cid) => one_name(&format!("inputs.{path}"), cid),
        Input::Await(Await { task, .. }) => Err(TaskFault::new(
            format!("inputs.{path}.await"),
            "what another task makes cannot be an input yet",
            format!("run task {task} first, and name the CID of its result"),
        )),
    }
}

/// The older form of a CID names what the newer one does: with both, one work had two names.
fn one_name(field: &str, cid: &Cid) -> Result<(), TaskFault> {
    match cid.into_v1() {
        Ok(newer) if newer != *cid => {
            let why = format!("{cid} is the older form of a CID, and a task has the newer");
            Err(TaskFault::new(field, why, format!("write {newer}: it is the same content")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn output(name: &str, path: &str) -> Result<(), TaskFault> {
    let field = format!("outputs.{name}");
    if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\0']) {
        let hint = "name it like a file, without a path";
        return Err(TaskFault::new(field, "this is no plain file name", hint));
    }
    if RESULT_NAMES_TAKEN.contains(&name) {
        let why = "this name is taken by the result itself";
        return Err(TaskFault::new(field, why, "give it another name"));
    }
    plain_path(&field, path)
}

/// Absolute, below the root, in the one form that a path has.
fn plain_path(field: &str, path: &str) -> Result<(), TaskFault> {
    let is_name = |name: &str| !name.is_empty() && name != "." && name != "..";
    let names = path.strip_prefix('/');
    if names.is_some_and(|names| names.split('/').all(is_name)) && !path.contains('\0') {
        return Ok(());
    }
    let why = format!("{path:?} is no absolute path in its plain form");
    Err(TaskFault::new(field, why, "write it like /data/in, without . or .. or a / at the end"))
}

fn partition(partition: Partition) -> Result<(), TaskFault> {
    if partition.index < partition.count {
        return Ok(());
    }
    let Partition { index, count } = partition;
    let why = format!("there is no part {index} of {count}");
    Err(TaskFault::new("partition", why, "write {\"index\": 0, \"count\": 1} for the whole"))
}

fn limits(code: &Code, det: Option<&Det>) -> Result<(), TaskFault> {
    match (code, det) {
        (Code::Docker { .. }, None) => Ok(()),
        (Code::Docker { .. }, Some(_)) => Err(TaskFault::new(
            "det",
            "a container has no such limits",
            "write null: its limits are its job's, and not part of the task",
        )),
        (Code::Wasm { .. }, None) => Err(TaskFault::new(
            "det",
            "a function needs its limits, since meeting one changes its result",
            "take the text of `gadus wasm run --print-task`, which has them",
        )),
        (Code::Wasm { .. }, Some(det)) => {
            memory(det.memory_max_bytes)?;
            profile(&det.profile)
        }
    }
}

/// A function's memory comes in pages, and its addresses have 32 bits.
fn memory(bytes: u64) -> Result<(), TaskFault> {
    const PAGE_BYTES: u64 = 64 << 10;
    const MOST_BYTES: u64 = 4 << 30;
    let why = match bytes {
        0..PAGE_BYTES => format!("{bytes} bytes are less than a page of memory has"),
        PAGE_BYTES..=MOST_BYTES => return Ok(()),
        _ => format!("{bytes} bytes are more than a function can address"),
    };
    let hint = format!("give it {PAGE_BYTES} to {MOST_BYTES} bytes, such as 536870912");
    Err(TaskFault::new("det.memory_max_bytes", why, hint))
}

fn profile(profile: &str) -> Result<(), TaskFault> {
    if matches!(profile, PROFILE_DET_1 | PROFILE_WASI_1) {
        return Ok(());
    }
    let why = format!("the profile {profile:?} is not known here");
    let hint = format!("use {PROFILE_DET_1} or {PROFILE_WASI_1}");
    Err(TaskFault::new("det.profile", why, hint))
}
