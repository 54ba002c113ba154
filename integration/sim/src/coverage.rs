//! Which faults and crash points a run went through.

use std::collections::BTreeMap;
use std::fmt;

use crate::swarm::{CrashPoint, EVENT_KINDS};

/// The kinds of message that are used, gossip included.
pub const MESSAGE_KINDS: [&str; 23] = [
    "ask",
    "bid",
    "decline",
    "filled",
    "award",
    "granted",
    "refused",
    "propose",
    "accept",
    "reject",
    "close",
    "reveal",
    "failed",
    "release",
    "stop",
    "stopped",
    "sync",
    "sync_reply",
    "published",
    "keep",
    "kept",
    "gossip",
    "gossip_filled",
];

/// What rarely comes about, and what sabotages are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Situation {
    /// A Sync that was sent before a grant arrives after it.
    SyncOvertakenByGrant,
    /// A node returns to a requester that has started again and waits for its answer to an award,
    /// later than an award is usually waited for.
    LateReturnToAward,
    /// An answer of an old epoch arrives while a newer one is waited for.
    AnswerOfOldEpoch,
    /// An award arrives at a node that has heard of a newer epoch of its slot.
    AwardOfOldEpoch,
    /// A node with an offer to make hears that the round is filled.
    FilledBeforeOffer,
    /// A wrong answer was shown, and a verdict names the right one.
    LieOutvoted,
    /// As many colluders as make a quorum had their way.
    LieAccepted,
    /// Answers came to nothing, and trusted nodes are called in.
    TrustedCalledIn,
    /// A referee decides where the answers come to nothing.
    RefereeDecides,
    /// A referee contradicts every answer.
    AllRejected,
    /// A verdict says that nothing can be said.
    NoVerdict,
    /// A result that is only checked now and then is accepted with no check.
    Unchecked,
    /// A bidder got no seat for its operator or its network.
    SybilPassedOver,
    /// A node shows another's answer as what it committed to.
    AnswerRepeated,
    /// A node shows a former answer for other work.
    AnswerReplayed,
    /// A node is shown a set that it must not answer.
    FalseSet,
    /// A node has earned trust by its answers.
    TrustEarned,
    /// A job is answered with what is known.
    AnswerKnown,
    /// A job waits for an equal one.
    EqualAwaited,
    /// What is known was checked too little, or is a word of who was caught since.
    KnownRefused,
}

impl Situation {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::SyncOvertakenByGrant,
        Self::LateReturnToAward,
        Self::AnswerOfOldEpoch,
        Self::AwardOfOldEpoch,
        Self::FilledBeforeOffer,
        Self::LieOutvoted,
        Self::LieAccepted,
        Self::TrustedCalledIn,
        Self::RefereeDecides,
        Self::AllRejected,
        Self::NoVerdict,
        Self::Unchecked,
        Self::SybilPassedOver,
        Self::AnswerRepeated,
        Self::AnswerReplayed,
        Self::FalseSet,
        Self::TrustEarned,
        Self::AnswerKnown,
        Self::EqualAwaited,
        Self::KnownRefused,
    ];
}

/// What can befall a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageFault {
    /// It arrived, as it should.
    Passed,
    /// It never arrived.
    Lost,
    /// It arrived twice.
    Doubled,
    /// It was held back, and could be overtaken.
    Delayed,
}

impl MessageFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Passed, Self::Lost, Self::Doubled, Self::Delayed];
}

/// Counts of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    messages: BTreeMap<(&'static str, MessageFault), u64>,
    crashes: BTreeMap<(&'static str, CrashPoint), u64>,
    events: BTreeMap<&'static str, u64>,
    situations: BTreeMap<Situation, u64>,
    /// Jobs by how they ended.
    pub ends: BTreeMap<&'static str, u64>,
}

impl Coverage {
    /// A message met a fate.
    pub fn message(&mut self, kind: &'static str, fault: MessageFault) {
        *self.messages.entry((kind, fault)).or_default() += 1;
    }

    /// A process ended at a point of a step with this event.
    pub fn crash(&mut self, kind: &'static str, point: CrashPoint) {
        *self.crashes.entry((kind, point)).or_default() += 1;
    }

    /// An event was decided.
    pub fn event(&mut self, kind: &'static str) {
        *self.events.entry(kind).or_default() += 1;
    }

    /// Something rare came about.
    pub fn situation(&mut self, what: Situation) {
        *self.situations.entry(what).or_default() += 1;
    }

    /// How often an event was decided.
    #[must_use]
    pub fn events(&self, kind: &'static str) -> u64 {
        self.events.get(kind).copied().unwrap_or(0)
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.messages, &other.messages);
        add(&mut self.crashes, &other.crashes);
        add(&mut self.events, &other.events);
        add(&mut self.situations, &other.situations);
        add(&mut self.ends, &other.ends);
    }

    /// Everything that should have come up and has not.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for kind in MESSAGE_KINDS {
            for fault in MessageFault::ALL {
                if !self.messages.contains_key(&(kind, fault)) {
                    missing.push(format!("no {kind} was {fault:?}"));
                }
            }
        }
        for kind in EVENT_KINDS {
            for point in CrashPoint::ALL {
                if !self.crashes.contains_key(&(kind, point)) {
                    missing.push(format!("no crash {point:?} of {kind}"));
                }
            }
        }
        let situations = Situation::ALL.into_iter();
        let never = situations.filter(|what| !self.situations.contains_key(what));
        missing.extend(never.map(|what| format!("never {what:?}")));
        missing
    }
}

fn add<K: Copy + Ord>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, n) in from {
        *into.entry(*key).or_default() += n;
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<18}{:>10}{:>9}{:>9}{:>9}",
            "message", "passed", "lost", "doubled", "delayed"
        )?;
        for kind in MESSAGE_KINDS {
            let n = |fault| self.messages.get(&(kind, fault)).copied().unwrap_or(0);
            let [passed, lost, doubled, delayed] = MessageFault::ALL.map(n);
            writeln!(f, "{kind:<18}{passed:>10}{lost:>9}{doubled:>9}{delayed:>9}")?;
        }
        writeln!(
            f,
            "\n{:<18}{:>10}{:>16}{:>16}{:>16}",
            "event", "seen", "crash before", "after persist", "after send"
        )?;
        for kind in EVENT_KINDS {
            let n = |point| self.crashes.get(&(kind, point)).copied().unwrap_or(0);
            let [before, persisted, sent] = CrashPoint::ALL.map(n);
            let seen = self.events(kind);
            writeln!(f, "{kind:<18}{seen:>10}{before:>16}{persisted:>16}{sent:>16}")?;
        }
        writeln!(f)?;
        for what in Situation::ALL {
            let n = self.situations.get(&what).copied().unwrap_or(0);
            writeln!(f, "{:<22}{n:>6}", format!("{what:?}"))?;
        }
        let ends = self.ends.iter().map(|(end, n)| format!("{end} {n}"));
        write!(f, "\njobs: {}", ends.collect::<Vec<_>>().join(", "))
    }
}
