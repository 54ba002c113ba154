//! The executor as its callers see it, over small guests written as text, and real C programs.

mod built;
mod calls;
mod deps;
mod det;
mod engines;
mod files;
mod hostile;
mod leaks;
mod limits;
mod modules;
mod outcomes;
mod program;
mod programs;
mod rig;
mod script;
mod smith;
mod spec;
mod stopping;
mod stress;
mod trees;
mod wild;
