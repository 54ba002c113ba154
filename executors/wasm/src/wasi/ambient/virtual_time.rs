//! Time and randomness that are the same in every run of a task.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What passes each time that a clock is looked at: a guest that waits for a time by looking gets
/// there.
const LOOK_NANOS: u64 = 1_000;

/// One clock for all clocks, which begins at 0, and one stream of random bytes.
pub(in crate::wasi) struct Virtual {
    nanos: u64,
    random: ChaCha20Rng,
}

impl Virtual {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { nanos: 0, random: ChaCha20Rng::from_seed(seed) }
    }

    /// What the clocks show; it is later afterwards.
    pub(super) fn look(&mut self) -> u64 {
        let now = self.nanos;
        self.pass(LOOK_NANOS);
        now
    }

    /// Nanoseconds until a time.
    pub(super) fn due(&self, nanos: u64, is_absolute: bool) -> u64 {
        if is_absolute { nanos.saturating_sub(self.nanos) } else { nanos }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, nanos: u64) {
        self.nanos = self.nanos.saturating_add(nanos);
    }

    pub(super) fn random(&mut self, buffer: &mut [u8]) {
        self.random.fill_bytes(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_and_sleeping_make_time_pass() {
        let mut time = Virtual::new([0; 32]);
        assert_eq!((time.look(), time.look()), (0, LOOK_NANOS));
        assert_eq!(time.due(5, false), 5);
        assert_eq!(time.due(5_000, true), 3_000);
        assert_eq!(time.due(5, true), 0);
        time.pass(u64::MAX);
        assert_eq!((time.look(), time.look()), (u64::MAX, u64::MAX));
    }

    #[test]
    fn the_seed_decides_what_is_random() {
        let draw = |seed| {
            let mut bytes = [0; 40];
            Virtual::new([seed; 32]).random(&mut bytes);
            bytes
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        // Known from the cipher: its first bytes under a key of zeros.
        assert_eq!(draw(0)[..8], [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
    }
}
