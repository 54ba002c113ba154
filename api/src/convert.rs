//! From documents to the model's nouns, and from views back to documents.

mod identity;

pub use identity::{evaluation_id, same_document};
