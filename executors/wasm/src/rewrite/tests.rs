//! Modules that are rewritten compute what they did.

mod nan;
mod program;
mod unroll;
