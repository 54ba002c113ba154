//! Deliberate mistakes, to prove that the simulator finds them.

/// One deliberate mistake. Never set outside the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sabotage {
    /// A compute node grants an award although a newer epoch of the slot was seen.
    GrantStaleEpoch,
    /// A compute node grants without looking at what is reserved.
    Overcommit,
    /// A compute node goes on after its lease ended.
    IgnoreLeaseEnd,
    /// A compute node says that it stopped something that still runs.
    StopWithoutKill,
    /// A compute node forgets an answer as soon as it was sent.
    ForgetProposal,
    /// A compute node releases a result before its requester has said so.
    DropAcceptedResult,
    /// A requester accepts an answer of an old epoch.
    AcceptStaleEpoch,
    /// A requester completes a job whose result nobody confirmed to hold.
    CompleteUnpublished,
    /// A requester names holders that it only asked.
    CountAskedHolders,
    /// A requester does not stop what runs when a job is cancelled.
    CancelInNameOnly,
    /// A requester forgets an epoch, so that the next try has the same one.
    ReuseEpoch,
    /// A requester takes an execution for lost when a Sync older than its grant lacks it.
    LoseOnOldSync,
    /// A requester ends a job a second time.
    EndTwice,
    /// A requester does not repeat an award that was not answered, nor gives it up.
    AwardOnce,
    /// A requester that has just started gives up an unanswered award although its node had no
    /// time to return.
    GiveUpAbsent,
    /// A compute node bids although it heard that the round is filled.
    BidWhenFilled,
    /// A requester never looks at the queue again.
    ForgetQueue,
    /// A requester announces a job before those of its class that wait for longer.
    JumpQueue,
    /// A compute node shows a sealed answer for any set.
    RevealToAny,
    /// A requester closes a set before enough nodes have committed themselves.
    CloseEarly,
    /// A requester takes the first answer that is shown for the right one.
    TrustFirst,
    /// A compute node proposes the answer to sealed work in place of its commitment.
    ProposeOpenly,
    /// A compute node makes a sealed result public before it is accepted.
    PromoteUnjudged,
    /// A requester leaves a commitment out of the set that it closes.
    DropVote,
    /// A requester shows different nodes different sets of one round.
    TwoSets,
    /// A requester seats a node again that has answered already.
    SeatTwice,
    /// A requester does not look at who operates a node, nor at where it is.
    SeatSybils,
    /// A requester seats anybody once answers were shown.
    SeatAnybody,
    /// A requester draws with another secret than the one that it committed to.
    DrawAtWill,
    /// A requester bans those whose answers came to nothing.
    BanInconclusive,
    /// A requester waits for ever for what was committed to.
    WaitForSilent,
    /// A requester runs a job beside an equal one.
    RunBesideEqual,
    /// A requester takes an answer that was checked less than is asked for.
    RecallWeaker,
    /// A requester takes the word of those who were caught lying since.
    RecallLiars,
    /// A shell speaks before what it says is durable.
    SpeakFirst,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::GrantStaleEpoch,
        Self::Overcommit,
        Self::IgnoreLeaseEnd,
        Self::StopWithoutKill,
        Self::ForgetProposal,
        Self::DropAcceptedResult,
        Self::AcceptStaleEpoch,
        Self::CompleteUnpublished,
        Self::CountAskedHolders,
        Self::CancelInNameOnly,
        Self::ReuseEpoch,
        Self::LoseOnOldSync,
        Self::EndTwice,
        Self::AwardOnce,
        Self::GiveUpAbsent,
        Self::BidWhenFilled,
        Self::ForgetQueue,
        Self::JumpQueue,
        Self::RevealToAny,
        Self::CloseEarly,
        Self::TrustFirst,
        Self::ProposeOpenly,
        Self::PromoteUnjudged,
        Self::DropVote,
        Self::TwoSets,
        Self::SeatTwice,
        Self::SeatSybils,
        Self::SeatAnybody,
        Self::DrawAtWill,
        Self::BanInconclusive,
        Self::WaitForSilent,
        Self::RunBesideEqual,
        Self::RecallWeaker,
        Self::RecallLiars,
        Self::SpeakFirst,
    ];
}
