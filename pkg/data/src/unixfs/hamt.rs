//! HAMT directories: entries in a tree by the hash of their names
//! (<https://specs.ipfs.tech/unixfs/#dag-pb-hamtdirectory>).

use gadus_ports::ContentError;

use super::data::{self, MURMUR3_X64_64, UnixFs};
use super::murmur3::murmur3_x64_64;
use super::node::{Link, encode};
use super::{Built, Maker};
use crate::error::malformed;

/// Fan-out of what we write.
const FANOUT: u64 = 256;
/// Bits of the hash that name the place in one shard we write.
const FANOUT_BITS: u32 = 8;
/// Fan-outs that are read.
const FANOUT_MAX: u64 = 1024;

/// Stores a HAMT of these entries, whose names are distinct.
pub(crate) fn build(
    maker: Maker<'_>,
    entries: Vec<Link>,
    mode: Option<u32>,
) -> Result<Built, ContentError> {
    let hash = |link: Link| (murmur3_x64_64(link.name.as_bytes()), link);
    let mut hashed: Vec<(u64, Link)> = entries.into_iter().map(hash).collect();
    hashed.sort_unstable_by_key(|(hash, _)| *hash);
    shard(maker, &hashed, 0, mode)
}

/// Stores the shard of entries, sorted by hash, that share the first `depth` places.
fn shard(
    maker: Maker<'_>,
    entries: &[(u64, Link)],
    depth: u32,
    mode: Option<u32>,
) -> Result<Built, ContentError> {
    if depth * FANOUT_BITS >= u64::BITS {
        return Err(malformed("a directory", "too many of its names have the same hash"));
    }
    let place = |hash: u64| (hash >> (u64::BITS - FANOUT_BITS * (depth + 1))) as usize % 256;
    let mut bits = [0_u8; 32];
    let mut links = Vec::new();
    for group in entries.chunk_by(|(a, _), (b, _)| place(*a) == place(*b)) {
        let at = place(group[0].0);
        bits[31 - at / 8] |= 1 << (at % 8);
        links.push(match group {
            [(_, only)] => Link { name: format!("{at:02X}{}", only.name), ..only.clone() },
            several => {
                let Built { cid, size } = shard(maker, several, depth + 1, None)?;
                Link { cid, name: format!("{at:02X}"), size }
            }
        });
    }
    let first = bits.iter().position(|byte| *byte != 0).unwrap_or(bits.len());
    let message = data::hamt_shard(&bits[first..], FANOUT, mode);
    let linked = links.iter().map(|link| link.size).fold(0, u64::saturating_add);
    maker.node(&encode(links.iter(), &message), linked)
}

/// How a shard that was read is to be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bits of the hash that name a place.
    bits: u32,
    /// Hexadecimal digits before the names.
    digits: usize,
}

/// What a link of a shard leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    /// An entry of the directory, with its name.
    Entry(&'a str),
    /// Another shard.
    Shard,
}

impl Shape {
    /// From a shard's message.
    pub(crate) fn of(shard: &UnixFs) -> Result<Self, String> {
        if shard.hash_type != Some(MURMUR3_X64_64) {
            return Err("its HAMT uses a hash that is not supported".to_owned());
        }
        match shard.fanout {
            Some(fanout) if fanout.is_power_of_two() && (8..=FANOUT_MAX).contains(&fanout) => {
                Ok(Self {
                    bits: fanout.trailing_zeros(),
                    digits: format!("{:X}", fanout - 1).len(),
                })
            }
            other => Err(format!("its HAMT has a bad fan-out ({})", other.unwrap_or_default())),
        }
    }

    /// What a link's name says.
    pub(crate) fn slot(self, name: &str) -> Result<Slot<'_>, String> {
        match name.split_at_checked(self.digits) {
            Some((place, _)) if !place.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Err("a link of its HAMT has no place".to_owned())
            }
            Some((_, "")) => Ok(Slot::Shard),
            Some((_, entry)) => Ok(Slot::Entry(entry)),
            None => Err("a link of its HAMT has no place".to_owned()),
        }
    }

    /// The digits of a name's place in the shard at `depth`; `None` when the hash is used up.
    pub(crate) fn place(self, name: &str, depth: u32) -> Option<String> {
        let end = self.bits * (depth + 1);
        let shift = u64::BITS.checked_sub(end)?;
        let place = (murmur3_x64_64(name.as_bytes()) >> shift) & ((1 << self.bits) - 1);
        Some(format!("{place:0width$X}", width = self.digits))
    }

    /// Places of one shard.
    pub(crate) fn fanout(self) -> usize {
        1 << self.bits
    }

    /// Shards below each other that the hash has bits for.
    pub(crate) fn depth_max(self) -> u32 {
        u64::BITS / self.bits
    }
}
