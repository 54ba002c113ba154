//! Clocks and random numbers: the one thing besides files that a guest takes from around it. Each
//! profile has its own; the deterministic one holds nothing of the host's.

mod host;
mod virtual_time;

use self::host::Host;
use self::virtual_time::Virtual;
use super::STEP_BYTES;
use super::abi::Errno;
use crate::kill::{KillSwitch, Killed};
use crate::vfs::Fault;

/// What a guest has around it.
pub(super) enum Ambient {
    /// Of `det/1`: time passes by being looked at, and randomness comes from the task.
    Virtual(Box<Virtual>),
    /// Of `wasi/1`: the host's.
    Host(Host),
}

/// The clocks of WASI preview 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClockId {
    Realtime,
    Monotonic,
    /// Of the process, or of its one thread.
    Cpu,
}

impl ClockId {
    /// Reads a clock's number.
    ///
    /// # Errors
    /// `EINVAL`.
    pub(super) fn of(id: u32) -> Result<Self, Errno> {
        match id {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            2 | 3 => Ok(Self::Cpu),
            _ => Err(Errno::Inval),
        }
    }
}

/// When a clock that is waited for is due, in nanoseconds from now; `None` is never.
pub(super) type Due = Option<u64>;

impl Ambient {
    pub(super) fn deterministic(seed: [u8; 32]) -> Self {
        Self::Virtual(Box::new(Virtual::new(seed)))
    }

    pub(super) fn of_the_host() -> Self {
        Self::Host(Host::new())
    }

    /// What a clock shows, in nanoseconds.
    pub(super) fn now(&mut self, clock: ClockId) -> u64 {
        match self {
            Self::Virtual(time) => time.look(),
            Self::Host(host) => host.now(clock),
        }
    }

    /// When a clock shows a time, counted from now, or from the clock's own beginning.
    ///
    /// # Errors
    /// `ENOTSUP` for a clock that nobody can wait for.
    pub(super) fn due(&self, clock: ClockId, nanos: u64, is_absolute: bool) -> Result<Due, Errno> {
        match self {
            Self::Virtual(time) => Ok(Some(time.due(nanos, is_absolute))),
            Self::Host(host) => host.due(clock, nanos, is_absolute),
        }
    }

    /// Sleeps for some nanoseconds, for ever when there are none.
    ///
    /// # Errors
    /// Why the guest is to end.
    pub(super) fn sleep(&mut self, nanos: Due, kill: &KillSwitch) -> Result<(), Killed> {
        match self {
            Self::Virtual(time) => {
                time.pass(nanos.unwrap_or(u64::MAX));
                Ok(())
            }
            Self::Host(_) => Host::sleep(nanos, kill),
        }
    }

    /// Fills a buffer with random bytes.
    ///
    /// # Errors
    /// `Broken` when the host has none; [`Killed`] when the guest is to end before.
    pub(super) fn random(&mut self, buffer: &mut [u8], kill: &KillSwitch) -> Result<(), Fault> {
        // Steps of whole words: the same bytes as in one.
        for step in buffer.chunks_mut(STEP_BYTES) {
            kill.check()?;
            match self {
                Self::Virtual(time) => time.random(step),
                Self::Host(_) => Host::random(step)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_in_steps_are_the_same_bytes() {
        let kill = KillSwitch::default();
        let (mut steps, mut whole) = (vec![0; 3 * STEP_BYTES + 5], vec![0; 3 * STEP_BYTES + 5]);
        let mut ambient = Ambient::deterministic([3; 32]);
        ambient.random(&mut steps, &kill).unwrap();
        Virtual::new([3; 32]).random(&mut whole);
        assert!(steps == whole);
    }

    #[test]
    fn no_more_random_bytes_are_made_for_who_is_to_end() {
        let kill = KillSwitch::default();
        kill.stop();
        for mut ambient in [Ambient::deterministic([3; 32]), Ambient::of_the_host()] {
            let mut buffer = [0; 99];
            let ended = ambient.random(&mut buffer, &kill);
            assert!(matches!(ended, Err(Fault::Killed(Killed::Stop))), "{ended:?}");
            assert_eq!(buffer, [0; 99]);
        }
    }
}
