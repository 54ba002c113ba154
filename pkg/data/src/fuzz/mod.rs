//! The parsers of what strangers send, given any bytes: a function for each, which holds what comes
//! out to what must always be so. The targets of `fuzz/` feed them, and a test feeds them what these
//! once found worth keeping (`fuzz/corpus`).

mod car;
mod hamt;
mod plain;
#[cfg(test)]
mod tests;
mod unixfs;

pub use self::car::car;
pub use self::hamt::hamt;
pub use self::plain::plain;
pub use self::unixfs::unixfs;
