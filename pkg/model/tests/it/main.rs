//! What is signed, hashed, sent or stored: its exact bytes, and what is refused of others'.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod golden;
mod refused;
mod round_trip;
mod sample;
mod strategy;
mod tree;
mod variants;
mod wire;
