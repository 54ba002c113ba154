//! A guest's memory: every pointer that it gives is checked here.

use std::ops::Range;

use super::abi::Errno;
use crate::vfs::PATH_MAX_BYTES;

/// Buffers that one call may name.
const IOVECS_MAX: u32 = 1024;

/// Bytes of a buffer's description.
const IOVEC_BYTES: u32 = 8;

/// All of one memory.
pub(super) struct Memory<'a>(pub(super) &'a mut [u8]);

impl Memory<'_> {
    /// Some of it.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn bytes(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        self.0.get(range(at, length)).ok_or(Errno::Fault)
    }

    /// Some of it, to be changed.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn bytes_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8], Errno> {
        self.0.get_mut(range(at, length)).ok_or(Errno::Fault)
    }

    /// A path or target.
    ///
    /// # Errors
    /// `EFAULT`; `ENAMETOOLONG` for more than any may have, whatever it is; `EILSEQ` for what is
    /// not UTF-8, which no name here is.
    pub(super) fn text(&self, at: u32, length: u32) -> Result<&str, Errno> {
        let bytes = self.bytes(at, length)?;
        if bytes.len() > PATH_MAX_BYTES {
            return Err(Errno::Nametoolong);
        }
        std::str::from_utf8(bytes).map_err(|_| Errno::Ilseq)
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(at, length)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a number.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn put_u32(&mut self, at: u32, number: u32) -> Result<(), Errno> {
        self.put(at, &number.to_le_bytes())
    }

    /// Writes a number.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn put_u64(&mut self, at: u32, number: u64) -> Result<(), Errno> {
        self.put(at, &number.to_le_bytes())
    }

    /// Whether so many buffers are described here, and each lies in the memory: nothing is done for
    /// a call that would fail half-way.
    ///
    /// # Errors
    /// `EFAULT`; `EINVAL` for more buffers than any call may name, or more bytes than it can count.
    pub(super) fn check_iovecs(&self, at: u32, n: u32) -> Result<(), Errno> {
        if n > IOVECS_MAX {
            return Err(Errno::Inval);
        }
        let mut total = 0u32;
        for index in 0..n {
            let (buffer, length) = self.iovec(at, index)?;
            self.bytes(buffer, length)?;
            total = total.checked_add(length).ok_or(Errno::Inval)?;
        }
        Ok(())
    }

    /// One of the buffers that are described here: where it is, and its bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn iovec(&self, at: u32, index: u32) -> Result<(u32, u32), Errno> {
        let at = at.checked_add(index * IOVEC_BYTES).ok_or(Errno::Fault)?;
        let described = self.bytes(at, IOVEC_BYTES)?;
        let number = |from: usize| {
            let mut number = [0; 4];
            number.copy_from_slice(&described[from..from + 4]);
            u32::from_le_bytes(number)
        };
        Ok((number(0), number(4)))
    }
}

fn range(at: u32, length: u32) -> Range<usize> {
    // Two 32-bit numbers: their sum fits.
    at as usize..at as usize + length as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_reached() {
        let mut all = [0; 64];
        let mut memory = Memory(&mut all);
        assert_eq!(memory.bytes(0, 64).map(<[u8]>::len), Ok(64));
        assert_eq!(memory.bytes(64, 0).map(<[u8]>::len), Ok(0));
        for (at, length) in [(64, 1), (0, 65), (65, 0), (u32::MAX, u32::MAX), (u32::MAX, 1)] {
            assert_eq!(memory.bytes(at, length), Err(Errno::Fault), "{at} {length}");
            assert_eq!(memory.text(at, length), Err(Errno::Fault));
        }
        assert_eq!(memory.put_u32(61, 1), Err(Errno::Fault));
        assert_eq!(memory.put_u64(u32::MAX, 1), Err(Errno::Fault));
        assert_eq!(memory.put_u32(60, 1), Ok(()));
        memory.put(0, b"\xff").unwrap();
        assert_eq!(memory.text(0, 1), Err(Errno::Ilseq));
    }

    #[test]
    fn a_text_too_long_is_not_looked_at() {
        let mut all = vec![0xff; 4097];
        let memory = Memory(&mut all);
        assert_eq!(memory.text(0, 4096), Err(Errno::Ilseq));
        assert_eq!(memory.text(0, 4097), Err(Errno::Nametoolong));
        assert_eq!(memory.text(0, 4098), Err(Errno::Fault));
    }

    #[test]
    fn buffers_are_few_and_inside() {
        let mut all = vec![0; 16 << 10];
        let mut memory = Memory(&mut all);
        assert_eq!(memory.check_iovecs(0, 1024), Ok(()));
        assert_eq!(memory.check_iovecs(0, 1025), Err(Errno::Inval));
        assert_eq!(memory.check_iovecs(16_380, 1), Err(Errno::Fault));
        assert_eq!(memory.check_iovecs(u32::MAX - 3, 2), Err(Errno::Fault));
        memory.put_u32(4, 16 << 10).unwrap();
        assert_eq!(memory.check_iovecs(0, 1), Ok(()));
        memory.put_u32(0, 1).unwrap();
        assert_eq!(memory.check_iovecs(0, 1), Err(Errno::Fault));
    }
}
