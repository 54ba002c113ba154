//! What strangers send in records and in tasks, given any bytes: a function for each kind, which holds
//! what comes out to what must always be so. The targets of `fuzz/` feed them, and a test feeds them
//! what these once found worth keeping (`fuzz/corpus`).

mod record;
mod task;
#[cfg(test)]
mod tests;

pub use self::record::record;
pub use self::task::task;
