//! Where sealed work stands: who was drawn, what they committed to and revealed, and what it came
//! to. All that anyone needs to come to the verdict again.

use serde::{Deserialize, Serialize};

use crate::verdict::{CloseBody, DrawRecord, Reveal, VerdictBody};
use crate::{Execution, Receipt, Signed};

/// One partition of a job whose result is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Which.
    pub partition: u32,
    /// Who may have its open seats.
    pub stage: Stage,
    /// Seats there are.
    pub seats: u32,
    /// Seats below this are not filled again: a set was closed, or somebody else was called in.
    pub shut: u32,
    /// Seats from here on are a referee's.
    pub referee_from: Option<u32>,
    /// How seats were drawn, oldest first.
    pub draws: Vec<DrawRecord>,
    /// The closed sets, in the order of their rounds.
    pub closes: Vec<Signed<CloseBody>>,
    /// What was revealed, in the order in which it came; the referee's answer is not among it.
    pub reveals: Vec<Reveal>,
    /// The answer of who is believed without a quorum.
    pub referee: Option<Receipt>,
    /// What it came to.
    pub verdict: Option<Signed<VerdictBody>>,
}

/// Who may have the open seats of sealed work. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Whoever is drawn.
    Drawn,
    /// Trusted nodes alone: somebody may have seen the answers of others.
    Trusted,
    /// Somebody whose answer decides.
    Referee,
}

impl Sealed {
    /// A partition that asks for so many seats.
    #[must_use]
    pub fn new(partition: u32, seats: u32) -> Self {
        Self {
            partition,
            stage: Stage::Drawn,
            seats,
            shut: 0,
            referee_from: None,
            draws: Vec::new(),
            closes: Vec::new(),
            reveals: Vec::new(),
            referee: None,
            verdict: None,
        }
    }

    /// The number of the next closed set; from 1.
    #[must_use]
    pub fn next_round(&self) -> u32 {
        u32::try_from(self.closes.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The last closed set that holds an execution's commitment.
    #[must_use]
    pub fn close_of(&self, execution: &Execution) -> Option<&Signed<CloseBody>> {
        let holds = |close: &&Signed<CloseBody>| {
            close.body.set.iter().any(|one| one.execution == *execution)
        };
        self.closes.iter().rev().find(holds)
    }
}

impl Stage {
    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drawn => "drawn nodes",
            Self::Trusted => "trusted nodes",
            Self::Referee => "a referee",
        }
    }
}
