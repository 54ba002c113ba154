//! Arguments and environment, as they are handed over: one behind the other, each with a zero byte
//! at its end.

use super::abi::Errno;
use super::memory::Memory;

/// A list of strings.
pub(super) struct Strings {
    bytes: Vec<u8>,
    /// Where each begins.
    starts: Vec<usize>,
}

impl Strings {
    pub(super) fn new<S: AsRef<str>>(strings: impl IntoIterator<Item = S>) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for string in strings {
            starts.push(bytes.len());
            bytes.extend_from_slice(string.as_ref().as_bytes());
            bytes.push(0);
        }
        Self { bytes, starts }
    }

    /// Writes how many they are, and how many bytes.
    ///
    /// # Errors
    /// `EFAULT`; `EOVERFLOW` where the guest could not count them.
    pub(super) fn sizes(&self, memory: &mut Memory<'_>, n: u32, bytes: u32) -> Result<(), Errno> {
        memory.put_u32(n, narrow(self.starts.len())?)?;
        memory.put_u32(bytes, narrow(self.bytes.len())?)
    }

    /// Writes them, and pointers to them.
    ///
    /// # Errors
    /// As [`Strings::sizes`].
    pub(super) fn write(
        &self,
        memory: &mut Memory<'_>,
        pointers: u32,
        bytes: u32,
    ) -> Result<(), Errno> {
        memory.put(bytes, &self.bytes)?;
        let mut at = pointers;
        for start in &self.starts {
            let pointer = bytes.checked_add(narrow(*start)?).ok_or(Errno::Overflow)?;
            memory.put_u32(at, pointer)?;
            at = at.checked_add(4).ok_or(Errno::Fault)?;
        }
        Ok(())
    }
}

fn narrow(n: usize) -> Result<u32, Errno> {
    u32::try_from(n).map_err(|_| Errno::Overflow)
}
