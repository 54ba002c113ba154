//! What several answers to the same work came to.

use gadus_api::types::{NodeState, VerdictInfo};

use super::nodes::name_of;
use super::table::{Cell, Table};

/// How each partition was checked, and who said what.
pub(super) fn verdicts(
    verdicts: &[VerdictInfo],
    nodes: &[NodeState],
    width: Option<u16>,
) -> String {
    let is_one = verdicts.len() == 1;
    let mut table = Table::pairs(width);
    for verdict in verdicts {
        let of = if is_one { String::new() } else { format!(" of {}", verdict.partition) };
        table.pair(&format!("Verdict{of}"), Cell::state(&verdict.decision));
        table.pair("Asked for", &verdict.level);
        for vote in &verdict.votes {
            let name = name_of(&vote.node_id, nodes);
            let answer = match vote.manifest_cid.as_str() {
                "" => vote.stand.clone(),
                cid => format!("{}, {cid}", vote.stand),
            };
            table.pair(&format!("Answer of {name}"), answer);
        }
        if !verdict.replayed_from.is_empty() {
            table.pair("Replayed from", &verdict.replayed_from);
        }
        if !verdict.referee.is_empty() {
            table.pair("Decided by", name_of(&verdict.referee, nodes));
        }
        if verdict.decision == "verified" && !verdict.has_trusted {
            table.pair("Beware", "none of these nodes is known to be honest");
        }
    }
    table.draw()
}
