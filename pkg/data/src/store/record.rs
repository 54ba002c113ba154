//! What packs are made of: records, each a checked head and, for a block, its bytes.
//!
//! ```text
//! magic "blk1" | head bytes u32 | data bytes u32 | crc32 u32 | head (DAG-CBOR) | data
//! ```
//!
//! Integers are little-endian. The CRC covers the two lengths and the head; the data of a block
//! is checked by its CID.

use gadus_model::{Cid, JobId, Time};
use gadus_ports::{NamespaceId, PinReason, Pinning};
use serde::{Deserialize, Serialize};

use super::state::Position;
use crate::block::BLOCK_BYTES_MAX;

const MAGIC: [u8; 4] = *b"blk1";
/// What takes its place in a record that is void: its lengths hold, and lead to the next one.
pub(crate) const VOID: [u8; 4] = *b"void";
/// Bytes before the head.
pub(crate) const PREFIX_BYTES: usize = 16;
/// No head is larger.
const HEAD_BYTES_MAX: usize = 256 << 10;

/// One thing that happened to the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A block, whose bytes follow.
    #[serde(rename = "b")]
    Block {
        #[serde(rename = "c")]
        cid: Cid,
        #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
        namespace: Option<NamespaceId>,
    },
    /// Records of bulk packs are durable and count.
    #[serde(rename = "c")]
    Commit { extents: Vec<Extent> },
    /// A namespace became public, and its root pinned.
    #[serde(rename = "p")]
    Promote {
        namespace: NamespaceId,
        root: Cid,
        reason: Reason,
        #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
        term: Option<Term>,
    },
    /// A namespace is forgotten.
    #[serde(rename = "d")]
    Discard { namespace: NamespaceId },
    /// A tree is to be kept.
    #[serde(rename = "k")]
    Pin {
        root: Cid,
        reason: Reason,
        /// Absent in records of gadus before 0.2.
        #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
        term: Option<Term>,
    },
    /// A root, or nothing at all, is kept for a reason any more.
    #[serde(rename = "u")]
    Unpin {
        reason: Reason,
        #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
        root: Option<Cid>,
    },
    /// The root of what is in a namespace. Blocks of it may be public already: they are kept as
    /// long as the namespace is there.
    #[serde(rename = "o")]
    Outputs { namespace: NamespaceId, root: Cid },
    /// Of a checkpoint: namespaces, and what became of them.
    #[serde(rename = "n")]
    Known { quarantined: Vec<NamespaceId>, published: Vec<NamespaceId> },
    /// Of a checkpoint: what is quarantined for an execution of which something was published
    /// before.
    #[serde(rename = "h")]
    Hidden { namespace: NamespaceId, digests: Vec<[u8; 32]> },
    /// Of a checkpoint: it is whole, and knows the log up to here.
    #[serde(rename = "e")]
    End { position: Position },
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Term {
    /// Since when, in microseconds since the Unix epoch; 0 where nobody wrote it down.
    #[serde(rename = "m")]
    pub(crate) made_us: u64,
    /// Until when, likewise; absent means for ever.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) until_us: Option<u64>,
}

impl Term {
    /// What a pin that is made now has.
    pub(crate) fn of(pinning: &Pinning) -> Self {
        let made = super::now();
        let until = pinning.term_ms.map(|ms| made.plus_ms(ms));
        Self { made_us: made.0, until_us: until.map(|until| until.0) }
    }

    pub(crate) fn is_over(&self, now: Time) -> bool {
        self.until_us.is_some_and(|until| until <= now.0)
    }
}

/// A stretch of records in a bulk pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) pack: u32,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// [`PinReason`] as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Reason {
    #[serde(rename = "u")]
    User,
    #[serde(rename = "i")]
    Input(NamespaceId),
    #[serde(rename = "r")]
    Result(NamespaceId),
    #[serde(rename = "t")]
    Task(JobId),
    #[serde(rename = "v")]
    Verdict,
}

impl From<&PinReason> for Reason {
    fn from(reason: &PinReason) -> Self {
        match reason {
            PinReason::User => Self::User,
            PinReason::Input(execution) => Self::Input(*execution),
            PinReason::Result(execution) => Self::Result(*execution),
            PinReason::Task(job) => Self::Task(*job),
            PinReason::Verdict => Self::Verdict,
        }
    }
}

impl From<Reason> for PinReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::User => Self::User,
            Reason::Input(execution) => Self::Input(execution),
            Reason::Result(execution) => Self::Result(execution),
            Reason::Task(job) => Self::Task(job),
            Reason::Verdict => Self::Verdict,
        }
    }
}

/// The prefix and the head of a record; the data goes after them.
pub(crate) fn encode(entry: &Entry, data_bytes: usize) -> Vec<u8> {
    let mut record = vec![0; PREFIX_BYTES];
    // Entries are plain data: writing them to memory cannot fail.
    let head = serde_ipld_dagcbor::to_vec(entry).unwrap_or_default();
    record.extend_from_slice(&head);
    record[..4].copy_from_slice(&MAGIC);
    record[4..8].copy_from_slice(&(head.len() as u32).to_le_bytes());
    record[8..12].copy_from_slice(&(data_bytes as u32).to_le_bytes());
    let crc = checksum(&record[4..12], &head);
    record[12..16].copy_from_slice(&crc.to_le_bytes());
    record
}

/// Lengths that a prefix tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    pub(crate) head_bytes: usize,
    pub(crate) data_bytes: usize,
    pub(crate) is_void: bool,
    lengths: [u8; 8],
    crc: u32,
}

/// Reads a prefix; `None` when there is no record.
pub(crate) fn prefix(bytes: &[u8; PREFIX_BYTES]) -> Option<Prefix> {
    let is_void = bytes[..4] == VOID;
    if !is_void && bytes[..4] != MAGIC {
        return None;
    }
    let word = |at: usize| bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
    let found = Prefix {
        head_bytes: word(4) as usize,
        data_bytes: word(8) as usize,
        is_void,
        lengths: bytes[4..12].try_into().unwrap_or_default(),
        crc: word(12),
    };
    (found.head_bytes <= HEAD_BYTES_MAX && found.data_bytes <= BLOCK_BYTES_MAX).then_some(found)
}

/// Reads a head; `None` when it is torn.
pub(crate) fn head(prefix: &Prefix, head: &[u8]) -> Option<Entry> {
    if checksum(&prefix.lengths, head) != prefix.crc {
        return None;
    }
    serde_ipld_dagcbor::from_slice(head).ok()
}

fn checksum(lengths: &[u8], head: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(lengths);
    crc.update(head);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::raw_cid;

    fn decode(record: &[u8]) -> Option<Entry> {
        let prefix = prefix(record.get(..PREFIX_BYTES)?.try_into().ok()?)?;
        head(&prefix, record.get(PREFIX_BYTES..PREFIX_BYTES + prefix.head_bytes)?)
    }

    #[test]
    fn a_record_reads_back_and_a_flipped_bit_does_not() {
        let namespace = gadus_model::ExecutionId(uuid::Uuid::from_u128(7));
        let entry = Entry::Block { cid: raw_cid(b"x"), namespace: Some(namespace) };
        let record = encode(&entry, 1);
        assert_eq!(decode(&record), Some(entry));
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        // All four bytes at once make a record void.
        let void = [&VOID, &record[4..]].concat();
        assert!(prefix(void[..PREFIX_BYTES].try_into().unwrap()).unwrap().is_void);
        for cut in 0..record.len() {
            assert_eq!(decode(&record[..cut]), None, "cut at {cut}");
        }
    }
}
