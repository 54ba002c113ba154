//! The executor as its callers see it, over small guests written as text, and a real C program.

mod files;
mod limits;
mod modules;
mod outcomes;
mod program;
mod rig;
mod stopping;
mod stress;
