//! Buckets: servers that speak S3, Amazon's or another's.
//!
//! | | |
//! |---|---|
//! | `config` | what the operator says of a server |
//! | `place` | buckets and keys as URLs |
//! | `account` | a server that the operator has named, and credentials that are for it alone |
//! | `fault` | what a server that refuses says |
//! | `wire` | the requests of the library `object_store` over our own client |

pub(crate) mod account;
mod config;
pub(crate) mod fault;
pub(crate) mod place;
pub(crate) mod wire;

pub use config::{S3Config, Secret};
