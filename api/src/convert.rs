//! From documents to the model's nouns, and from views back to documents.

mod data_url;
mod document;
mod engine;
mod execution;
mod explain;
mod extras;
mod history;
mod identity;
mod job;
mod node;
mod place;
mod promise;
mod publisher;
mod selector;
mod sources;
pub(crate) mod store;
mod submission;
mod supported;
mod task;
mod times;
mod validate;

pub(crate) use data_url::percent_decode;
pub use execution::execution;
pub(crate) use execution::published;
pub use explain::plan;
pub use history::history;
pub use identity::{evaluation_id, same_document};
pub use job::job;
pub(crate) use node::BACALHAU_VERSION;
pub use node::{node_info, node_state, version};
pub use place::place;
pub use promise::Retention;
pub use selector::parse_selector;
pub use sources::{origin, s3_source};
pub use submission::{Data, Draft, DraftOptions, Had, Wanted};
pub(crate) use times::rfc3339;
