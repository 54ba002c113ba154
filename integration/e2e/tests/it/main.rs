//! Real processes, real sockets, real engines; and the house itself.

mod jobs;
mod rest;
mod tidy;
