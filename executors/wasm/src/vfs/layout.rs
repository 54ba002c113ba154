//! Which directories a guest sees, and under which names.
//!
//! A guest opens `/inputs/a.txt` relative to the preopened directory with the longest matching
//! name, so directories may lie inside each other. WASI cannot preopen a file: a file input is put
//! alone (or with others of the same parent) into a directory that is preopened as its parent.
//! Where that would hide or need to change another input, the job is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use gadus_model::{Failure, FailureKind};
use gadus_ports::{
    ContentError, InputDirectory, InputEntry, InputNode, Mount, MountSource, OutputDir, with_source,
};

use super::host;

/// One directory that the guest sees.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Its absolute path there.
    pub(super) guest: String,
    /// What it is here.
    pub(super) source: Source,
}

/// What a preopened directory is.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A directory of an input, or one made of single files.
    Input(Arc<dyn InputDirectory>),
    /// A directory of the outputs, to be written to one of the host's in the end.
    Output(PathBuf),
}

/// A directory made of files that were given one by one.
#[derive(Debug, Default)]
struct Files(BTreeMap<String, InputNode>);

impl InputDirectory for Files {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        Ok(self.0.get(name).cloned())
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        let entry = |(name, node): (&String, &InputNode)| InputEntry {
            name: name.clone(),
            kind: node.kind(),
        };
        Ok(self.0.iter().map(entry).collect())
    }
}

/// Lays the inputs and outputs out.
///
/// # Errors
/// `Invalid` for paths that are not absolute and plain, or that clash; `Internal` when an input is
/// not there.
pub(crate) fn plan(mounts: &[Mount], outputs: &[OutputDir]) -> Result<Vec<Planned>, Failure> {
    let mut dirs: BTreeMap<String, Source> = BTreeMap::new();
    for output in outputs {
        let guest = plain(&output.guest)?;
        if dirs.insert(guest.clone(), Source::Output(output.host.clone())).is_some() {
            return Err(twice(&guest));
        }
    }
    let mut files: Vec<(String, InputNode)> = Vec::new();
    for mount in mounts {
        let guest = plain(&mount.guest)?;
        match open(mount, &guest)? {
            InputNode::Directory(directory) => {
                if dirs.insert(guest.clone(), Source::Input(directory)).is_some() {
                    return Err(twice(&guest));
                }
            }
            file @ InputNode::File(_) => files.push((guest, file)),
            // An input that is a link is somebody's trick.
            InputNode::Symlink(_) => return Err(neither(&guest)),
        }
    }
    place_files(&mut dirs, files)?;
    Ok(dirs.into_iter().map(|(guest, source)| Planned { guest, source }).collect())
}

fn place_files(
    dirs: &mut BTreeMap<String, Source>,
    files: Vec<(String, InputNode)>,
) -> Result<(), Failure> {
    let mut made: BTreeMap<String, Files> = BTreeMap::new();
    let mut paths: Vec<String> = Vec::new();
    for (guest, node) in files {
        if let Some(outer) = dirs.keys().find(|dir| holds(dir, &guest)) {
            return Err(clash(&format!("the input file {guest} lies inside {outer}")));
        }
        if let Some(inner) = dirs.keys().find(|dir| holds(&guest, dir)) {
            return Err(clash(&format!("{inner} lies inside {guest}, which is a file")));
        }
        let (parent, name) = guest.rsplit_once('/').unwrap_or(("", &guest));
        let parent = if parent.is_empty() { "/" } else { parent };
        let old = made.entry(parent.to_owned()).or_default().0.insert(name.to_owned(), node);
        if old.is_some() {
            return Err(twice(&guest));
        }
        paths.push(guest);
    }
    for file in &paths {
        if let Some(inner) = paths.iter().find(|path| *path != file && holds(file, path)) {
            return Err(clash(&format!("{inner} lies inside {file}, which is a file")));
        }
    }
    dirs.extend(made.into_iter().map(|(guest, files)| (guest, Source::Input(Arc::new(files)))));
    Ok(())
}

/// Whether `path` is `outer` or lies below it.
fn holds(outer: &str, path: &str) -> bool {
    outer == "/"
        || path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A guest's path without a slash at its end.
fn plain(guest: &str) -> Result<String, Failure> {
    let trimmed = guest.trim_end_matches('/');
    let ok = guest.starts_with('/')
        && !guest.contains('\0')
        && trimmed.split('/').skip(1).all(|name| !matches!(name, "" | "." | ".."));
    if !ok {
        let message = format!("'{guest}' is no path that a Wasm job can have");
        return Err(Failure::new(FailureKind::Invalid, message)
            .with_hint("use an absolute path without '.', '..' and empty names, such as /inputs"));
    }
    Ok(if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() })
}

/// What an input is.
fn open(mount: &Mount, guest: &str) -> Result<InputNode, Failure> {
    let host = match &mount.source {
        MountSource::Tree(node) => return Ok(node.clone()),
        MountSource::Host(host) => host,
    };
    let broken = |why: &str| {
        let message = format!("the input for {guest} cannot be read: {why}");
        Failure::new(FailureKind::Internal, message)
    };
    let metadata = fs::symlink_metadata(host).map_err(|error| broken(&error.to_string()))?;
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(neither(guest));
    }
    let node = host::open(host).map_err(|error| broken(&with_source(&error)))?;
    node.ok_or_else(|| broken("it is gone"))
}

fn neither(guest: &str) -> Failure {
    let message = format!("the input for {guest} is neither a file nor a directory");
    Failure::new(FailureKind::Invalid, message)
}

fn twice(guest: &str) -> Failure {
    clash(&format!("{guest} is given twice"))
}

fn clash(message: &str) -> Failure {
    Failure::new(FailureKind::Invalid, message)
        .with_hint("give inputs and outputs directories of their own")
}

#[cfg(test)]
mod tests;
