//! A file or a directory as a stream of bytes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gadus_api::ImportKind;
use gadus_ports::Layout;
use gadus_ports::tar_blocks::{end, header, padding};
use rustix::fs::OFlags;

use super::scan::{Entry, Kind, one, special, walk};
use crate::failure::Failure;

/// The name of the tree's one top-level entry; a node takes that entry as the root.
const ROOT: &str = "root";
/// Bytes that are read from a file at once.
pub(super) const READ_BYTES: usize = 1 << 20;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    File,
    Tree,
}

impl Packed {
    /// What stands at a path that was named on the command line, where symlinks are followed.
    ///
    /// # Errors
    /// For what is not there, and for what is no file and no directory.
    pub(crate) fn at(path: &Path) -> Result<Self, Failure> {
        let metadata =
            fs::metadata(path).map_err(|e| Failure::io(format!("read {}", path.display()), &e))?;
        match special(path, &metadata) {
            Some(failure) => Err(failure),
            None if metadata.is_dir() => Ok(Self::Tree),
            None => Ok(Self::File),
        }
    }

    /// How a node is told. The mode of a single file travels in a tar.
    pub(crate) fn kind(self, layout: Layout) -> ImportKind {
        match self {
            Self::File if !layout.keep_modes => ImportKind::File(layout),
            Self::File | Self::Tree => ImportKind::Tar(layout),
        }
    }
}

/// Writes a file's bytes, or a tree as a tar; with `keep_modes`, a file as a tar too.
///
/// # Errors
/// For what cannot be read, or changes while it is read; and what the writer says.
pub(crate) fn pack(
    path: &Path,
    what: Packed,
    keep_modes: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match what {
        Packed::File if !keep_modes => {
            let mut file = open(path, OFlags::empty())?;
            let metadata = file.metadata();
            let metadata =
                metadata.map_err(|e| Failure::io(format!("read {}", path.display()), &e))?;
            // A device and a pipe have no length; a file that grows is added as it is read.
            let bytes_min = if metadata.is_file() { metadata.len() } else { 0 };
            return match copy(path, &mut file, out)? >= bytes_min {
                true => Ok(()),
                false => Err(changed(path)),
            };
        }
        Packed::File => pack_entry(&one(path)?, keep_modes, out)?,
        Packed::Tree => walk(path, &mut |entry| pack_entry(entry, keep_modes, out))?,
    }
    send(out, &end())
}

fn pack_entry(entry: &Entry, keep_modes: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mode = entry.mode.filter(|_| keep_modes);
    let slash = if entry.name.is_empty() { "" } else { "/" };
    let name = format!("{ROOT}{slash}{}", entry.name);
    let Kind::File(bytes) = entry.kind else {
        return send(out, &header(&name, entry.kind.in_tar(), mode));
    };
    // What was a file a moment ago may be a FIFO now: opening it must not wait.
    let file = open(&entry.disk, OFlags::NOFOLLOW | OFlags::NONBLOCK)?;
    let metadata =
        file.metadata().map_err(|e| Failure::io(format!("read {}", entry.disk.display()), &e))?;
    if !metadata.is_file() || metadata.len() != bytes {
        return Err(changed(&entry.disk));
    }
    send(out, &header(&name, entry.kind.in_tar(), mode))?;
    if copy(&entry.disk, &mut file.take(bytes), out)? != bytes {
        return Err(changed(&entry.disk));
    }
    send(out, &padding(bytes))
}

fn open(path: &Path, flags: OFlags) -> Result<File, Failure> {
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|e| Failure::io(format!("read {}", path.display()), &e))
}

/// Copies what is left of a file, and says how much it was.
pub(super) fn copy(path: &Path, file: &mut dyn Read, out: &mut dyn Write) -> Result<u64, Failure> {
    let mut buffer = Vec::with_capacity(READ_BYTES);
    let mut copied = 0;
    loop {
        buffer.clear();
        let read = file
            .take(READ_BYTES as u64)
            .read_to_end(&mut buffer)
            .map_err(|e| Failure::io(format!("read {}", path.display()), &e))?;
        if read == 0 {
            return Ok(copied);
        }
        copied += read as u64;
        send(out, &buffer)?;
    }
}

fn send(out: &mut dyn Write, bytes: &[u8]) -> Result<(), Failure> {
    out.write_all(bytes).map_err(|e: io::Error| Failure::io("send", &e))
}

fn changed(path: &Path) -> Failure {
    Failure::usage(format!("cannot add {}", path.display()))
        .because("it changed while it was being read")
        .hint("try again when nothing writes to it")
}

#[cfg(test)]
mod tests;
