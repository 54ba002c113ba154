//! Files that are checked.

mod accusing;
mod hostile;
mod sample;
