//! The libp2p swarm: how bytes move, which behaviours there are, and the loop that drives them.

mod behaviour;
mod driver;
mod events;
mod muxer;
mod redial;
mod socket;
mod transport;

pub(crate) use driver::Driver;
