//! Seats that nobody can be found for.

use gadus_model::JobState;

use super::rig::{TWO, draws, sealed_job};
use crate::requester::{Approved, Input};
use crate::tests::rig::{TestRequester, info, limits, node};

/// A requester that knows two nodes, and what it is told of them.
fn knows_two(approved: Approved, prefix: Option<&str>) -> TestRequester {
    let mut config = TestRequester::new(limits()).config();
    config.approved = approved;
    let mut r = TestRequester::of(config);
    for n in 1..=2 {
        r.input(Input::Up { node: node(n), prefix: prefix.map(str::to_owned) });
        r.meets(info(node(n)));
    }
    r
}

#[test]
fn a_job_does_not_wait_for_nodes_that_may_never_sit_together() {
    let one_operator = Approved {
        operators: [(node(1), node(9)), (node(2), node(9))].into(),
        ..Approved::default()
    };
    for mut r in [knows_two(one_operator, None), knows_two(Approved::default(), Some("203.0.1.0/24"))] {
        assert!(draws(&mut r, sealed_job(1, TWO), &[1, 2]).is_empty());
        let outcome = r.wait_ms(limits().no_bid_grace_ms + 1_000);
        assert_eq!(outcome.ended().map(|(state, _)| state), Some(JobState::Failed));
    }
}
