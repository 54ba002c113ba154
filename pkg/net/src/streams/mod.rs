//! Streams of our own protocols on a connection: opening them, and taking the peer's.
//!
//! Every inbound stream is handed to its server at once, so a burst of them loses none; what is
//! over a peer's limit is refused, and counted.

mod behaviour;
mod gate;
mod handler;
mod opener;

pub(crate) use behaviour::Behaviour;
pub(crate) use gate::Gate;
pub(crate) use opener::{OpenError, Opener};
