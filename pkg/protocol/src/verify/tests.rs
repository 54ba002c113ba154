//! The rules, one file each.

mod accusing;
mod counting;
mod drawing;
mod recomputing;
mod sample;
mod sealing;
mod seating;
mod trusting;
