//! Enums that are parts of larger things: each variant's own encoding.

use gadus_model::event::SeatEnd;
use gadus_model::message::{Answer, Held};
use gadus_model::{
    AwaitBranch, Class, Completion, Desired, Durability, Engine, ExecutionState, FailureKind,
    Inconclusive, JobState, Network, Operator, Placement, PublisherSpec, Reason, Restart, S3Form,
    S3Target, Stage, Verification, codec,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{QUORUM, cid};
use crate::variants::Variants;

/// One enum's variants.
pub(crate) struct Words {
    /// The enum's name.
    pub(crate) of: &'static str,
    /// Each variant by name, encoded.
    pub(crate) words: Vec<(&'static str, Vec<u8>)>,
    /// The names that must be there.
    pub(crate) all: &'static [&'static str],
    /// Whether bytes are one of them.
    pub(crate) knows: fn(&[u8]) -> bool,
}

fn words<T: Variants + Serialize + DeserializeOwned>(
    of: &'static str,
    values: impl IntoIterator<Item = T>,
) -> Words {
    let word = |value: T| (value.variant(), codec::encode(&value).unwrap());
    let words = values.into_iter().map(word).collect();
    Words { of, words, all: T::ALL, knows: |bytes| codec::decode::<T>(bytes).is_ok() }
}

impl Words {
    /// All enums that are words.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            words("answer", [Answer::Run, Answer::Stop, Answer::Release]),
            words("branch", [AwaitBranch::Ok, AwaitBranch::Error, AwaitBranch::Any]),
            words("class", [Class::Pure, Class::Query, Class::Command]),
            words("completion", [Completion::AllSlots, Completion::Never]),
            words("desired", [Desired::Running, Desired::Stopped]),
            words(
                "durability",
                [Durability::Producer, Durability::Keeper, Durability::Replicas(3)],
            ),
            words("engine", [Engine::Docker, Engine::Wasm]),
            words("execution-state", ExecutionState::ALL),
            words("failure-kind", failure_kinds()),
            words("held", [Held::Running, Held::Proposed, Held::Published, Held::Failed]),
            words("inconclusive", inconclusives()),
            words("job-state", JobState::ALL),
            words("network", [Network::None, Network::Host, Network::Bridge]),
            words("operator", operators()),
            words("placement", [Placement::Ranked { count: 3 }, Placement::EveryMatch]),
            words("publisher", publishers()),
            words("reason", reasons()),
            words("restart", [Restart::Elsewhere, Restart::Never]),
            words("s3-form", [S3Form::Archive, S3Form::Tree]),
            words("seat-end", seat_ends()),
            words("stage", [Stage::Drawn, Stage::Trusted, Stage::Referee]),
            words("verification", verifications()),
        ]
    }
}

fn inconclusives() -> [Inconclusive; 4] {
    use Inconclusive::{LoneAnswer, NoAnswer, Short, Tie};
    [NoAnswer, LoneAnswer, Short, Tie]
}

fn seat_ends() -> [SeatEnd; 4] {
    use SeatEnd::{Inconclusive, Silent, Valid, Wrong};
    [Valid, Silent, Wrong, Inconclusive]
}

fn verifications() -> [Verification; 3] {
    [Verification::Attest, Verification::Spot(25), Verification::Quorum(QUORUM)]
}

fn publishers() -> [PublisherSpec; 3] {
    let target = S3Target {
        bucket: "results".to_owned(),
        key: "{jobID}/{executionID}".to_owned(),
        endpoint: Some("http://127.0.0.1:9000".to_owned()),
        region: Some("eu-west-1".to_owned()),
        form: S3Form::Tree,
    };
    [PublisherSpec::Ipfs, PublisherSpec::Local, PublisherSpec::S3(Box::new(target))]
}

fn operators() -> [Operator; 6] {
    use Operator::{DoesNotExist, Exists, Gt, In, Lt, NotIn};
    [In, NotIn, Exists, DoesNotExist, Gt, Lt]
}

fn failure_kinds() -> Vec<FailureKind> {
    vec![
        FailureKind::MissingBlock(Box::new(cid("block"))),
        FailureKind::ImageMissing,
        FailureKind::ImagePull,
        FailureKind::EngineDown,
        FailureKind::Invalid,
        FailureKind::OutOfMemory,
        FailureKind::Timeout,
        FailureKind::DiskFull,
        FailureKind::OutputLimit,
        FailureKind::OutputUnsafe,
        FailureKind::Interrupted,
        FailureKind::PublishFailed,
        FailureKind::Internal,
    ]
}

fn reasons() -> Vec<Reason> {
    let what = || "memory".to_owned();
    vec![
        Reason::Engine(Engine::Docker),
        Reason::UnknownEngine("vm".to_owned()),
        Reason::TooBig { what: what(), need: 2, have: 1 },
        Reason::Busy { what: what(), need: 2, free: 1 },
        Reason::Constraint("zone=c".to_owned()),
        Reason::NoNetwork,
        Reason::NoPublisher("s3".to_owned()),
        Reason::ImageArch { image: "arm64".to_owned(), node: "amd64".to_owned() },
        Reason::Disconnected,
        Reason::RecentlyRefused,
        Reason::RecentlyFailed,
        Reason::NotAllowed,
        Reason::Draining,
        Reason::TooMany { max: 256 },
        Reason::BidExpired,
        Reason::Stale,
        Reason::Unrevealed("it was silent".to_owned()),
        Reason::Banned,
    ]
}
