//! Enums by the names of their variants: a variant that no sample shows is seen by the compiler or
//! by the golden files.

use gadus_model::event::{ComputeEvent, Event, JobEvent, SeatEnd, TrustEvent};
use gadus_model::message::{Answer, Held, Message, Proposal};
use gadus_model::{
    AwaitBranch, Class, Code, Completion, Decision, Desired, Durability, Engine, ExecutionState,
    FailureKind, Image, Inconclusive, Input, JobState, Network, Operator, Outcome, Placement,
    PublisherSpec, Reason, Restart, S3Form, Stage, Verification,
};

/// An enum whose variants are listed.
pub(crate) trait Variants {
    /// The names of all variants.
    const ALL: &'static [&'static str];

    /// The name of this one.
    fn variant(&self) -> &'static str;
}

/// Lists the variants of an enum. The match has no wildcard, so one that is missing here does not
/// compile.
macro_rules! variants {
    ($($enum:ident: $($variant:ident)+;)+) => {$(
        impl Variants for $enum {
            const ALL: &'static [&'static str] = &[$(stringify!($variant)),+];

            fn variant(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => stringify!($variant),)+
                }
            }
        }
    )+};
}

variants! {
    Answer: Run Stop Release;
    AwaitBranch: Ok Error Any;
    Class: Pure Query Command;
    Code: Wasm Docker;
    Completion: AllSlots Never;
    ComputeEvent: Granted Finished Sealed Failed Accepted Released Snapshot;
    Decision: Accepted Inconclusive Rejected;
    Desired: Running Stopped;
    Durability: Producer Keeper Replicas;
    Engine: Docker Wasm;
    Event: Job Compute Trust;
    ExecutionState: Awarded Granted Refused Proposed Accepted Published Committed Revealed Faulted
        Rejected Failed Lost Cancelled;
    FailureKind: MissingBlock ImageMissing ImagePull EngineDown Invalid OutOfMemory Timeout DiskFull
        OutputLimit OutputUnsafe Interrupted PublishFailed Internal;
    Held: Running Proposed Published Failed;
    Image: Reference Digest;
    Inconclusive: NoAnswer LoneAnswer Short Tie;
    Input: Cid Await;
    JobEvent: Submitted Announced Queued ImagePinned Placed Awarded Granted Refused Accepted Rejected
        Published Failed Lost Cancelled Drawn Committed Closed Revealed Faulted Escalated Judged
        Deferred Replayed BackedOff Ended Snapshot;
    JobState: Submitted Bidding Queued Running Completed Failed Stopped;
    Message: Ask Bid Decline Filled Award Granted Refused Propose Accept Reject Close Reveal Failed
        Release Stop Stopped Sync SyncReply Keep Kept Published;
    Network: None Host Bridge;
    Operator: In NotIn Exists DoesNotExist Gt Lt;
    Outcome: Exit Trap OutOfFuel;
    Placement: Ranked EveryMatch;
    Proposal: Open Sealed;
    PublisherSpec: Ipfs Local S3;
    S3Form: Archive Tree;
    Reason: Engine UnknownEngine TooBig Busy Constraint NoNetwork NoPublisher ImageArch Disconnected
        RecentlyRefused RecentlyFailed NotAllowed Draining TooMany BidExpired Stale
        Unrevealed Banned;
    Restart: Elsewhere Never;
    SeatEnd: Valid Silent Wrong Inconclusive;
    Stage: Drawn Trusted Referee;
    TrustEvent: Counted Set Snapshot;
    Verification: Attest Spot Quorum;
}
