//! The seam to what is kept, why and until when, and to the upkeep of the room it takes.

use async_trait::async_trait;
use gadus_model::{Cid, Time};

use crate::content::{ContentError, PinReason};

/// Pins with their terms, and the care of a store. Beside [`crate::Content`], which is about
/// blocks and trees.
#[async_trait]
pub trait Keeping: Send + Sync {
    /// Pins a tree that is here, until a moment or for ever. The same tree pinned again for the
    /// same reason has the later call's term.
    ///
    /// # Errors
    /// `Io`.
    async fn keep(
        &self,
        root: Cid,
        reason: PinReason,
        until: Option<Time>,
    ) -> Result<(), ContentError>;

    /// Drops the pin of one tree for a reason. One that is not there is dropped already.
    ///
    /// # Errors
    /// `Io`.
    async fn release(&self, root: Cid, reason: PinReason) -> Result<(), ContentError>;

    /// Some pins, in an order that stays; those whose time is over are none.
    ///
    /// # Errors
    /// `Io`.
    async fn pin_page(&self, offset: usize, limit: usize) -> Result<PinPage, ContentError>;

    /// All pins of a tree.
    ///
    /// # Errors
    /// `Io`.
    async fn pins_of(&self, root: Cid) -> Result<Vec<Pin>, ContentError>;

    /// Figures. Looks at every inner block of every pinned tree.
    ///
    /// # Errors
    /// `Io`.
    async fn stat(&self) -> Result<StoreStat, ContentError>;

    /// Drops pins whose time is over, and frees what nothing keeps. Goes on beside readers and
    /// writers.
    ///
    /// # Errors
    /// `Io`, `Full`; what was freed until then stays freed.
    async fn collect(&self) -> Result<Collected, ContentError>;

    /// Reads everything and checks it. With `repair`, what is damaged is forgotten, so that it is
    /// fetched again when it is wanted.
    ///
    /// # Errors
    /// `Io` where a disk cannot be read at all; damage is no error.
    async fn check(&self, repair: bool) -> Result<Checked, ContentError>;
}

/// A tree that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its root.
    pub root: Cid,
    /// Why.
    pub reason: PinReason,
    /// Since when; absent where an older gadus did not write it down.
    pub made: Option<Time>,
    /// Until when; absent means for ever.
    pub until: Option<Time>,
}

/// Some pins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinPage {
    /// In order.
    pub pins: Vec<Pin>,
    /// The offset of the next page, where there is one.
    pub next_offset: Option<usize>,
}

/// Figures of a store. Bytes of blocks are as the quota counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStat {
    /// Public blocks.
    pub blocks: u64,
    /// Their bytes.
    pub block_bytes: u64,
    /// Those of them that pins keep.
    pub pinned_blocks: u64,
    /// Their bytes.
    pub pinned_bytes: u64,
    /// Blocks of results that wait to be accepted.
    pub quarantined_blocks: u64,
    /// Their bytes.
    pub quarantined_bytes: u64,
    /// Bytes that count against the quota now, with what imports under way have asked for.
    pub used_bytes: u64,
    /// What may be used.
    pub quota_bytes: u64,
    /// Pack files.
    pub packs: u64,
    /// What they take of the disk.
    pub pack_disk_bytes: u64,
    /// What the index takes of the disk.
    pub index_disk_bytes: u64,
    /// Pins of people.
    pub user_pins: u64,
    /// Pins of inputs of executions.
    pub input_pins: u64,
    /// Pins of results.
    pub result_pins: u64,
    /// Pins of tasks.
    pub task_pins: u64,
    /// Pins of other requesters' verdicts.
    pub verdict_pins: u64,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Pins whose time was over.
    pub expired_pins: u64,
    /// Blocks that nothing kept.
    pub blocks: u64,
    /// Their bytes, as the quota counts them.
    pub bytes: u64,
    /// Pack files that were removed.
    pub packs: u64,
    /// Bytes of live blocks that were copied out of them.
    pub copied_bytes: u64,
    /// By how much less of the disk is taken.
    pub disk_bytes: u64,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Blocks that are what their CIDs say.
    pub good_blocks: u64,
    /// Their bytes.
    pub good_bytes: u64,
    /// Packs that were read.
    pub packs: u64,
    /// How many blocks and records are bad.
    pub bad: u64,
    /// The first of them, so many as a limit of the store allows.
    pub named: Vec<Bad>,
    /// Blocks that were forgotten, to be fetched again.
    pub repaired: u64,
}

/// Something that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// The pack's file name.
    pub pack: String,
    /// Where in it.
    pub offset: u64,
    /// Which block; absent where the record does not tell any more.
    pub cid: Option<Cid>,
    /// What is wrong.
    pub why: String,
}
