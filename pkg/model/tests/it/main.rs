//! What is signed, hashed, sent or stored: its exact bytes, and what is refused of others'.

mod golden;
mod refused;
mod round_trip;
mod sample;
mod strategy;
mod tree;
mod variants;
