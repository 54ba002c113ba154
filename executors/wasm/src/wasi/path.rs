//! Calls that take a path.

use super::abi::Errno;
use super::fd::{check_times, put_filestat};
use super::memory::Memory;
use crate::guest::Guest;
use crate::vfs::{Fault, OpenAs};

const FOLLOW: u32 = 1;

/// A path in the guest's memory: where, and how long.
pub(super) type Text = [u32; 2];

fn text<'a>(memory: &'a Memory<'_>, [at, length]: Text) -> Result<&'a str, Fault> {
    Ok(memory.text(at, length)?)
}

/// Opens what a path leads to, and writes the number of its descriptor.
pub(super) fn open(
    memory: &mut Memory<'_>,
    guest: &mut Guest,
    fd: u32,
    path: Text,
    how: OpenAs,
    out: u32,
) -> Result<(), Fault> {
    memory.bytes(out, 4)?;
    let opened = guest.wasi.vfs.open(fd, text(memory, path)?, how)?;
    memory.put_u32(out, opened)?;
    Ok(())
}

/// Puts the numbers of an open call together.
pub(super) fn how(lookup: u32, oflags: u32, rights: u64, flags: u32) -> Result<OpenAs, Fault> {
    Ok(OpenAs {
        follow: lookup & FOLLOW != 0,
        oflags: u16::try_from(oflags).map_err(|_| Errno::Inval)?,
        rights,
        flags: u16::try_from(flags).map_err(|_| Errno::Inval)?,
    })
}

/// Writes what a guest may know of what a path leads to.
pub(super) fn stat(
    memory: &mut Memory<'_>,
    guest: &Guest,
    fd: u32,
    lookup: u32,
    path: Text,
    out: u32,
) -> Result<(), Fault> {
    let stat = guest.wasi.vfs.stat(fd, text(memory, path)?, lookup & FOLLOW != 0)?;
    put_filestat(memory, out, stat)
}

/// Sets times, which are always 0.
pub(super) fn set_times(
    memory: &Memory<'_>,
    guest: &Guest,
    fd: u32,
    lookup: u32,
    path: Text,
    flags: u32,
) -> Result<(), Fault> {
    check_times(flags)?;
    guest.wasi.vfs.set_times(fd, text(memory, path)?, lookup & FOLLOW != 0)
}

/// Writes where a link points, cut off where the buffer ends, and how many bytes that is.
pub(super) fn read_link(
    memory: &mut Memory<'_>,
    guest: &Guest,
    fd: u32,
    path: Text,
    [buffer, length, out]: [u32; 3],
) -> Result<(), Fault> {
    let target = guest.wasi.vfs.read_link(fd, text(memory, path)?)?;
    let kept = target.len().min(length as usize);
    memory.put(buffer, &target.as_bytes()[..kept])?;
    memory.put_u32(out, u32::try_from(kept).unwrap_or(u32::MAX))?;
    Ok(())
}

/// Gives something another name.
pub(super) fn rename(
    memory: &Memory<'_>,
    guest: &mut Guest,
    (from, old): (u32, Text),
    (to, new): (u32, Text),
) -> Result<(), Fault> {
    guest.wasi.vfs.rename((from, text(memory, old)?), (to, text(memory, new)?))
}

/// Makes a link.
pub(super) fn symlink(
    memory: &Memory<'_>,
    guest: &mut Guest,
    target: Text,
    (fd, path): (u32, Text),
) -> Result<(), Fault> {
    guest.wasi.vfs.symlink(text(memory, target)?, fd, text(memory, path)?)
}

/// Does with a path what takes nothing else.
pub(super) fn with(
    memory: &Memory<'_>,
    path: Text,
    work: impl FnOnce(&str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    work(text(memory, path)?)
}
