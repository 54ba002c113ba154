//! Executions.

use gadus_api::types::{Execution, NodeState};
use jiff::Timestamp;

use super::fit::Column;
use super::nodes::name_of;
use super::table::{Cell, Table};
use super::text::{one_line, short_id};
use super::time::ago;
use crate::view::{is_published, result_cid};

/// Every try at running a job.
pub(crate) fn executions(
    executions: &[Execution],
    nodes: &[NodeState],
    now: Timestamp,
    width: Option<u16>,
) -> String {
    let columns = [
        Column::whole("ID"),
        Column::whole("PART").or_none(2),
        Column::whole("TRY").or_none(1),
        Column::cut("NODE", 10).or_none(4),
        Column::whole("STATE"),
        Column::whole("EXIT").or_none(5),
        Column::whole("CHANGED").or_none(3),
        Column::text("COMMENT", 20),
    ];
    let mut table = Table::new(columns, width);
    for execution in executions {
        let epoch = execution.gadus.as_ref().map_or(0, |extras| extras.epoch);
        let exit = if is_published(execution) {
            execution.run_output.exit_code.to_string()
        } else {
            String::new()
        };
        let comment = match result_cid(execution) {
            Some(cid) => cid,
            None => execution.compute_state.message.clone(),
        };
        table.row([
            short_id(&execution.id).into(),
            execution.partition_index.to_string().into(),
            if epoch == 0 { "-".into() } else { epoch.to_string().into() },
            name_of(&execution.node_id, nodes).into(),
            Cell::state(&state(execution)),
            exit.into(),
            ago(execution.modify_time, now).into(),
            one_line(&comment).into(),
        ]);
    }
    table.draw()
}

/// The state in a word: ours where it is told, else that of Bacalhau's number.
pub(super) fn state(execution: &Execution) -> String {
    if let Some(extras) = execution.gadus.as_ref().filter(|extras| !extras.state.is_empty()) {
        return extras.state.clone();
    }
    let word = match execution.compute_state.state_type {
        0 => "undefined",
        1 => "new",
        2 | 3 => "bid",
        4 | 8 => "turned down",
        5..=7 => "running",
        9 => "completed",
        10 => "failed",
        11 => "cancelled",
        _ => "unknown",
    };
    word.to_owned()
}
