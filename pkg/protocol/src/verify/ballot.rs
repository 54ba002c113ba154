//! Counting answers.

use std::collections::BTreeMap;

use gadus_model::verdict::{Decision, Inconclusive};
use gadus_model::{Cid, NodeId, Quorum};

/// The answers to one task, one for each node, over all rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    votes: BTreeMap<NodeId, Cid>,
}

/// Why nothing is decided yet, and how many more equal answers could change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standstill {
    /// Why not.
    pub why: Inconclusive,
    /// Answers that the largest group lacks at least; never 0.
    pub lacking: u32,
}

impl Ballot {
    /// Counts a node's answer. A node has one: another that it gives later changes nothing, and
    /// answers false.
    pub fn vote(&mut self, node: NodeId, manifest: Cid) -> bool {
        *self.votes.entry(node).or_insert(manifest) == manifest
    }

    /// The answers of those alone who are believed.
    #[must_use]
    pub fn among(mut self, believes: &dyn Fn(NodeId) -> bool) -> Self {
        self.votes.retain(|node, _| believes(*node));
        self
    }

    /// How many nodes have answered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.votes.len()
    }

    /// Whether nobody has answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.votes.is_empty()
    }

    /// Answers, and how many nodes gave each, the most first.
    #[must_use]
    pub fn groups(&self) -> Vec<(Cid, u32)> {
        let mut sizes = BTreeMap::<Cid, u32>::new();
        for manifest in self.votes.values() {
            *sizes.entry(*manifest).or_default() += 1;
        }
        let mut groups: Vec<_> = sizes.into_iter().collect();
        groups.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        groups
    }

    /// What the answers come to by themselves: enough of them are equal, and no other group is as
    /// large.
    ///
    /// # Errors
    /// Why they come to nothing.
    pub fn decide(&self, quorum: Quorum) -> Result<Cid, Standstill> {
        let groups = self.groups();
        let Some((largest, size)) = groups.first().copied() else {
            return Err(Standstill { why: Inconclusive::NoAnswer, lacking: quorum.equal.max(1) });
        };
        let rival = groups.get(1).map_or(0, |(_, size)| *size);
        let short = quorum.equal.saturating_sub(size);
        let why = match (self.votes.len(), size == rival, short) {
            (1, _, 1..) => Inconclusive::LoneAnswer,
            (_, true, _) => Inconclusive::Tie,
            (_, false, 1..) => Inconclusive::Short,
            (_, false, 0) => return Ok(largest),
        };
        Err(Standstill { why, lacking: short.max(u32::from(size == rival)) })
    }

    /// What the answers come to beside the referee's, who is believed: it says which of them is
    /// right, if any is.
    #[must_use]
    pub fn refereed(&self, referee: Cid) -> Decision {
        match self.votes.values().any(|manifest| *manifest == referee) {
            true => Decision::Accepted { manifest: referee },
            false => Decision::Rejected { referee },
        }
    }

    /// Nodes whose answer is another than this.
    pub fn against(&self, manifest: Cid) -> impl Iterator<Item = NodeId> + '_ {
        self.votes.iter().filter(move |(_, voted)| **voted != manifest).map(|(node, _)| *node)
    }

    /// Nodes whose answer is this.
    pub fn behind(&self, manifest: Cid) -> impl Iterator<Item = NodeId> + '_ {
        self.votes.iter().filter(move |(_, voted)| **voted == manifest).map(|(node, _)| *node)
    }
}
