//! The protocol as tests: what each machine does about each thing that happens to it.

mod announcing;
mod awarding;
mod bidding;
mod cancelling;
mod choosing;
mod compute_leases;
mod filled;
mod granting;
mod holders;
mod keeping;
mod leases;
mod limits;
mod matching;
mod nonsense;
mod outbox;
mod placing;
mod plan;
mod publishing;
mod queue;
mod retries;
mod returning;
mod rig;
mod sealed;
mod sleeping;
mod snapshots;
mod twice;
