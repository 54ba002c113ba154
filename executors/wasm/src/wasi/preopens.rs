//! Which directories a guest sees, and under which names.
//!
//! A guest opens `/inputs/a.txt` relative to the preopened directory with the longest matching
//! name, so directories may lie inside each other. WASI cannot preopen a file: a file input is put
//! alone (or with others of the same parent) into a directory that is preopened as its parent.
//! Where that would hide or need to change another input, the job is refused.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gadus_model::{Failure, FailureKind};
use gadus_ports::{Mount, OutputDir};

/// One directory that the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Its absolute path there.
    pub(super) guest: String,
    /// What it is here.
    pub(super) source: Source,
}

/// What a preopened directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A directory of the host, read-only.
    Input(PathBuf),
    /// A directory of the host that the guest writes.
    Output(PathBuf),
    /// A directory made of single files: name there → file here.
    Files(BTreeMap<String, PathBuf>),
}

/// Lays the inputs and outputs out.
///
/// # Errors
/// `Invalid` for paths that are not absolute and plain, or that clash; `Internal` when an input is
/// not there.
pub(super) fn plan(mounts: &[Mount], outputs: &[OutputDir]) -> Result<Vec<Planned>, Failure> {
    let mut dirs: BTreeMap<String, Source> = BTreeMap::new();
    for output in outputs {
        let guest = plain(&output.guest)?;
        if dirs.insert(guest.clone(), Source::Output(output.host.clone())).is_some() {
            return Err(twice(&guest));
        }
    }
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for mount in mounts {
        let guest = plain(&mount.guest)?;
        match kind(&mount.host, &guest)? {
            Kind::Directory => {
                if dirs.insert(guest.clone(), Source::Input(mount.host.clone())).is_some() {
                    return Err(twice(&guest));
                }
            }
            Kind::File => files.push((guest, mount.host.clone())),
        }
    }
    place_files(&mut dirs, files)?;
    Ok(dirs.into_iter().map(|(guest, source)| Planned { guest, source }).collect())
}

fn place_files(
    dirs: &mut BTreeMap<String, Source>,
    files: Vec<(String, PathBuf)>,
) -> Result<(), Failure> {
    let mut made: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    let mut paths: Vec<String> = Vec::new();
    for (guest, host) in files {
        if let Some(outer) = dirs.keys().find(|dir| holds(dir, &guest)) {
            return Err(clash(&format!("the input file {guest} lies inside {outer}")));
        }
        if let Some(inner) = dirs.keys().find(|dir| holds(&guest, dir)) {
            return Err(clash(&format!("{inner} lies inside {guest}, which is a file")));
        }
        let (parent, name) = guest.rsplit_once('/').unwrap_or(("", &guest));
        let parent = if parent.is_empty() { "/" } else { parent };
        let old = made.entry(parent.to_owned()).or_default().insert(name.to_owned(), host);
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
    dirs.extend(made.into_iter().map(|(guest, files)| (guest, Source::Files(files))));
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

enum Kind {
    Directory,
    File,
}

/// What an input is. Links are not followed: an input that is one is somebody's trick.
fn kind(host: &Path, guest: &str) -> Result<Kind, Failure> {
    let metadata = fs::symlink_metadata(host)
        .map_err(|error| broken(format!("the input for {guest} cannot be read: {error}")))?;
    if metadata.is_dir() {
        Ok(Kind::Directory)
    } else if metadata.is_file() {
        Ok(Kind::File)
    } else {
        let message = format!("the input for {guest} is neither a file nor a directory");
        Err(Failure::new(FailureKind::Invalid, message))
    }
}

/// Makes an output directory.
///
/// # Errors
/// `DiskFull` or `Internal`.
pub(super) fn make_output(host: &Path) -> Result<(), Failure> {
    fs::create_dir_all(host).map_err(|error| failed("an output directory", host, &error))?;
    let metadata =
        fs::symlink_metadata(host).map_err(|error| failed("an output directory", host, &error))?;
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(broken(format!("{} is not a directory", host.display())))
    }
}

/// Puts files into a new directory: as hard links, which cost nothing, else as copies.
///
/// # Errors
/// `DiskFull` or `Internal`.
pub(super) fn stage(dir: &Path, files: &BTreeMap<String, PathBuf>) -> Result<(), Failure> {
    fs::create_dir_all(dir).map_err(|error| failed("a directory for inputs", dir, &error))?;
    for (name, host) in files {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("an input", &path, &error));
            }
            // Left by a run that this process did not see the end of.
            Ok(()) | Err(_) => {}
        }
        if fs::hard_link(host, &path).is_err() {
            fs::copy(host, &path).map_err(|error| failed("an input", &path, &error))?;
        }
    }
    Ok(())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if is_full { FailureKind::DiskFull } else { FailureKind::Internal };
    Failure::new(kind, format!("{what} cannot be made at {}: {error}", path.display()))
}

fn broken(message: String) -> Failure {
    Failure::new(FailureKind::Internal, message)
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
