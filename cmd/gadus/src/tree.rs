//! Trees of files, as tar streams: out of a directory and into one. Nothing is gathered in
//! memory, whatever the size.

mod pack;
mod scan;
mod unpack;

pub(crate) use pack::{Packed, pack};
pub(crate) use scan::scan;
pub(crate) use unpack::{Links, Unpacked, Unpacker};
