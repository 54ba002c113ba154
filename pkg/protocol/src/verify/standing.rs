//! Whom a requester trusts: BOINC's adaptive rule
//! (<https://github.com/BOINC/boinc/wiki/Adaptive-Replication>), kept for each node and engine.
//!
//! Only results of seats that were drawn count: what a node can choose to answer rightly says
//! nothing of what it does otherwise.

use gadus_model::event::SeatEnd;
use serde::{Deserialize, Serialize};

/// So many consecutive valid results make a node trusted.
pub const TRUSTED_AFTER: u32 = 10;

/// What is known of a node under one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Valid drawn results since the last fault.
    pub valid: u32,
    /// Wrong answers, and silence after a closed set.
    pub faults: u32,
    /// Seats that came to no verdict.
    pub inconclusive: u32,
    /// A wrong answer was proven: the node is not used again until the operator says so.
    pub is_banned: bool,
}

impl Standing {
    /// The standing after one more drawn seat.
    #[must_use]
    pub fn after(self, seat: SeatEnd) -> Self {
        match seat {
            SeatEnd::Valid => Self { valid: self.valid.saturating_add(1), ..self },
            SeatEnd::Silent => Self { valid: 0, faults: self.faults.saturating_add(1), ..self },
            SeatEnd::Wrong => {
                Self { valid: 0, faults: self.faults.saturating_add(1), is_banned: true, ..self }
            }
            SeatEnd::Inconclusive => {
                Self { inconclusive: self.inconclusive.saturating_add(1), ..self }
            }
        }
    }

    /// Whether it counts as trusted in a draw.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        !self.is_banned && self.valid >= TRUSTED_AFTER
    }

    /// Whether its next result may go unchecked, where the job leaves that to the requester: with
    /// the chance `1 - 1/valid`. `draw` is a fresh random number.
    #[must_use]
    pub fn may_go_unchecked(&self, draw: u64) -> bool {
        self.is_trusted() && !draw.is_multiple_of(u64::from(self.valid))
    }
}
