//! What an import may come to, and what it came to.

use gadus_ports::ContentError;

/// Counts bytes of file content, and entries, against their limits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    bytes: u64,
    bytes_max: u64,
    entries: u64,
    entries_max: u64,
    files: u64,
}

impl Budget {
    /// Limits on bytes of content and on entries (files, directories and links).
    #[must_use]
    pub fn new(bytes_max: u64, entries_max: u64) -> Self {
        Self { bytes: 0, bytes_max, entries: 0, entries_max, files: 0 }
    }

    /// Bytes of content so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Files so far.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    pub(crate) fn take_bytes(&mut self, bytes: u64) -> Result<(), ContentError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.bytes_max {
            return Err(ContentError::TooMuchOutput { what: "bytes", max: self.bytes_max });
        }
        Ok(())
    }

    pub(crate) fn take_entry(&mut self) -> Result<(), ContentError> {
        self.entries += 1;
        if self.entries > self.entries_max {
            return Err(ContentError::TooMuchOutput { what: "files", max: self.entries_max });
        }
        Ok(())
    }

    pub(crate) fn count_file(&mut self) {
        self.files += 1;
    }
}
