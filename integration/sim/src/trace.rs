//! What happened, as a hash to compare two runs and as text for people.

use std::fmt;

use crate::drift::True;
use crate::network::HostNo;

/// The record of a run.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: u64,
    show: bool,
}

impl Trace {
    /// An empty trace; with `show`, lines are printed as they come.
    #[must_use]
    pub fn new(show: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: 0, show }
    }

    /// Notes something. `detail` is worded only when somebody reads it.
    pub fn note(
        &mut self,
        now: True,
        host: HostNo,
        what: &'static str,
        number: u64,
        detail: impl FnOnce() -> String,
    ) {
        self.lines += 1;
        self.mix(now);
        self.mix(host as u64);
        what.bytes().for_each(|b| self.mix(u64::from(b)));
        self.mix(number);
        if self.show {
            print_line(format_args!("{:>12.6} h{host} {what} {}", seconds(now), detail()));
        }
    }

    // FNV-1a, a word at a time.
    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(5);
    }

    /// The hash of all that was noted.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How much was noted.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.lines
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

fn seconds(now: True) -> f64 {
    now as f64 / 1e6
}

#[expect(clippy::print_stdout, reason = "a trace is what was asked for with --trace")]
fn print_line(line: fmt::Arguments<'_>) {
    println!("{line}");
}
