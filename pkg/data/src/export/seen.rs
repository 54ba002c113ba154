//! Blocks that a CAR has already.

use std::collections::HashSet;

use gadus_model::Cid;
use gadus_ports::ContentError;

use crate::block::Key;
use crate::dag::may_link;
use crate::error::malformed;

/// What is known of a block that comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It was never met.
    New,
    /// It is in the CAR, and of what is below it perhaps not all.
    Partly,
    /// It is in the CAR, with all that is below it.
    Known,
}

/// Remembers blocks by half of their keys: nobody makes two of the same.
#[derive(Debug)]
pub(super) struct Seen {
    blocks: HashSet<u128>,
    /// Of those that may have links, the readings below which all is in the CAR too.
    whole: HashSet<(u128, u64)>,
    max: usize,
}

impl Seen {
    pub(super) fn new(max: usize) -> Self {
        Self { blocks: HashSet::new(), whole: HashSet::new(), max }
    }

    /// Meets a block, from which all below it follows, or some of it.
    ///
    /// # Errors
    /// `Malformed` for one more than may be remembered.
    pub(super) fn meet(&mut self, cid: &Cid, is_whole: bool) -> Result<News, ContentError> {
        let half = Key::of(cid).half();
        let reading = (half, cid.codec());
        if self.blocks.contains(&half) {
            let is_known = !may_link(cid) || self.whole.contains(&reading);
            if is_whole && !is_known {
                self.whole.insert(reading);
            }
            return Ok(if is_known { News::Known } else { News::Partly });
        }
        if self.blocks.len() == self.max {
            let why = format!(
                "it has more than {} different blocks; ask for it with duplicates (dups=y), or raise \
                 content.car_blocks_max",
                self.max
            );
            return Err(malformed("the tree for a CAR without duplicates", why));
        }
        self.blocks.insert(half);
        if is_whole && may_link(cid) {
            self.whole.insert(reading);
        }
        Ok(News::New)
    }
}
