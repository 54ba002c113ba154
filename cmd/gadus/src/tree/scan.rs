//! Walking a directory in a fixed order, and looking at it before anything is sent.

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use gadus_ports::tar_blocks;

use crate::failure::Failure;

/// Something in a tree.
pub(super) struct Entry {
    /// Where it is.
    pub(super) disk: PathBuf,
    /// Its names from the tree's root, joined by `/`; empty for the root.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// Its permissions, once it was looked at.
    pub(super) mode: Option<u32>,
}

/// What can be in a tree.
pub(super) enum Kind {
    Directory,
    /// Of this many bytes, when it was looked at.
    File(u64),
    /// With its target.
    Symlink(String),
}

impl Kind {
    /// As a tar tells of it.
    pub(super) fn in_tar(&self) -> tar_blocks::Kind<'_> {
        match self {
            Self::Directory => tar_blocks::Kind::Directory,
            Self::File(bytes) => tar_blocks::Kind::File(*bytes),
            Self::Symlink(target) => tar_blocks::Kind::Symlink(target),
        }
    }
}

/// What a tree comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Files and symlinks.
    pub(crate) files: u64,
    /// Bytes of all files.
    pub(crate) bytes: u64,
}

/// Looks at a whole tree.
///
/// # Errors
/// For what cannot be read, and for what has no content: FIFOs, sockets and devices.
pub(crate) fn scan(root: &Path) -> Result<Scan, Failure> {
    let mut total = Scan::default();
    walk(root, &mut |entry| {
        match entry.kind {
            Kind::Directory => {}
            Kind::File(bytes) => {
                total.files += 1;
                total.bytes += bytes;
            }
            Kind::Symlink(_) => total.files += 1,
        }
        Ok(())
    })?;
    Ok(total)
}

/// Visits a directory and all below it, parents first, names in byte order.
pub(super) fn walk(
    root: &Path,
    visit: &mut dyn FnMut(&Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // The entries of each open directory, last one first.
    let first = one(root)?;
    visit(&first)?;
    let mut open = vec![children(&first)?];
    while let Some(siblings) = open.last_mut() {
        let Some(entry) = siblings.pop() else {
            open.pop();
            continue;
        };
        let metadata = fs::symlink_metadata(&entry.disk)
            .map_err(|e| Failure::io(format!("read {}", entry.disk.display()), &e))?;
        let kind = kind(&entry.disk, &metadata)?;
        let entry = Entry { kind, mode: Some(mode(&metadata)), ..entry };
        visit(&entry)?;
        if matches!(entry.kind, Kind::Directory) {
            let below = children(&entry)?;
            open.push(below);
        }
    }
    Ok(())
}

/// What was named on the command line, where symlinks are followed.
pub(super) fn one(path: &Path) -> Result<Entry, Failure> {
    let failed = |e: &std::io::Error| Failure::io(format!("read {}", path.display()), e);
    let disk = fs::canonicalize(path).map_err(|e| failed(&e))?;
    let metadata = fs::symlink_metadata(&disk).map_err(|e| failed(&e))?;
    let kind = kind(path, &metadata)?;
    Ok(Entry { disk, name: String::new(), kind, mode: Some(mode(&metadata)) })
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// The entries of a directory, in reverse order; what they are is not known yet.
fn children(parent: &Entry) -> Result<Vec<Entry>, Failure> {
    let failed = |e: &std::io::Error| Failure::io(format!("read {}", parent.disk.display()), e);
    let mut names = Vec::new();
    for entry in fs::read_dir(&parent.disk).map_err(|e| failed(&e))? {
        let name = entry.map_err(|e| failed(&e))?.file_name();
        let text = name.into_string().map_err(|name| {
            Failure::usage(format!("cannot add {}", parent.disk.join(&name).display()))
                .because("its name is not UTF-8, and names in the network are")
                .hint("rename it, or leave it out")
        })?;
        names.push(text);
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    let entry = |name: String| Entry {
        disk: parent.disk.join(&name),
        name: if parent.name.is_empty() { name } else { format!("{}/{name}", parent.name) },
        kind: Kind::Directory,
        mode: None,
    };
    Ok(names.into_iter().map(entry).collect())
}

fn kind(path: &Path, metadata: &Metadata) -> Result<Kind, Failure> {
    let what = metadata.file_type();
    if what.is_dir() {
        return Ok(Kind::Directory);
    }
    if what.is_file() {
        return Ok(Kind::File(metadata.len()));
    }
    if what.is_symlink() {
        let target =
            fs::read_link(path).map_err(|e| Failure::io(format!("read {}", path.display()), &e))?;
        return target.into_os_string().into_string().map(Kind::Symlink).map_err(|_| {
            Failure::usage(format!("cannot add {}", path.display()))
                .because("the target of this symlink is not UTF-8")
        });
    }
    let name = if what.is_fifo() {
        "a FIFO"
    } else if what.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Failure::usage(format!("cannot add {}", path.display()))
        .because(format!("it is {name}, which has no content of its own"))
        .hint("remove it, or add the directories beside it one by one"))
}

/// Refuses what is no file and no directory, for a path that was named on the command line.
pub(super) fn special(path: &Path, metadata: &Metadata) -> Option<Failure> {
    kind(path, metadata).err()
}
