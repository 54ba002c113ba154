//! The rules, one file each.

mod counting;
mod drawing;
mod recomputing;
mod sample;
mod sealing;
mod seating;
mod trusting;
