//! The states of jobs and executions, and which may follow which.
//!
//! ```text
//!  job:        Submitted ─► Bidding ─► Running ─► Completed
//!                 ▲           ▲  │         │          (Submitted ─► Completed: it was known)
//!               Queued ◄──────┼──┴─ no bid ┤               any live state ─► Stopped (cancel)
//!                             └─ backoff ──┘ lost, failed  attempts or time used up ─► Failed
//!
//!  execution:  Awarded ─► Granted ─► Proposed ─► Accepted ─► Published
//!                 │          │           │           └ publish deadline: a new epoch
//!                 └ Refused  └ Failed    └ Rejected        (any live state ─► Lost, Cancelled)
//!
//!  sealed:     Granted ─► Committed ─► Revealed ─► (verdict) Accepted ─► Published
//!                             └ Faulted    └ Rejected
//! ```

use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Durable, not announced yet.
    Submitted,
    /// Announced; bids are being gathered or an award is unanswered.
    Bidding,
    /// Nothing fits now.
    Queued,
    /// Some execution was granted.
    Running,
    /// Every slot is published.
    Completed,
    /// Attempts or time are used up, or nothing can ever take it.
    Failed,
    /// Cancelled by its owner.
    Stopped,
}

impl JobState {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::Bidding,
        Self::Queued,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Stopped,
    ];

    /// Whether it is over. A version of a job ends exactly once.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Stopped)
    }

    /// Whether `next` may follow this state.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use JobState::{Bidding, Completed, Failed, Queued, Running, Stopped, Submitted};
        match self {
            // Completed at once: its answer was known.
            Submitted => matches!(next, Bidding | Queued | Completed | Failed | Stopped),
            Bidding => matches!(next, Running | Queued | Failed | Stopped | Completed),
            Queued => matches!(next, Bidding | Failed | Stopped),
            Running => matches!(next, Bidding | Queued | Completed | Failed | Stopped),
            Completed | Failed | Stopped => false,
        }
    }

    /// Bacalhau's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted | Self::Bidding => "Pending",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }
}

/// Where one execution stands, as the requester sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionState {
    /// The award is durable; the node has not answered.
    Awarded,
    /// The node reserved for it and runs it.
    Granted,
    /// The node would not have it after all; costs no attempt.
    Refused,
    /// An answer is in.
    Proposed,
    /// The answer counts; it is being published.
    Accepted,
    /// A named holder has every block.
    Published,
    /// Sealed work: an answer is in, and nobody has seen it.
    Committed,
    /// Sealed work: the answer was shown, and waits for the verdict.
    Revealed,
    /// Sealed work: what was committed to was not revealed.
    Faulted,
    /// The answer does not count.
    Rejected,
    /// An environmental failure.
    Failed,
    /// Its lease ended.
    Lost,
    /// Stopped on request.
    Cancelled,
}

impl ExecutionState {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Awarded,
        Self::Granted,
        Self::Refused,
        Self::Proposed,
        Self::Accepted,
        Self::Published,
        Self::Committed,
        Self::Revealed,
        Self::Faulted,
        Self::Rejected,
        Self::Failed,
        Self::Lost,
        Self::Cancelled,
    ];

    /// Whether it is over.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        use ExecutionState::{Cancelled, Failed, Faulted, Lost, Published, Refused, Rejected};
        matches!(self, Refused | Published | Faulted | Rejected | Failed | Lost | Cancelled)
    }

    /// Whether `next` may follow this state.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ExecutionState::{
            Accepted, Awarded, Cancelled, Committed, Failed, Faulted, Granted, Lost, Proposed,
            Published, Refused, Rejected, Revealed,
        };
        match self {
            // A node's answers overtake one another, so a grant may never be seen.
            Awarded => matches!(
                next,
                Granted
                    | Refused
                    | Proposed
                    | Committed
                    | Accepted
                    | Rejected
                    | Failed
                    | Lost
                    | Cancelled
            ),
            Granted => matches!(
                next,
                Proposed | Committed | Accepted | Rejected | Failed | Lost | Cancelled
            ),
            // Its node owes nothing but the answer, so it is lost by silence alone: a fault.
            Committed => matches!(next, Revealed | Faulted | Rejected | Lost | Cancelled),
            Revealed => matches!(next, Accepted | Rejected | Lost | Cancelled),
            Proposed => matches!(next, Accepted | Rejected | Failed | Lost | Cancelled),
            Accepted => matches!(next, Published | Failed | Lost | Cancelled),
            Refused | Published | Faulted | Rejected | Failed | Lost | Cancelled => false,
        }
    }

    /// Bacalhau's number for it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Awarded
            | Self::Granted
            | Self::Proposed
            | Self::Committed
            | Self::Revealed
            | Self::Accepted => 5,
            Self::Refused => 4,
            Self::Rejected => 8,
            Self::Published => 9,
            Self::Failed | Self::Lost | Self::Faulted => 10,
            Self::Cancelled => 11,
        }
    }
}

/// What the requester wants of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// It should run.
    Running,
    /// It should not, or no longer.
    Stopped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_an_end() {
        for (a, b) in JobState::ALL.into_iter().flat_map(|a| JobState::ALL.map(|b| (a, b))) {
            assert!(!(a.is_terminal() && a.may_become(b)), "{a:?} -> {b:?}");
        }
        let all = ExecutionState::ALL;
        for (a, b) in all.into_iter().flat_map(|a| all.map(|b| (a, b))) {
            assert!(!(a.is_terminal() && a.may_become(b)), "{a:?} -> {b:?}");
        }
    }

    #[test]
    fn every_live_state_can_end() {
        for s in JobState::ALL.into_iter().filter(|s| !s.is_terminal()) {
            assert!(s.may_become(JobState::Stopped) && s.may_become(JobState::Failed));
        }
        for s in ExecutionState::ALL.into_iter().filter(|s| !s.is_terminal()) {
            assert!(s.may_become(ExecutionState::Lost) && s.may_become(ExecutionState::Cancelled));
        }
    }
}
