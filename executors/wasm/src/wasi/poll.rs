//! `poll_oneoff`, the call that sleeps.
//!
//! Layouts are those of WASI preview 1:
//! <https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md#-subscription-record>.

use super::abi::Errno;
use super::ambient::{Ambient, ClockId, Due};
use super::memory::Memory;
use crate::guest::Guest;
use crate::vfs::Fault;

/// Subscriptions of one call.
const SUBSCRIPTIONS_MAX: u32 = 4096;

const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;

const TYPE_CLOCK: u8 = 0;
const TYPE_FD_WRITE: u8 = 2;
const ABSOLUTE: u16 = 1;

/// What one subscription waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// Nothing: a file or a standard stream never makes anyone wait, and what is wrong is told.
    Ready(Result<(), Errno>),
    /// A clock, for some nanoseconds.
    For(Due),
}

impl Wait {
    fn nanos(&self) -> Due {
        match self {
            Self::Ready(_) => None,
            Self::For(nanos) => *nanos,
        }
    }
}

type Subscription = [u8; SUBSCRIPTION_BYTES as usize];

/// Waits until the first subscription is due, and reports all that are. Takes pointers to
/// `n` subscriptions, to room for `n` events, and to where their number goes.
///
/// # Errors
/// `EINVAL` for none, `EFAULT`; [`crate::kill::Killed`] when the guest is to end.
pub(super) fn poll_oneoff(
    memory: &mut Memory<'_>,
    guest: &mut Guest,
    [subscriptions, events, n, written]: [u32; 4],
) -> Result<(), Fault> {
    if n == 0 {
        return Err(Errno::Inval.into());
    }
    let length = n.checked_mul(SUBSCRIPTION_BYTES).ok_or(Errno::Fault)?;
    memory.bytes(subscriptions, length)?;
    memory.bytes(events, n.checked_mul(EVENT_BYTES).ok_or(Errno::Fault)?)?;
    memory.bytes(written, 4)?;
    if n > SUBSCRIPTIONS_MAX {
        return Err(Errno::Inval.into());
    }
    let mut waits = Vec::with_capacity(n as usize);
    for index in 0..n {
        waits.push(wait_of(&subscription(memory, subscriptions, index)?, guest));
    }
    let is_ready = waits.iter().any(|wait| matches!(wait, Wait::Ready(_)));
    let slept = if is_ready { Some(0) } else { waits.iter().filter_map(Wait::nanos).min() };
    if !is_ready {
        guest.wasi.ambient.sleep(slept, &guest.kill)?;
    }
    let mut due = 0;
    for (index, wait) in (0..n).zip(waits) {
        let outcome = match wait {
            Wait::Ready(outcome) => outcome,
            Wait::For(nanos) if nanos.is_some() && nanos <= slept => Ok(()),
            Wait::For(_) => continue,
        };
        let event = event_for(&subscription(memory, subscriptions, index)?, outcome);
        memory.put(events + due * EVENT_BYTES, &event)?;
        due += 1;
    }
    memory.put_u32(written, due)?;
    Ok(())
}

fn subscription(memory: &Memory<'_>, at: u32, index: u32) -> Result<Subscription, Errno> {
    // Where the last one ends was found to be in the memory.
    let bytes = memory.bytes(at + index * SUBSCRIPTION_BYTES, SUBSCRIPTION_BYTES)?;
    bytes.try_into().map_err(|_| Errno::Fault)
}

fn wait_of(subscription: &Subscription, guest: &Guest) -> Wait {
    if subscription[8] != TYPE_CLOCK {
        let fd = u32::from_le_bytes(field(subscription, 16));
        let is_open = guest.wasi.vfs.is_open(fd);
        return Wait::Ready(if is_open { Ok(()) } else { Err(Errno::Badf) });
    }
    let clock = ClockId::of(u32::from_le_bytes(field(subscription, 16)));
    let nanos = u64::from_le_bytes(field(subscription, 24));
    let ambient: &Ambient = &guest.wasi.ambient;
    match clock.map(|clock| ambient.due(clock, nanos, is_absolute(subscription))) {
        Ok(Ok(due)) => Wait::For(due),
        Ok(Err(errno)) => Wait::Ready(Err(errno)),
        Err(_) => Wait::Ready(Err(Errno::Notsup)),
    }
}

fn is_absolute(subscription: &Subscription) -> bool {
    u16::from_le_bytes(field(subscription, 40)) & ABSOLUTE != 0
}

fn event_for(
    subscription: &Subscription,
    outcome: Result<(), Errno>,
) -> [u8; EVENT_BYTES as usize] {
    let mut event = [0; EVENT_BYTES as usize];
    event[..8].copy_from_slice(&subscription[..8]);
    let errno = outcome.err().map_or(0, Errno::code);
    event[8..10].copy_from_slice(&errno.to_le_bytes());
    event[10] = subscription[8].min(TYPE_FD_WRITE);
    if subscription[8] != TYPE_CLOCK && outcome.is_ok() {
        event[16] = 1;
    }
    event
}

fn field<const N: usize>(bytes: &Subscription, at: usize) -> [u8; N] {
    std::array::from_fn(|n| bytes[at + n])
}
