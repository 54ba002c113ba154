//! The walk over a tree, depth first, with a stack of lists of links.

use std::vec::IntoIter;

use bytes::{Bytes, BytesMut};
use gadus_model::Cid;
use gadus_ports::{CarPart, ContentError, NamespaceId};

use super::frame;
use super::seen::{News, Seen};
use super::steps::{Step, Want};
use crate::block::identity;
use crate::config::ContentConfig;
use crate::content::Core;
use crate::error::malformed;
use crate::read::route::Route;

/// Bytes that are read before they are sent.
const BATCH_BYTES: usize = 1 << 20;
/// A block of less is copied behind its neighbours: sending each alone would cost more.
const COPIED_BYTES_MAX: usize = 32 << 10;

/// A walk that can be gone on with.
pub(super) struct Walk {
    namespace: Option<NamespaceId>,
    /// What goes out first; then nothing.
    header: Option<Bytes>,
    /// Blocks still to come: the next one is first in the last list. No list is empty.
    stack: Vec<List>,
    /// Links in all lists, those that were followed included: they take room until the list goes.
    links: usize,
    links_max: usize,
    /// So many are asked for at once when they are missing.
    window: usize,
    /// What is in the CAR; nothing where duplicates are wanted.
    seen: Option<Seen>,
}

/// The links of a block.
struct List {
    left: IntoIter<Step>,
    length: usize,
}

/// Some frames of a CAR.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) pieces: Vec<Bytes>,
    /// The walk has come to these, which are not here.
    pub(super) missing: Vec<Cid>,
    gathered: BytesMut,
    bytes: usize,
}

impl Walk {
    pub(super) fn new(
        config: &ContentConfig,
        namespace: Option<NamespaceId>,
        route: &Route,
        part: CarPart,
    ) -> Result<Self, ContentError> {
        let step = |cid: &Cid, want| Step { cid: *cid, want };
        let mut first: Vec<_> = route.passed.iter().map(|cid| step(cid, Want::Only)).collect();
        first.push(step(&route.cid, Want::of(part.scope, part.bytes)));
        Ok(Self {
            namespace,
            header: Some(frame::header(&[route.cid])?),
            links: first.len(),
            stack: vec![List { length: first.len(), left: first.into_iter() }],
            links_max: config.car_links_max,
            window: config.fetch_window,
            seen: (!part.dups).then(|| Seen::new(config.car_blocks_max)),
        })
    }

    /// The next frames; none at the end of the walk.
    ///
    /// # Errors
    /// `Malformed` for blocks that are not of their codec, and for a tree beyond the limits; `Io`.
    pub(super) fn batch(mut self, core: &Core) -> Result<(Self, Batch), ContentError> {
        let mut batch = Batch::default();
        while batch.bytes < BATCH_BYTES {
            let Some(step) = self.upcoming().first().copied() else { break };
            let Some(block) = core.store.get(&step.cid, self.namespace)? else {
                batch.missing = self.missing(core);
                break;
            };
            self.take();
            self.visit(&step, &block, &mut batch)?;
        }
        batch.flush();
        // It goes with the first block: a tree whose root nobody has is no archive at all.
        if !batch.pieces.is_empty() || batch.missing.is_empty() {
            batch.pieces.splice(..0, self.header.take());
        }
        Ok((self, batch))
    }

    /// The blocks that come next, as far as the last list tells.
    fn upcoming(&self) -> &[Step] {
        self.stack.last().map(|list| list.left.as_slice()).unwrap_or_default()
    }

    /// Passes the next block. A list goes with its last one, so that a chain of blocks that link to
    /// one each needs no stack.
    fn take(&mut self) {
        if let Some(list) = self.stack.last_mut() {
            list.left.next();
            if list.left.len() == 0 {
                self.links -= list.length;
                self.stack.pop();
            }
        }
    }

    fn visit(&mut self, step: &Step, block: &Bytes, batch: &mut Batch) -> Result<(), ContentError> {
        let news = match &mut self.seen {
            Some(seen) => seen.meet(&step.cid, step.want.is_whole())?,
            None => News::New,
        };
        if news == News::Known {
            return Ok(());
        }
        if news == News::New && identity(&step.cid).is_none() {
            batch.section(&step.cid, block);
        }
        let below = step.want.below(&step.cid, block)?;
        self.links += below.len();
        if self.links > self.links_max {
            let why = format!(
                "more than {} links are to be followed at once; content.car_links_max raises that",
                self.links_max
            );
            return Err(malformed(format!("the tree at block {}", step.cid), why));
        }
        if !below.is_empty() {
            self.stack.push(List { length: below.len(), left: below.into_iter() });
        }
        Ok(())
    }

    /// The block that comes next, and those beside it that are missing too.
    fn missing(&self, core: &Core) -> Vec<Cid> {
        let mut steps = self.upcoming().iter().map(|step| step.cid);
        let next = steps.next();
        let beside = steps.filter(|cid| !core.store.has(cid));
        next.into_iter().chain(beside).take(self.window.max(1)).collect()
    }
}

impl Batch {
    fn section(&mut self, cid: &Cid, block: &Bytes) {
        frame::put_section(&mut self.gathered, cid, block.len());
        self.bytes += block.len();
        if block.len() <= COPIED_BYTES_MAX {
            self.gathered.extend_from_slice(block);
        } else {
            self.flush();
            self.pieces.push(block.clone());
        }
    }

    fn flush(&mut self) {
        let gathered = self.gathered.split().freeze();
        if !gathered.is_empty() {
            self.pieces.push(gathered);
        }
    }
}
