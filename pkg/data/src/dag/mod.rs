//! Blocks that link to blocks: what a tree lacks here.

mod complete;
mod gaps;
mod links;

pub(crate) use self::complete::Complete;
pub(crate) use self::gaps::{Gaps, gaps, gaps_below};
pub(crate) use self::links::{DAG_JSON, links, may_link};
