//! How many could sit together.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::NodeId;
use gadus_model::verdict::Candidate;

/// Where a node is: its network, or its own self where it has none.
type Place<'a> = Result<&'a str, NodeId>;

/// Whether some draw could seat so many of these beside those in `taken`: with no operator and no
/// network twice. Where not, waiting for a better draw is in vain.
#[must_use]
pub fn could_seat(candidates: &[Candidate], taken: &[Candidate], seats: usize) -> bool {
    let meets = |one: &Candidate, other: &Candidate| {
        one.operator == other.operator || (one.prefix.is_some() && one.prefix == other.prefix)
    };
    let mut places = BTreeMap::<NodeId, BTreeSet<Place<'_>>>::new();
    for candidate in candidates.iter().filter(|one| !taken.iter().any(|other| meets(one, other))) {
        let place = candidate.prefix.as_deref().ok_or(candidate.node);
        places.entry(candidate.operator).or_default().insert(place);
    }
    let mut taken = BTreeMap::new();
    let mut seated = 0;
    for operator in places.keys() {
        if seated == seats {
            break;
        }
        seated += usize::from(finds_place(*operator, &places, &mut taken, &mut BTreeSet::new()));
    }
    seated >= seats
}

/// Finds a place for one more operator, by moving others where that helps (Kuhn's algorithm).
/// Never deeper than the seats that are wanted, since each step moves one who has a place.
fn finds_place<'a>(
    operator: NodeId,
    places: &BTreeMap<NodeId, BTreeSet<Place<'a>>>,
    taken: &mut BTreeMap<Place<'a>, NodeId>,
    tried: &mut BTreeSet<Place<'a>>,
) -> bool {
    for place in places.get(&operator).into_iter().flatten() {
        if !tried.insert(*place) {
            continue;
        }
        let by = taken.get(place).copied();
        if by.is_none_or(|other| finds_place(other, places, taken, tried)) {
            taken.insert(*place, operator);
            return true;
        }
    }
    false
}
