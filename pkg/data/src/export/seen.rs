//! Blocks that a CAR has already.

use std::collections::HashMap;

use gadus_model::Cid;
use gadus_ports::ContentError;

use crate::block::Key;
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
    /// Whether all below a block is in the CAR too.
    blocks: HashMap<u128, bool>,
    max: usize,
}

impl Seen {
    pub(super) fn new(max: usize) -> Self {
        Self { blocks: HashMap::new(), max }
    }

    /// Meets a block, from which all below it follows, or some of it.
    ///
    /// # Errors
    /// `Malformed` for one more than may be remembered.
    pub(super) fn meet(&mut self, cid: &Cid, is_whole: bool) -> Result<News, ContentError> {
        let half = Key::of(cid).half();
        if let Some(was_whole) = self.blocks.get_mut(&half) {
            let news = if *was_whole { News::Known } else { News::Partly };
            *was_whole |= is_whole;
            return Ok(news);
        }
        if self.blocks.len() == self.max {
            let why = format!(
                "it has more than {} different blocks; ask for it with duplicates (dups=y), or raise \
                 content.car_blocks_max",
                self.max
            );
            return Err(malformed("the tree for a CAR without duplicates", why));
        }
        self.blocks.insert(half, is_whole);
        Ok(News::New)
    }
}
