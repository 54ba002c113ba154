//! `poll_oneoff`, the call that sleeps. Ours, because a sleep must end when the guest is stopped.
//!
//! Layouts are those of WASI preview 1:
//! <https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md#-subscription-record>.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::{Caller, Extern};

use crate::guest::Guest;

const ERRNO_SUCCESS: i32 = 0;
const ERRNO_FAULT: i32 = 21;
const ERRNO_INVAL: i32 = 28;
const ERRNO_NOTSUP: i32 = 58;

const SUBSCRIPTION_BYTES: usize = 48;
const EVENT_BYTES: usize = 32;

const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;
const TYPE_CLOCK: u8 = 0;
const TYPE_FD_WRITE: u8 = 2;
const ABSOLUTE: u16 = 1;

/// What one subscription waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// A file or a standard stream: those never make anyone wait.
    Ready,
    /// A clock, until an instant; `None` is never.
    Until(Option<Instant>),
    /// A clock that does not exist.
    NoSuchClock,
}

/// Waits until the first subscription is due, and reports all that are. Takes pointers to
/// `n` subscriptions, to room for `n` events, and to where their number goes; returns an errno.
///
/// # Errors
/// [`crate::kill::Killed`] when the guest is to end.
pub(super) fn poll_oneoff(
    mut caller: Caller<'_, Guest>,
    subscriptions: u32,
    events: u32,
    n: u32,
    written: u32,
) -> wasmtime::Result<i32> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Ok(ERRNO_FAULT);
    };
    let (subscriptions, events) = (subscriptions as usize, events as usize);
    let (n, written) = (n as usize, written as usize);
    if n == 0 {
        return Ok(ERRNO_INVAL);
    }
    let now = Instant::now();
    let mut earliest = Wait::Until(None);
    for index in 0..n {
        let (data, guest) = memory.data_and_store_mut(&mut caller);
        let Some(subscription) = slot::<SUBSCRIPTION_BYTES>(data, subscriptions, index) else {
            return Ok(ERRNO_FAULT);
        };
        earliest = sooner(earliest, wait_of(subscription, now, guest));
    }
    if let Wait::Until(wake) = earliest {
        let guest = caller.data();
        guest.kill.sleep_until(wake, guest.deadline).map_err(wasmtime::Error::new)?;
    }
    let after = Instant::now();
    let mut due = 0usize;
    for index in 0..n {
        let (data, guest) = memory.data_and_store_mut(&mut caller);
        let Some(&subscription) = slot::<SUBSCRIPTION_BYTES>(data, subscriptions, index) else {
            return Ok(ERRNO_FAULT);
        };
        // Relative times count from when the guest asked.
        let errno = match wait_of(&subscription, now, guest) {
            Wait::Until(wake) if wake.is_none_or(|wake| wake > after) => continue,
            Wait::Until(_) | Wait::Ready => ERRNO_SUCCESS,
            Wait::NoSuchClock => ERRNO_NOTSUP,
        };
        let event = event_for(&subscription, errno);
        let Some(room) = slot_mut::<EVENT_BYTES>(data, events, due) else {
            return Ok(ERRNO_FAULT);
        };
        *room = event;
        due += 1;
    }
    let data = memory.data_mut(&mut caller);
    let Some(room) = slot_mut::<4>(data, written, 0) else { return Ok(ERRNO_FAULT) };
    *room = u32::try_from(due).unwrap_or(u32::MAX).to_le_bytes();
    Ok(ERRNO_SUCCESS)
}

fn wait_of(subscription: &[u8; SUBSCRIPTION_BYTES], now: Instant, guest: &Guest) -> Wait {
    if subscription[8] != TYPE_CLOCK {
        return Wait::Ready;
    }
    let clock = u32::from_le_bytes(field(subscription, 16));
    let nanos = u64::from_le_bytes(field(subscription, 24));
    let absolute = u16::from_le_bytes(field(subscription, 40)) & ABSOLUTE != 0;
    let time = Duration::from_nanos(nanos);
    match (clock, absolute) {
        (CLOCK_REALTIME | CLOCK_MONOTONIC, false) => Wait::Until(now.checked_add(time)),
        (CLOCK_MONOTONIC, true) => Wait::Until(guest.wasi.instant_at(nanos)),
        (CLOCK_REALTIME, true) => {
            let left = (UNIX_EPOCH + time).duration_since(SystemTime::now()).unwrap_or_default();
            Wait::Until(now.checked_add(left))
        }
        _ => Wait::NoSuchClock,
    }
}

fn sooner(one: Wait, other: Wait) -> Wait {
    match (one, other) {
        (Wait::Until(Some(a)), Wait::Until(Some(b))) => Wait::Until(Some(a.min(b))),
        (Wait::Until(None), other) => other,
        (one, Wait::Until(_)) => one,
        (_, other) => other,
    }
}

fn event_for(subscription: &[u8; SUBSCRIPTION_BYTES], errno: i32) -> [u8; EVENT_BYTES] {
    let mut event = [0; EVENT_BYTES];
    event[..8].copy_from_slice(&subscription[..8]);
    event[8] = u8::try_from(errno).unwrap_or(u8::MAX);
    event[10] = subscription[8].min(TYPE_FD_WRITE);
    if subscription[8] != TYPE_CLOCK {
        event[16] = 1;
    }
    event
}

fn field<const N: usize>(bytes: &[u8; SUBSCRIPTION_BYTES], at: usize) -> [u8; N] {
    std::array::from_fn(|n| bytes[at + n])
}

fn slot<const N: usize>(data: &[u8], base: usize, index: usize) -> Option<&[u8; N]> {
    data.get(base.checked_add(index.checked_mul(N)?)?..)?.first_chunk()
}

fn slot_mut<const N: usize>(data: &mut [u8], base: usize, index: usize) -> Option<&mut [u8; N]> {
    data.get_mut(base.checked_add(index.checked_mul(N)?)?..)?.first_chunk_mut()
}
