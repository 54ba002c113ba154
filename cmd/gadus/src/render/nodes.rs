//! Nodes.

use gadus_api::types::{NodeInfo, NodeState, ResourceAmounts};
use jiff::Timestamp;

use super::amount::{bytes, cores};
use super::fit::Column;
use super::table::{Cell, Table, sections};
use super::text::short_id;
use super::time::ago_rfc3339;

/// The nodes that a requester knows.
pub(crate) fn nodes(nodes: &[NodeState], width: Option<u16>) -> String {
    let columns = [
        Column::whole("ID"),
        Column::cut("NAME", 8).or_none(6),
        Column::whole("TYPE").or_none(1),
        Column::whole("STATUS"),
        Column::whole("ENGINES").or_none(5),
        Column::whole("CPU").or_none(4),
        Column::whole("MEMORY").or_none(2),
        Column::whole("JOBS").or_none(3),
    ];
    let mut table = Table::new(columns, width);
    for node in nodes {
        let compute = &node.info.compute_node_info;
        let (free, max) = (&compute.available_capacity, &compute.max_capacity);
        table.row([
            short_id(&node.info.node_id).into(),
            name(&node.info).into(),
            (&node.info.node_type).into(),
            Cell::state(&node.connection),
            or_dash(&compute.execution_engines.join(",")).into(),
            format!("{}/{}", cores(free.cpu), cores(max.cpu)).into(),
            format!("{}/{}", bytes(free.memory), bytes(max.memory)).into(),
            compute.running_executions.to_string().into(),
        ]);
    }
    table.draw()
}

/// One node.
pub(crate) fn node(node: &NodeState, now: Timestamp, width: Option<u16>) -> String {
    let (info, compute) = (&node.info, &node.info.compute_node_info);
    let mut summary = Table::pairs(width);
    summary.pair("ID", &info.node_id);
    summary.pair("Name", name(info));
    summary.pair("Type", &info.node_type);
    summary.pair("Membership", &node.membership);
    summary.pair("Status", Cell::state(&node.connection));
    summary.pair("Last heard", ago_rfc3339(&node.connection_state.last_heartbeat, now));
    summary.pair("Last error", &node.connection_state.last_error);
    summary.pair("Address", &compute.address);
    summary.pair("Version", &info.bacalhau_version.gadus);
    summary.pair("Protocols", info.supported_protocols.join(", "));
    summary.pair("Engines", compute.execution_engines.join(", "));
    summary.pair("Sources", compute.storage_sources.join(", "));
    summary.pair("Publishers", compute.publishers.join(", "));
    summary.pair("Running", compute.running_executions.to_string());
    summary.pair("Waiting", compute.enqueued_executions.to_string());

    let mut labels = Table::pairs(width);
    for (key, value) in &info.labels {
        labels.row([key.into(), value.into()]);
    }
    sections(vec![
        ("", summary.draw()),
        ("Capacity", capacity(info, width)),
        ("Labels", if labels.is_empty() { String::new() } else { labels.draw() }),
    ])
}

fn capacity(info: &NodeInfo, width: Option<u16>) -> String {
    let compute = &info.compute_node_info;
    let mut table = Table::new(["", "CPU", "MEMORY", "DISK", "GPU"].map(Column::whole), width);
    let mut row = |name: &str, amounts: &ResourceAmounts| {
        table.row([
            name.into(),
            cores(amounts.cpu).into(),
            bytes(amounts.memory).into(),
            bytes(amounts.disk).into(),
            amounts.gpu.to_string().into(),
        ]);
    };
    row("in all", &compute.max_capacity);
    row("free now", &compute.available_capacity);
    row("one job", &compute.max_job_requirements);
    table.draw()
}

/// The name of a node among those that are known; else its short id.
pub(super) fn name_of(id: &str, nodes: &[NodeState]) -> String {
    let known = nodes.iter().find(|node| node.info.node_id == id);
    let named = known.map(|node| name(&node.info)).filter(|name| name != "-");
    match named {
        Some(name) => format!("{name} ({})", short_id(id)),
        None => short_id(id),
    }
}

/// The operator's name; `-` where the name is only the id.
fn name(info: &NodeInfo) -> String {
    match info.labels.get("name") {
        Some(name) if *name != info.node_id => name.clone(),
        _ => "-".to_owned(),
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}
