//! The HTTP contract of gadus: Bacalhau's `/api/v1` to the letter, and our additions.
//!
//! [`types`] are the JSON shapes, [`convert`] maps them to and from the nouns of `gadus-model`,
//! [`routes`] serves them over a [`Service`], and [`client`] calls them. Everything that a
//! request can be is checked here; what is behind [`Service`] sees values that are well formed.

#![warn(missing_docs)]

mod body;
pub mod client;
pub mod convert;
pub mod error;
mod guard;
pub mod json_in;
pub mod json_out;
pub mod limits;
pub mod paging;
pub mod quantity;
mod query;
mod routes;
mod serve;
pub mod service;
mod state;
pub mod types;

pub use limits::ApiLimits;
pub use routes::document as openapi;
#[doc(hidden)]
pub use routes::fuzz;
pub use serve::serve;
pub use service::{
    AgentInfo, ErrorCode, ExplainTarget, ImportKind, JobOrder, JobsPage, JobsQuery, LogStream,
    LogsRequest, Membership, NodeEntry, Reach, Service, ServiceError, Submission, Submitted,
};
pub use state::ApiConfig;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
