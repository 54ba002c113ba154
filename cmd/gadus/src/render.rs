//! The API's objects, drawn for people. Every renderer is a function from objects to text; how
//! wide the terminal is and what time it is are arguments.

mod amount;
mod evidence;
mod execution;
mod fit;
mod foreign;
mod history;
mod job;
mod listing;
mod nodes;
mod plan;
mod receipt;
mod settings;
mod store;
mod table;
mod text;
mod time;
mod timing;
mod trust;
mod verdict;
mod version;
mod wrap;

pub(crate) use amount::{bytes, count};
pub(crate) use evidence::{checked_lie, lies};
pub(crate) use execution::executions;
pub(crate) use foreign::{bundles, counted_verdicts};
pub(crate) use history::history;
pub(crate) use job::{job, jobs, over_since};
pub(crate) use listing::listing;
pub(crate) use nodes::{node, nodes};
pub(crate) use plan::plan;
pub(crate) use receipt::{checked_answers, receipts};
pub(crate) use settings::settings;
pub(crate) use store::{checked, collected, pins, store_stat};
pub(crate) use table::terminal_width;
pub(crate) use text::{harmless_json, plain, short_id};
pub(crate) use time::now;
pub(crate) use trust::trust;
pub(crate) use version::versions;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
