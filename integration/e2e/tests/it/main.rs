//! Real processes, real sockets, real engines; and the house itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archives;
mod bad_input;
mod content;
mod crashes;
mod docker;
mod durability;
mod evidence;
mod foreign;
mod gateway;
mod interpreter;
mod jobs;
mod judge;
mod keeping;
mod known;
mod large;
mod namespaces;
mod python;
mod readme;
mod receipts;
mod rest;
mod restarts;
mod s3;
mod sdk;
mod sidecar;
mod sources;
mod tasks;
mod tidy;
mod verified;
