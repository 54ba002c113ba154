//! All randomness of a run: one seed, one stream.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same in every release of every
/// library, so that a seed names the same run for ever.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Self { state: seed ^ 0x6761_6475_735f_7369 };
        dice.roll();
        dice
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        match n {
            0 => 0,
            n => self.roll() % n,
        }
    }

    /// A number from `from` up to and including `to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True in so many of a thousand cases.
    pub fn chance(&mut self, permille: u64) -> bool {
        permille > 0 && self.below(1000) < permille
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap_or(0)]
    }

    /// A place in something of this length.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// A number from `from` up to `to` whose logarithm is spread evenly: mostly small ones.
    pub fn skewed(&mut self, from: u64, to: u64) -> u64 {
        let (from, to) = (from.max(1), to.max(1));
        let octaves = u64::from((to / from).max(1).ilog2()) + 1;
        let low = from << self.below(octaves);
        self.between(low.min(to), (low * 2).min(to))
    }
}

/// Scrambles a number.
#[must_use]
pub fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_its_numbers() {
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            [dice.roll(), dice.below(10), dice.between(5, 7), dice.skewed(1, 1000)]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut dice = Dice::new(1);
        for _ in 0..1000 {
            assert!(dice.below(3) < 3);
            assert!((5..=7).contains(&dice.between(5, 7)));
            assert!((10..=900).contains(&dice.skewed(10, 900)));
            assert!(!dice.chance(0) && dice.chance(1000));
        }
    }
}
