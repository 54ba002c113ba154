//! Content: blocks by CID, the UnixFS trees they make, and how they come and go.
//!
//! [`EmbeddedContent`] implements [`gadus_ports::Content`] in one directory, with no daemon. The
//! map:
//!
//! | | |
//! |---|---|
//! | [`content`](self) | the port, method by method; all work is done on threads that may wait |
//! | `block` | what a block is: its limit of 2 MiB, its key, the check of its bytes |
//! | `store/` | blocks on disk: log and bulk packs, group commit, the index, quarantine, pins, quota, collecting, checking |
//! | `unixfs/` | the formats, both ways: DAG-PB, UnixFS, balanced files, directories, HAMTs |
//! | `import/` | files, directories, tars and CARs become blocks, hashed by several threads |
//! | `export/` | a tree, or part of it, as a CAR |
//! | `read/` | a path under a root: where it leads, listings, and files read ahead |
//! | `upstream/` | stores that are no peers: a Kubo daemon, trustless gateways |
//! | `dag/` | which blocks of a tree are not here |
//! | `fetch/` | trees from peers: a pure plan, a task a peer, two threads that check and store |
//! | `source/` | data from elsewhere: URLs, buckets, allowed directories of this machine |
//! | `publish/` | results to elsewhere: buckets, archives that this node serves |
//! | `s3/` | servers of buckets: their URLs, credentials and refusals |
//! | `materialise` | a tree as read-only files |
//! | `fuzz/` | the parsers, given any bytes |
//! | `outputs/` | what a job made becomes a result; it is hostile |
//!
//! Invariants: no byte reaches the store before it was checked against its CID. The log packs are
//! the truth; the index can be deleted at any time. A quarantined block is found by those alone
//! who name its namespace. An import counts whole or not at all.

mod block;
mod config;
mod content;
mod dag;
mod error;
mod export;
mod fetch;
#[doc(hidden)]
pub mod fuzz;
mod hash;
pub mod import;
mod input;
mod materialise;
#[cfg(test)]
mod origin_server;
mod outputs;
pub mod publish;
mod read;
mod readers;
mod s3;
pub mod source;
mod store;
pub mod unixfs;
pub mod upstream;

pub use block::{BLOCK_BYTES_MAX, dag_pb_cid, raw_cid};
pub use config::ContentConfig;
pub use content::EmbeddedContent;
pub use error::OpenError;
pub use s3::{S3Config, Secret};
