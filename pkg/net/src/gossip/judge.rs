//! Decides what becomes of a gossip that has come in. Its signature is proven already.

use std::time::Instant;

use gadus_model::NodeId;
use gadus_model::codec;
use gadus_model::message::{ANNOUNCE_INPUTS_MAX, Gossip, MESSAGE_VERSION};
use serde::Deserialize;

use super::rate::Rates;

/// Judges gossips by signer, size and form.
#[derive(Debug)]
pub(crate) struct Judge {
    bytes_max: usize,
    rates: Rates,
}

/// What becomes of a gossip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Given to the node, and relayed.
    Deliver(Box<Gossip>),
    /// Relayed only: a version that others may know.
    Relay,
    /// Neither: its signer is too loud.
    Ignore,
    /// Neither, and whoever relayed it is no honest node.
    Reject(String),
}

/// The one field that every version of a gossip has.
#[derive(Deserialize)]
struct Version {
    v: u8,
}

impl Judge {
    pub(crate) fn new(bytes_max: u32, rate_max: u32, now: Instant) -> Self {
        Self { bytes_max: bytes_max as usize, rates: Rates::new(rate_max, now) }
    }

    pub(crate) fn judge(&mut self, signer: NodeId, data: &[u8], now: Instant) -> Verdict {
        if data.len() > self.bytes_max {
            return Verdict::Reject(format!("a gossip of {} bytes", data.len()));
        }
        if !self.rates.take(signer, now) {
            return Verdict::Ignore;
        }
        match codec::decode::<Version>(data) {
            Ok(Version { v: MESSAGE_VERSION }) => {}
            Ok(_) => return Verdict::Relay,
            Err(e) => return Verdict::Reject(e.to_string()),
        }
        match codec::decode::<Gossip>(data) {
            Ok(gossip) if gossip.announcements.is_empty() && gossip.filled.is_empty() => {
                Verdict::Reject("a gossip that says nothing".to_owned())
            }
            Ok(gossip)
                if gossip.announcements.iter().any(|a| a.inputs.len() > ANNOUNCE_INPUTS_MAX) =>
            {
                Verdict::Reject(format!("an announcement of over {ANNOUNCE_INPUTS_MAX} inputs"))
            }
            Ok(gossip) => Verdict::Deliver(Box::new(gossip)),
            Err(e) => Verdict::Reject(e.to_string()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
