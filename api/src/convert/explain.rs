//! Plans.

use gadus_model::Plan;

use crate::service::Explained;
use crate::types::{PlanInfo, RankedNode, TurnedDownNode};

/// What is told to who asks.
#[must_use]
pub(crate) fn explained(explained: &Explained) -> PlanInfo {
    PlanInfo { seatable: explained.is_seatable, ..plan(&explained.plan) }
}

/// A plan, its reasons in words.
#[must_use]
pub fn plan(plan: &Plan) -> PlanInfo {
    let ranked = plan.ranked.iter().map(|ranked| RankedNode {
        node_id: ranked.node.to_string(),
        score: ranked.score,
        fit_permille: ranked.fit_permille,
        bytes_missing: ranked.bytes_missing,
        warm: ranked.warm,
        price: ranked.price,
        bid: ranked.bid,
    });
    let turned_down = plan.turned_down.iter().map(|down| TurnedDownNode {
        node_id: down.node.to_string(),
        reasons: down.reasons.iter().map(ToString::to_string).collect(),
    });
    PlanInfo {
        ranked: ranked.collect(),
        feasible: plan.feasible,
        turned_down: turned_down.collect(),
        counts: plan.counts.clone(),
        nodes: plan.nodes,
        may_pass: plan.may_pass,
        seatable: None,
    }
}
