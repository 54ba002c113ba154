//! The protocol of gadus, without any I/O: a [`Requester`] and a [`Compute`] machine.
//!
//! One call in, one value out: `handle(now, input)` decides and returns a [`Step`]. The caller
//! makes the step's events durable, then performs its effects; effects that do not speak may be
//! performed at once. `apply` is the only function that changes durable state, so replaying the
//! log gives the live state back, and `resume` after it gives every effect that is still owed.
//!
//! **Absent on purpose**: no clock, no randomness of its own, no async, no iteration over hash
//! maps. The same inputs give the same steps, which is what the simulator stands on.

#![warn(missing_docs)]

pub mod compute;
pub mod matching;
pub mod notary;
pub mod repeat;
pub mod requester;
pub mod sabotage;
pub mod step;
pub mod verify;

pub use compute::{Compute, ComputeConfig};
pub use notary::Notary;
pub use requester::{Requester, RequesterConfig};
pub use sabotage::Sabotage;
pub use step::{Effect, Step};

#[cfg(test)]
mod tests;
