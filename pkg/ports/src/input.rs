//! The seam to inputs that are read where they lie, piece by piece, while a job runs.
//!
//! All of it may wait for a disk: it is for a thread of the job's own, never for an async worker.

use std::fmt::Debug;
use std::sync::Arc;

use crate::content::ContentError;

/// What stands at one place of an input.
#[derive(Clone, Debug)]
pub enum InputNode {
    /// A file.
    File(Arc<dyn InputFile>),
    /// A directory.
    Directory(Arc<dyn InputDirectory>),
    /// A symbolic link: where it points.
    Symlink(String),
}

impl InputNode {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> InputKind {
        match self {
            Self::File(_) => InputKind::File,
            Self::Directory(_) => InputKind::Directory,
            Self::Symlink(_) => InputKind::Symlink,
        }
    }
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// An entry of an input's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputEntry {
    /// Its name: no slash, no zero byte, neither `.` nor `..`.
    pub name: String,
    /// What it is.
    pub kind: InputKind,
}

/// A directory of an input, which never changes.
pub trait InputDirectory: Send + Sync + Debug {
    /// What a name leads to; `None` when nothing has it.
    ///
    /// # Errors
    /// `Missing`, `Malformed`, `HashMismatch`, `Io`: none of them says anything about the job.
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError>;

    /// All entries, sorted by the bytes of their names.
    ///
    /// # Errors
    /// As [`InputDirectory::entry`], and `UnsafeName`.
    fn list(&self) -> Result<Vec<InputEntry>, ContentError>;

    /// The same for who may not want all of it: asked before each block that is read, with the name
    /// of an entry or with nothing. `None` once the answer was no.
    ///
    /// # Errors
    /// As [`InputDirectory::list`].
    fn list_while(
        &self,
        wants: &mut dyn FnMut(Option<&str>) -> bool,
    ) -> Result<Option<Vec<InputEntry>>, ContentError> {
        let entries = self.list()?;
        Ok(entries.iter().all(|entry| wants(Some(&entry.name))).then_some(entries))
    }
}

/// A file of an input, which never changes.
pub trait InputFile: Send + Sync + Debug {
    /// Its bytes.
    fn size(&self) -> u64;

    /// Fills a buffer with the bytes from `offset`, and says how many there were: fewer than it has
    /// room for only at the file's end.
    ///
    /// # Errors
    /// As [`InputDirectory::entry`].
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ContentError>;
}
