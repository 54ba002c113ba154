//! The log: append-only segment files of framed records.
//!
//! ```text
//! segment = header (64 bytes) frame* zero*
//! header  = magic, version, number, checkpoint, end of the segment before, log id, crc
//! frame   = len u32, back u32, payload crc u32, header crc u32, payload, padding to 8
//! payload = kind u8, body
//! ```
//!
//! All numbers are little-endian. The CRCs cover the log's random id, the segment's number and
//! the frame's offset too, so that bytes of a frame that somebody smuggled into a record, or that
//! were copied from elsewhere, are not taken for one.
//!
//! `back` leads to the first frame of the batch that the frame was written in. A batch is written
//! only after the one before it is synced, so a batch proves everything before it to have been
//! durable. That tells a torn tail from damage: a bad frame with a later *batch* behind it was
//! once good.

pub(crate) mod disk;
mod frame;
mod growth;
mod header;
mod inbox;
mod records;
mod recover;
mod segment;
mod tail;
mod writer;

pub(crate) use growth::Growth;
pub(crate) use inbox::Inbox;
pub(crate) use recover::{Recovered, recover};
pub(crate) use writer::{Pressure, Writer};

#[cfg(test)]
mod tests;
