//! Plans: which nodes would take a job, and why the others would not.

use gadus_api::types::{NodeState, PlanInfo};

use super::amount::bytes;
use super::fit::Column;
use super::nodes::name_of;
use super::table::{Cell, Table, Tone, paragraph};

/// A verdict for each node, best first, and the sum of it.
pub(crate) fn plan(plan: &PlanInfo, nodes: &[NodeState], width: Option<u16>) -> String {
    let mut table = Table::new(
        [Column::cut("NODE", 10), Column::whole("TAKES IT"), Column::text("WHY", 16)],
        width,
    );
    for (place, ranked) in plan.ranked.iter().enumerate() {
        let warm = if ranked.warm { ", code at hand" } else { "" };
        let missing = match ranked.bytes_missing {
            0 => ", all inputs at hand".to_owned(),
            n => format!(", {} to fetch", bytes(n)),
        };
        let bid = if ranked.bid { ", bid" } else { "" };
        let price = match ranked.price {
            0 => String::new(),
            n => format!(", price {n}"),
        };
        let fit = f64::from(ranked.fit_permille) / 10.0;
        table.row([
            name_of(&ranked.node_id, nodes).into(),
            Cell::toned("yes", Tone::Good),
            format!("rank {}: fit {fit:.1} %{missing}{warm}{price}{bid}", place + 1).into(),
        ]);
    }
    for down in &plan.turned_down {
        table.row([
            name_of(&down.node_id, nodes).into(),
            Cell::toned("no", Tone::Bad),
            Cell::lines(&down.reasons.join("\n")),
        ]);
    }
    let body = if table.is_empty() { String::new() } else { format!("{}\n\n", table.draw()) };
    format!("{body}{}", paragraph(&summary(plan), width))
}

fn summary(plan: &PlanInfo) -> String {
    let PlanInfo { feasible, nodes, may_pass, .. } = plan;
    let listed = plan.ranked.len() + plan.turned_down.len();
    let rest = (*nodes as usize).saturating_sub(listed);
    let unlisted = if rest > 0 { format!(" ({rest} are not listed)") } else { String::new() };
    let head = format!("{feasible} of {nodes} nodes would take it{unlisted}.");
    if *feasible > 0 {
        let alone =
            " They cannot have all of its seats: no operator and no public network has two.";
        let apart = if plan.seatable == Some(false) { alone } else { "" };
        return format!("{head}{apart}");
    }
    let counts: String =
        plan.counts.iter().map(|(reason, n)| format!("\n  {n} of {nodes}: {reason}")).collect();
    let advice = match (nodes, may_pass) {
        (0, _) => " No node is known: start one with `gadus serve --compute --peer …`.",
        (_, true) => " Waiting can help: give the job a --queue-timeout.",
        (_, false) => " Waiting does not help.",
    };
    super::text::plain(&format!("{head}{advice}{counts}"))
}
