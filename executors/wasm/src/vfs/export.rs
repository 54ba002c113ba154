//! What a guest made is written out, for others to import.

use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gadus_model::{Failure, FailureKind};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, symlinkat, unlinkat};
use rustix::io::Errno as HostErrno;

use super::content::Content;
use super::fault::{Fault, io_failure};
use super::overlay::{Kind, NodeId, Overlay};
use super::room::Room;

/// Directories inside each other: what content can be imported from.
const DEPTH_MAX: usize = 256;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Makes an output directory.
///
/// # Errors
/// `DiskFull` or `Internal`.
pub(super) fn make_dir(host: &Path) -> Result<(), Failure> {
    let failed = |e: &std::io::Error| {
        io_failure(&format!("making the output directory {}", host.display()), e)
    };
    fs::create_dir_all(host).map_err(|e| failed(&e))?;
    let metadata = fs::symlink_metadata(host).map_err(|e| failed(&e))?;
    if metadata.is_dir() {
        return Ok(());
    }
    let message = format!("the output directory {} is a link", host.display());
    Err(Failure::new(FailureKind::Internal, message))
}

/// Writes trees out, each to its directory.
///
/// # Errors
/// `DiskFull`, `OutputUnsafe`, `Internal`.
pub(super) fn write_out(
    overlay: &mut Overlay,
    outputs: &[(PathBuf, NodeId)],
) -> Result<(), Failure> {
    for (host, root) in outputs {
        if overlay.entries(*root).is_ok_and(|entries| entries.is_empty()) {
            continue;
        }
        overlay.room.check(host, 0)?;
        let dir = openat(CWD, host, DIRECTORY, Mode::empty());
        let dir = dir.map_err(|e| failed("opening an output directory", e))?;
        directory(overlay, *root, &dir, 0)?;
    }
    Ok(())
}

fn directory(
    overlay: &mut Overlay,
    node: NodeId,
    dir: &OwnedFd,
    depth: usize,
) -> Result<(), Failure> {
    if depth > DEPTH_MAX {
        let message = format!("an output has more than {DEPTH_MAX} directories inside each other");
        return Err(Failure::new(FailureKind::OutputUnsafe, message));
    }
    let entries = overlay.entries(node).map_err(|fault| gone(&fault))?;
    let entries: Vec<(Arc<str>, NodeId)> =
        entries.iter().map(|(name, id)| (Arc::clone(name), *id)).collect();
    for (name, id) in entries {
        let name = Path::new(&*name);
        match overlay.kind(id).map_err(|fault| gone(&fault))? {
            Kind::Directory(_) => {
                match mkdirat(dir, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(HostErrno::EXIST) => {}
                    Err(errno) => return Err(failed("making a directory of an output", errno)),
                }
                let inner = openat(dir, name, DIRECTORY, Mode::empty());
                let inner = inner.map_err(|e| failed("opening a directory of an output", e))?;
                directory(overlay, id, &inner, depth + 1)?;
            }
            Kind::Symlink(target) => {
                remove(dir, name)?;
                let made = symlinkat(target.as_str(), dir, name);
                made.map_err(|e| failed("making a link of an output", e))?;
            }
            Kind::File(_) => {
                let (content, room) = overlay.content(id).map_err(|fault| gone(&fault))?;
                file(content, room, dir, name)?;
            }
        }
    }
    Ok(())
}

fn file(content: &Content, room: &Room, dir: &OwnedFd, name: &Path) -> Result<(), Failure> {
    remove(dir, name)?;
    match content {
        Content::Memory(bytes) => {
            let mut out = create(dir, name)?;
            out.write_all(bytes).map_err(|e| io_failure("writing an output", &e))
        }
        Content::Spilled(spilled) => {
            let path = room.spilled_path(spilled.number);
            if renameat(CWD, &path, dir, name).is_ok() {
                return Ok(());
            }
            let mut from = fs::File::open(&path)
                .map_err(|e| io_failure("reading a file of the guest's", &e))?;
            let copied = std::io::copy(&mut from, &mut create(dir, name)?);
            copied.map(|_| ()).map_err(|e| io_failure("writing an output", &e))
        }
    }
}

fn create(dir: impl AsFd, name: &Path) -> Result<fs::File, Failure> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let made = openat(dir, name, flags, Mode::from_raw_mode(0o644));
    made.map(fs::File::from).map_err(|e| failed("making a file of an output", e))
}

/// What an earlier run left at a name.
fn remove(dir: &OwnedFd, name: &Path) -> Result<(), Failure> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(HostErrno::NOENT) => Ok(()),
        Err(errno) => Err(failed("replacing a file of an output", errno)),
    }
}

fn failed(doing: &str, errno: HostErrno) -> Failure {
    io_failure(doing, &errno.into())
}

/// The tree was walked, so all of it is there.
fn gone(fault: &Fault) -> Failure {
    Failure::new(FailureKind::Internal, format!("an output cannot be walked: {fault:?}"))
}
