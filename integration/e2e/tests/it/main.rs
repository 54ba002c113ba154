//! Real processes, real sockets, real engines; and the house itself.

mod crashes;
mod jobs;
mod namespaces;
mod rest;
mod restarts;
mod tidy;
