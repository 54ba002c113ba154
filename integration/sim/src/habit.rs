//! How a node treats the answers to sealed work: most are honest.

use gadus_model::codec::{RAW, cid_of, sha256};
use gadus_model::{Cid, NodeId};

/// What a node does with sealed work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// As the protocol wants it.
    #[default]
    Honest,
    /// It often answers wrongly, each time by itself.
    Liar,
    /// It often answers wrongly, and as all others of its kind do.
    Colluder,
    /// It commits with another's commitment, and repeats the answer that opens that one.
    Copier,
    /// It commits and never shows its answer.
    Mute,
    /// It shows another answer than it committed to.
    Turncoat,
    /// It shows what it once showed for other work.
    Replayer,
    /// It commits, and then says that it has stopped, to be seated again.
    Quitter,
}

/// Of 256 tasks, a liar answers as many wrongly.
const LIES: u8 = 190;

impl Habit {
    /// All bad ones.
    pub const BAD: [Self; 7] = [
        Self::Liar,
        Self::Colluder,
        Self::Copier,
        Self::Mute,
        Self::Turncoat,
        Self::Replayer,
        Self::Quitter,
    ];

    /// The result that its node has of a sealed task: a function of the two, however often it is
    /// run.
    #[must_use]
    pub fn answer(self, node: NodeId, task: &Cid) -> Cid {
        let task_bytes = task.to_bytes();
        match self {
            Self::Liar if lies(&[&task_bytes, &node.0]) => {
                cid_of(RAW, &[b"a lie of", &node.0[..], &task_bytes].concat())
            }
            Self::Colluder if lies(&[&task_bytes]) => {
                cid_of(RAW, &[b"our lie", &task_bytes[..]].concat())
            }
            Self::Honest
            | Self::Liar
            | Self::Colluder
            | Self::Copier
            | Self::Mute
            | Self::Turncoat
            | Self::Replayer
            | Self::Quitter => right_answer(task),
        }
    }
}

fn lies(of: &[&[u8]]) -> bool {
    sha256(of)[0] < LIES
}

/// The result of a sealed task.
#[must_use]
pub fn right_answer(task: &Cid) -> Cid {
    cid_of(RAW, &[b"the answer to", &task.to_bytes()[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liars_differ_from_one_another_and_colluders_do_not() {
        let tasks = (0..100_u8).map(|n| cid_of(RAW, &[n]));
        let (one, other) = (NodeId([1; 32]), NodeId([2; 32]));
        let mut lies = 0;
        for task in tasks {
            let right = right_answer(&task);
            let of = |habit: Habit, node| habit.answer(node, &task);
            let own = of(Habit::Liar, one);
            assert!(own == right || own != of(Habit::Liar, other));
            assert_eq!(of(Habit::Colluder, one), of(Habit::Colluder, other));
            assert_eq!(of(Habit::Copier, one), right);
            lies += u32::from(own != right);
        }
        assert!((50..100).contains(&lies), "often, not always: {lies}");
    }
}
