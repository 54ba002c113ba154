//! Log streams: one request, then the output as it comes.
//!
//! ```text
//!  request:  frame of DAG-CBOR (execution, follow, tail)
//!  answer:   frame [0x00]            refused; the end
//!            frame [0x01]            accepted, then
//!            frame [0x02 | bytes]    some stdout
//!            frame [0x03 | bytes]    some stderr
//! ```

mod client;
mod server;
mod wire;

pub(crate) use client::open;
pub(crate) use server::serve;
