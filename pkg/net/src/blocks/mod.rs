//! Block streams: wants one way, blocks the other, in the order of the wants.
//!
//! ```text
//!  wants:    frame of DAG-CBOR [(cid, execution | null, relay), …], at most 128 of them
//!  answers:  0x00                        the peer does not have it
//!            0x01  length (u32, big endian)  the block's bytes
//! ```

mod client;
mod server;
mod wire;

pub(crate) use client::Client;
pub(crate) use server::serve;
