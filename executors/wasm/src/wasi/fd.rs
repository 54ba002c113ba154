//! Calls that take a descriptor.

use super::STEP_BYTES;
use super::abi::Errno;
use super::memory::Memory;
use crate::guest::Guest;
use crate::vfs::{Fault, Stat, Whence};

const FILESTAT_BYTES: usize = 64;
const FDSTAT_BYTES: usize = 24;

/// What a call says of times.
const ATIM: u32 = 1;
const ATIM_NOW: u32 = 2;
const MTIM: u32 = 4;
const MTIM_NOW: u32 = 8;

/// Reads into the buffers, on or from a place of the file, and writes how many bytes that were.
pub(super) fn read(
    memory: &mut Memory<'_>,
    guest: &mut Guest,
    fd: u32,
    at: Option<u64>,
    [iovecs, n, out]: [u32; 3],
) -> Result<(), Fault> {
    memory.check_iovecs(iovecs, n)?;
    memory.bytes(out, 4)?;
    let mut total = 0;
    for index in 0..n {
        let (buffer, length) = memory.iovec(iovecs, index)?;
        let from = at.map(|at| at.saturating_add(total));
        let read = read_steps(guest, fd, from, memory.bytes_mut(buffer, length)?)?;
        total += read;
        if read < u64::from(length) {
            break;
        }
    }
    if n == 0 {
        guest.wasi.vfs.read(fd, at, &mut [])?;
    }
    memory.put_u32(out, u32::try_from(total).unwrap_or(u32::MAX))?;
    Ok(())
}

/// Fills one buffer as far as the file goes, and says how many bytes that were.
fn read_steps(
    guest: &mut Guest,
    fd: u32,
    at: Option<u64>,
    buffer: &mut [u8],
) -> Result<u64, Fault> {
    let mut total = 0;
    loop {
        let end = buffer.len().min(total + STEP_BYTES);
        let step = &mut buffer[total..end];
        guest.kill.check()?;
        let read = guest.wasi.vfs.read(fd, at.map(|at| at.saturating_add(total as u64)), step)?;
        total += read;
        if total < end || end == buffer.len() {
            return Ok(total as u64);
        }
    }
}

/// Writes from the buffers, on or at a place of the file, and writes how many bytes there was room
/// for.
pub(super) fn write(
    memory: &mut Memory<'_>,
    guest: &mut Guest,
    fd: u32,
    at: Option<u64>,
    [iovecs, n, out]: [u32; 3],
) -> Result<(), Fault> {
    memory.check_iovecs(iovecs, n)?;
    memory.bytes(out, 4)?;
    let mut total = 0;
    for index in 0..n {
        let (buffer, length) = memory.iovec(iovecs, index)?;
        let from = at.map(|at| at.saturating_add(total));
        let written = match write_steps(guest, fd, from, memory.bytes(buffer, length)?) {
            Ok(written) => written,
            // What was written before counts.
            Err(Fault::Errno(_)) if total > 0 => break,
            Err(fault) => return Err(fault),
        };
        total += written;
        if written < u64::from(length) {
            break;
        }
    }
    if n == 0 {
        guest.wasi.vfs.write(fd, at, &[])?;
    }
    memory.put_u32(out, u32::try_from(total).unwrap_or(u32::MAX))?;
    Ok(())
}

/// Writes one buffer as far as there is room, and says how many bytes that were.
fn write_steps(guest: &mut Guest, fd: u32, at: Option<u64>, bytes: &[u8]) -> Result<u64, Fault> {
    let mut total = 0;
    loop {
        let end = bytes.len().min(total + STEP_BYTES);
        guest.kill.check()?;
        let from = at.map(|at| at.saturating_add(total as u64));
        match guest.wasi.vfs.write(fd, from, &bytes[total..end]) {
            Ok(written) => total += written,
            // What was written before counts.
            Err(Fault::Errno(_)) if total > 0 => return Ok(total as u64),
            Err(fault) => return Err(fault),
        }
        if total < end || end == bytes.len() {
            return Ok(total as u64);
        }
    }
}

