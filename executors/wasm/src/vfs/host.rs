//! A directory or file of the host as an input. Links in it are told as links, and never followed
//! here; what is neither file, directory nor link is not there.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use gadus_ports::{ContentError, InputDirectory, InputEntry, InputFile, InputKind, InputNode};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};

/// What stands at a path of the host; `None` for what cannot be an input.
///
/// # Errors
/// `Io`.
pub(super) fn open(path: &Path) -> Result<Option<InputNode>, ContentError> {
    node(CWD, path)
}

fn node(dir: impl std::os::fd::AsFd, name: &Path) -> Result<Option<InputNode>, ContentError> {
    let failed = |errno: rustix::io::Errno| io_error(name, errno.into());
    let stat = match statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    let open = |flags: OFlags| {
        let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&dir, name, flags, Mode::empty()).map_err(failed)
    };
    let kind = kind(FileType::from_raw_mode(stat.st_mode));
    Ok(match kind {
        Some(InputKind::File) => {
            let file = File::from(open(OFlags::NONBLOCK)?);
            let size = u64::try_from(stat.st_size).unwrap_or_default();
            Some(InputNode::File(Arc::new(HostFile { file, size })))
        }
        Some(InputKind::Directory) => {
            Some(InputNode::Directory(Arc::new(HostDirectory(open(OFlags::DIRECTORY)?))))
        }
        Some(InputKind::Symlink) => {
            let target = readlinkat(&dir, name, Vec::new()).map_err(failed)?;
            Some(InputNode::Symlink(text(&target)?.to_owned()))
        }
        None => None,
    })
}

#[derive(Debug)]
struct HostDirectory(OwnedFd);

#[derive(Debug)]
struct HostFile {
    file: File,
    size: u64,
}

impl InputDirectory for HostDirectory {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        node(&self.0, Path::new(name))
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        let failed = |errno: rustix::io::Errno| io_error(Path::new("."), errno.into());
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = text(entry.file_name())?.to_owned();
            let mut told = entry.file_type();
            if told == FileType::Unknown {
                let stat = statat(&self.0, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
                told = FileType::from_raw_mode(stat.map_err(failed)?.st_mode);
            }
            if let Some(kind) = kind(told)
                && !matches!(name.as_str(), "." | "..")
            {
                entries.push(InputEntry { name, kind });
            }
        }
        entries.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        Ok(entries)
    }
}

impl InputFile for HostFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let read = self.file.read_exact_at(&mut buffer[..length], offset);
        read.map_err(|e| io_error(Path::new("a file"), e))?;
        Ok(length)
    }
}

fn kind(of: FileType) -> Option<InputKind> {
    match of {
        FileType::RegularFile => Some(InputKind::File),
        FileType::Directory => Some(InputKind::Directory),
        FileType::Symlink => Some(InputKind::Symlink),
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => None,
    }
}

fn text(name: &CStr) -> Result<&str, ContentError> {
    name.to_str().map_err(|_| ContentError::UnsafeName {
        name: name.to_string_lossy().escape_debug().to_string(),
        why: "it is not UTF-8".to_owned(),
    })
}

fn io_error(name: &Path, source: io::Error) -> ContentError {
    ContentError::Io { doing: format!("reading the input {}", name.display()), source }
}
