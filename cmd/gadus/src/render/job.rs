//! Jobs.

use gadus_api::types::{Execution, GetJobResponse, Job, NodeState, Task};
use jiff::Timestamp;

use super::execution::{executions, state};
use super::fit::Column;
use super::history::history;
use super::plan::plan;
use super::table::{Cell, Table, clipped, paragraph, sections, warning};
use super::text::{one_line, plain, short_id};
use super::time::{ago, stamp};
use super::timing::timing;
use crate::view::{is_published, result_cid};

/// Lines of output that a description shows.
const OUTPUT_LINES_MAX: usize = 10;
/// Columns of such a line.
const OUTPUT_COLUMNS_MAX: usize = 200;
/// Executions that a description tells of in full.
const EXECUTIONS_MAX: usize = 5;

/// Jobs, a row each.
pub(crate) fn jobs(jobs: &[Job], now: Timestamp, width: Option<u16>) -> String {
    let columns = [
        Column::whole("ID"),
        Column::cut("NAME", 8).or_none(4),
        Column::whole("CREATED").or_none(2),
        Column::whole("TYPE").or_none(1),
        Column::cut("JOB", 16).or_none(3),
        Column::whole("STATE"),
    ];
    let mut table = Table::new(columns, width);
    for job in jobs {
        let name = if job.name == job.id { "-" } else { &job.name };
        table.row([
            short_id(&job.id).into(),
            name.into(),
            ago(job.create_time, now).into(),
            (&job.kind).into(),
            job.tasks.first().map(code).unwrap_or_default().into(),
            Cell::state(&job.state.state_type),
        ]);
    }
    table.draw()
}

/// One job: what it is, who ran it and why, where the time went, and what came out.
pub(crate) fn job(
    answer: &GetJobResponse,
    nodes: &[NodeState],
    now: Timestamp,
    width: Option<u16>,
) -> String {
    let tries = answer.executions.as_ref().map_or(&[][..], |list| &list.items);
    let mut told: Vec<&Execution> = tries.iter().filter(|e| is_published(e)).collect();
    if !answer.job.verdicts.is_empty() {
        // Equal answers are one.
        told.dedup_by_key(|e| e.partition_index);
    }
    if told.is_empty() {
        told = tries.iter().rev().take(1).collect();
    }
    told.truncate(EXECUTIONS_MAX);
    let is_one = told.len() == 1;
    let mut parts = vec![(String::new(), summary(&answer.job, now, width))];
    if !answer.job.verdicts.is_empty() {
        let verdicts = super::verdict::verdicts(&answer.job.verdicts, nodes, width);
        parts.push(("Verification".to_owned(), verdicts));
    }
    for execution in told {
        let of = if is_one { String::new() } else { format!(" of {}", short_id(&execution.id)) };
        let is_drawn = !answer.job.verdicts.is_empty();
        // Nobody bid for what was known.
        let ran = execution.gadus.as_ref().filter(|extras| extras.replayed_from.is_empty());
        let plan = ran.map(|extras| &extras.plan);
        let bids = plan.map(|plan| bids(execution, plan, is_drawn, nodes, width));
        parts.push((format!("Bids{of}"), bids.unwrap_or_default()));
        parts.push((format!("Where the time went{of}"), timing(execution, width)));
        parts.push((format!("Result{of}"), result(execution, nodes, now, width)));
        parts.push((format!("Standard output{of}"), output(&execution.run_output.stdout, width)));
        parts.push((format!("Standard error{of}"), output(&execution.run_output.stderr, width)));
    }
    if !tries.is_empty() {
        parts.push(("Executions".to_owned(), executions(tries, nodes, now, width)));
    }
    if let Some(entries) = answer.history.as_ref().filter(|list| !list.items.is_empty()) {
        parts.push(("History".to_owned(), history(&entries.items, width)));
    }
    sections(parts.iter().map(|(heading, body)| (heading.as_str(), body.clone())).collect())
}

fn summary(job: &Job, now: Timestamp, width: Option<u16>) -> String {
    let mut table = Table::pairs(width);
    table.pair("ID", &job.id);
    if job.name != job.id {
        table.pair("Name", &job.name);
    }
    table.pair("Namespace", &job.namespace);
    table.pair("Type", &job.kind);
    if job.count > 1 {
        table.pair("Partitions", job.count.to_string());
    }
    table.pair("State", Cell::state(&job.state.state_type));
    table.pair("Message", Cell::lines(&job.state.message));
    let when = format!("{} ({})", stamp(job.create_time), ago(job.create_time, now));
    table.pair("Submitted", when);
    table.pair("Task", &job.task_cid);
    for task in &job.tasks {
        table.pair("Job", code(task));
        let inputs: Vec<_> = task.input_sources.iter().map(|i| one_line(&i.target)).collect();
        table.pair("Inputs", inputs.join(", "));
        let outputs: Vec<_> =
            task.result_paths.iter().map(|r| format!("{}:{}", r.name, r.path)).collect();
        table.pair("Outputs", outputs.join(", "));
    }
    let labels: Vec<_> = job.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    table.pair("Labels", labels.join(", "));
    table.draw()
}