/// Moves to a place in a file, and writes where that is.
pub(super) fn seek(
    memory: &mut Memory<'_>,
    guest: &mut Guest,
    fd: u32,
    by: i64,
    whence: u32,
    out: u32,
) -> Result<(), Fault> {
    let whence = match whence {
        0 => Whence::Start,
        1 => Whence::Current,
        2 => Whence::End,
        _ => return Err(Errno::Inval.into()),
    };
    memory.bytes(out, 8)?;
    let to = guest.wasi.vfs.seek(fd, by, whence)?;
    memory.put_u64(out, to)?;
    Ok(())
}

/// Writes what a descriptor is and may do.
pub(super) fn fdstat(
    memory: &mut Memory<'_>,
    guest: &Guest,
    fd: u32,
    out: u32,
) -> Result<(), Fault> {
    let stat = guest.wasi.vfs.fdstat(fd)?;
    let mut bytes = [0; FDSTAT_BYTES];
    bytes[0] = stat.kind as u8;
    bytes[2..4].copy_from_slice(&stat.flags.to_le_bytes());
    bytes[8..16].copy_from_slice(&stat.rights.to_le_bytes());
    bytes[16..24].copy_from_slice(&stat.inheriting.to_le_bytes());
    memory.put(out, &bytes)?;
    Ok(())
}

/// Writes what a guest may know of a file: on device 0, with one name, of no time.
pub(super) fn put_filestat(memory: &mut Memory<'_>, out: u32, stat: Stat) -> Result<(), Fault> {
    let mut bytes = [0; FILESTAT_BYTES];
    bytes[8..16].copy_from_slice(&stat.ino.to_le_bytes());
    bytes[16] = stat.kind as u8;
    bytes[24..32].copy_from_slice(&1u64.to_le_bytes());
    bytes[32..40].copy_from_slice(&stat.size.to_le_bytes());
    memory.put(out, &bytes)?;
    Ok(())
}

/// Whether times may be set so: no time is asked to be two things.
pub(super) fn check_times(flags: u32) -> Result<(), Errno> {
    let both = |one: u32, other: u32| flags & one != 0 && flags & other != 0;
    let unknown = flags & !(ATIM | ATIM_NOW | MTIM | MTIM_NOW) != 0;
    if unknown || both(ATIM, ATIM_NOW) || both(MTIM, MTIM_NOW) {
        return Err(Errno::Inval);
    }
    Ok(())
}

/// Writes what a preopened directory is.
pub(super) fn prestat(
    memory: &mut Memory<'_>,
    guest: &Guest,
    fd: u32,
    out: u32,
) -> Result<(), Fault> {
    let name = guest.wasi.vfs.preopen(fd)?;
    // It is a directory: the only kind there is, and 0.
    memory.put_u32(out, 0)?;
    let at = out.checked_add(4).ok_or(Errno::Fault)?;
    memory.put_u32(at, u32::try_from(name.len()).unwrap_or(u32::MAX))?;
    Ok(())
}

/// Writes the path of a preopened directory.
pub(super) fn prestat_name(
    memory: &mut Memory<'_>,
    guest: &Guest,
    fd: u32,
    [out, length]: [u32; 2],
) -> Result<(), Fault> {
    let name = guest.wasi.vfs.preopen(fd)?;
    if name.len() > length as usize {
        return Err(Errno::Nametoolong.into());
    }
    memory.put(out, name.as_bytes())?;
    Ok(())
}

/// Writes the entries of a directory, and how many bytes those are.
pub(super) fn read_dir(
    memory: &mut Memory<'_>,
    guest: &mut Guest,
    fd: u32,
    cookie: u64,
    [buffer, length, out]: [u32; 3],
) -> Result<(), Fault> {
    memory.bytes(out, 4)?;
    let used = guest.wasi.vfs.read_dir(fd, cookie, memory.bytes_mut(buffer, length)?)?;
    memory.put_u32(out, u32::try_from(used).unwrap_or(u32::MAX))?;
    Ok(())
}
