//! Who is to run sealed work: drawn, so that nobody can place himself beside a friend.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::verdict::{Candidate, DrawRecord};
use gadus_model::{CodecError, NodeId, codec};

/// Who was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// In the order of the draw.
    pub nodes: Vec<NodeId>,
    /// Whether one of them is trusted.
    pub has_trusted: bool,
}

/// What an announcement says of the secret of a later draw.
#[must_use]
pub fn draw_commitment(secret: &[u8; 32]) -> [u8; 32] {
    codec::sha256(&[b"gadus/draw/1", &[0], secret])
}

/// Draws so many seats from those who bid in time: by a seed that mixes the secret, which the
/// requester had to fix before it saw the bids, with the bids, which the bidders had to make before
/// they saw the secret. Nobody alone knows who will be drawn.
///
/// No operator and no address prefix has two seats, those in `taken` included. Where a trusted
/// node could be among them and none is drawn, the last seat is the first trusted one's.
///
/// # Errors
/// Never in practice: candidates always encode.
pub fn draw(
    secret: &[u8; 32],
    candidates: &[Candidate],
    taken: &[Candidate],
    seats: usize,
) -> Result<Drawn, CodecError> {
    let order = in_order(secret, candidates)?;
    let mut drawn = Rules::with(taken).fill(&order, seats);
    if !drawn.iter().any(|candidate| candidate.is_trusted)
        && !taken.iter().any(|candidate| candidate.is_trusted)
    {
        drawn = with_a_trusted_one(&order, taken, seats).unwrap_or(drawn);
    }
    Ok(Drawn {
        has_trusted: drawn.iter().any(|candidate| candidate.is_trusted),
        nodes: drawn.into_iter().map(|candidate| candidate.node).collect(),
    })
}

/// Whether a draw was made by these rules.
///
/// # Errors
/// Never in practice: candidates always encode.
pub fn is_fair(record: &DrawRecord) -> Result<bool, CodecError> {
    let is_sorted = record.candidates.is_sorted_by(|a, b| a.node < b.node);
    let seats = record.drawn.len();
    let drawn = draw(&record.secret, &record.candidates, &record.taken, seats)?;
    Ok(is_sorted && drawn.nodes == record.drawn)
}

/// The candidates in an order that nobody could choose: one for each node.
fn in_order<'a>(
    secret: &[u8; 32],
    candidates: &'a [Candidate],
) -> Result<Vec<&'a Candidate>, CodecError> {
    let by_node: BTreeMap<NodeId, &Candidate> =
        candidates.iter().map(|candidate| (candidate.node, candidate)).collect();
    let bids: Vec<&Candidate> = by_node.into_values().collect();
    let seed = codec::sha256(&[b"gadus/draw-seed/1", &[0], secret, &codec::encode(&bids)?]);
    let mut order = bids;
    order.sort_by_cached_key(|candidate| codec::sha256(&[&seed, &candidate.node.0]));
    Ok(order)
}

/// One seat each for an operator and a prefix.
#[derive(Default)]
struct Rules<'a> {
    nodes: BTreeSet<NodeId>,
    operators: BTreeSet<NodeId>,
    prefixes: BTreeSet<&'a str>,
}

impl<'a> Rules<'a> {
    fn with(taken: &'a [Candidate]) -> Self {
        let mut rules = Self::default();
        for candidate in taken {
            rules.take(candidate);
        }
        rules
    }

    fn allow(&self, candidate: &Candidate) -> bool {
        !self.nodes.contains(&candidate.node)
            && !self.operators.contains(&candidate.operator)
            && candidate.prefix.as_ref().is_none_or(|it| !self.prefixes.contains(it.as_str()))
    }

    fn take(&mut self, candidate: &'a Candidate) {
        self.nodes.insert(candidate.node);
        self.operators.insert(candidate.operator);
        self.prefixes.extend(candidate.prefix.as_deref());
    }

    fn fill(mut self, order: &[&'a Candidate], seats: usize) -> Vec<&'a Candidate> {
        let mut drawn = Vec::new();
        for candidate in order {
            if drawn.len() == seats {
                break;
            }
            if self.allow(candidate) {
                self.take(candidate);
                drawn.push(*candidate);
            }
        }
        drawn
    }
}

/// The first trusted candidate that may have a seat, and the others before it.
fn with_a_trusted_one<'a>(
    order: &[&'a Candidate],
    taken: &'a [Candidate],
    seats: usize,
) -> Option<Vec<&'a Candidate>> {
    let mut rules = Rules::with(taken);
    let trusted = *order.iter().find(|one| one.is_trusted && rules.allow(one))?;
    let others = seats.checked_sub(1)?;
    rules.take(trusted);
    let mut drawn = rules.fill(order, others);
    drawn.push(trusted);
    Some(drawn)
}