/// The engine and what it runs: `docker busybox:1.37 echo hi`.
fn code(task: &Task) -> String {
    let text = |key: &str| {
        task.engine.param(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let what = match task.engine.kind.as_str() {
        "docker" => text("Image"),
        "task" => "as it was given".to_owned(),
        _ => text("EntryModule"),
    };
    let carried = task.engine.param("Task").and_then(|task| task.get("args"));
    let args = task.engine.param("Parameters").or(carried).and_then(|value| value.as_array());
    let args: Vec<_> = args.into_iter().flatten().filter_map(|arg| arg.as_str()).collect();
    let line = one_line(&format!("{} {what} {}", task.engine.kind, args.join(" ")));
    match line.char_indices().nth(OUTPUT_COLUMNS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn bids(
    execution: &Execution,
    bids: &gadus_api::types::PlanInfo,
    is_drawn: bool,
    nodes: &[NodeState],
    width: Option<u16>,
) -> String {
    let winner = super::nodes::name_of(&execution.node_id, nodes);
    let place = bids.ranked.iter().position(|ranked| ranked.node_id == execution.node_id);
    let why = match place {
        _ if is_drawn => "it was drawn".to_owned(),
        Some(0) => "it ranks first".to_owned(),
        Some(place) => format!("it ranks {} of those that were free", place + 1),
        None => "it came after the ranking was made".to_owned(),
    };
    format!("{}\n{}", plan(bids, nodes, width), paragraph(&format!("{winner} won: {why}."), width))
}

fn result(
    execution: &Execution,
    nodes: &[NodeState],
    now: Timestamp,
    width: Option<u16>,
) -> String {
    let mut table = Table::pairs(width);
    table.pair("State", Cell::state(&state(execution)));
    if is_published(execution) {
        table.pair("Exit code", execution.run_output.exit_code.to_string());
    }
    table.pair("Error", Cell::lines(&execution.run_output.error_msg));
    if !is_published(execution) {
        table.pair("Why", Cell::lines(&execution.compute_state.message));
    }
    table.pair("CID", result_cid(execution).unwrap_or_default());
    let Some(extras) = &execution.gadus else { return table.draw() };
    if extras.result_bytes > 0 {
        table.pair("Size", super::amount::bytes(extras.result_bytes));
    }
    let holders: Vec<_> =
        extras.holders.iter().map(|id| super::nodes::name_of(id, nodes)).collect();
    table.pair("Held by", holders.join(", "));
    if is_published(execution) {
        table.pair("Kept", kept(extras.kept_until_us, now));
    }
    if let Some(manifest) = &extras.manifest {
        table.pair("Manifest", &manifest.cid);
    }
    if let Some(receipt) = &extras.receipt {
        table.pair("Engine", &receipt.engine);
        if let Some(peak) = receipt.usage.memory_peak_bytes {
            table.pair("Memory peak", super::amount::bytes(peak));
        }
    }
    table.pair("Hint", Cell::lines(&extras.hint));
    let warnings: String =
        extras.warnings.iter().map(|w| format!("\n{}", warning(w, width))).collect();
    format!("{}{warnings}", table.draw())
}

/// Until when a result's holders keep it.
fn kept(until_us: Option<u64>, now: Timestamp) -> String {
    let Some(until_us) = until_us else { return "for ever".to_owned() };
    let is_over = over_since(Some(until_us), now).is_some();
    let note = if is_over { ", which is over: it may be gone" } else { "" };
    format!("until {}{note}", stamp(ns(until_us)))
}

/// The moment until which a result was kept, if that is over.
pub(crate) fn over_since(until_us: Option<u64>, now: Timestamp) -> Option<String> {
    let until_ns = ns(until_us?);
    (i128::from(until_ns) <= now.as_nanosecond()).then(|| stamp(until_ns))
}

fn ns(us: u64) -> i64 {
    i64::try_from(us.saturating_mul(1000)).unwrap_or(i64::MAX)
}

/// The first lines of an output.
fn output(text: &str, width: Option<u16>) -> String {
    let text = plain(text);
    let mut lines: Vec<String> = text
        .lines()
        .take(OUTPUT_LINES_MAX)
        .map(|line| line.chars().take(OUTPUT_COLUMNS_MAX).collect())
        .collect();
    if text.lines().count() > OUTPUT_LINES_MAX {
        lines.push("…".to_owned());
    }
    clipped(&lines.join("\n"), width)
}
