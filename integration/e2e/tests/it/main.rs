//! Real processes, real sockets, real engines; and the house itself.

mod crashes;
mod jobs;
mod rest;
mod restarts;
mod tidy;
