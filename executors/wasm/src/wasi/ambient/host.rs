//! The host's clocks and randomness.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gadus_model::{Failure, FailureKind};
use rand::TryRng;
use rand::rngs::SysRng;

use super::{ClockId, Due};
use crate::kill::{KillSwitch, Killed};
use crate::wasi::abi::Errno;

/// The host, as seen from a guest's start.
pub(in crate::wasi) struct Host {
    start: Instant,
}

impl Host {
    pub(super) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// What a clock shows. A guest's own time counts as if it had a core to itself.
    pub(super) fn now(&self, clock: ClockId) -> u64 {
        let shown = match clock {
            ClockId::Realtime => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            ClockId::Monotonic | ClockId::Cpu => self.start.elapsed(),
        };
        u64::try_from(shown.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn due(&self, clock: ClockId, nanos: u64, is_absolute: bool) -> Result<Due, Errno> {
        match clock {
            ClockId::Cpu => Err(Errno::Notsup),
            ClockId::Realtime | ClockId::Monotonic if is_absolute => {
                Ok(Some(nanos.saturating_sub(self.now(clock))))
            }
            ClockId::Realtime | ClockId::Monotonic => Ok(Some(nanos)),
        }
    }

    pub(super) fn sleep(nanos: Due, kill: &KillSwitch) -> Result<(), Killed> {
        let wake = nanos.and_then(|nanos| Instant::now().checked_add(Duration::from_nanos(nanos)));
        kill.sleep_until(wake)
    }

    pub(super) fn random(buffer: &mut [u8]) -> Result<(), Failure> {
        SysRng.try_fill_bytes(buffer).map_err(|error| {
            Failure::new(FailureKind::Internal, format!("the host has no random numbers: {error}"))
        })
    }
}
