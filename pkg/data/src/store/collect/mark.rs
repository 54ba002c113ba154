//! What must stay: every block of every tree that is pinned, and of results that wait in
//! quarantine.
//!
//! Memory: 16 bytes a live block, 20 to 40 with the room of the table, and the links of the
//! blocks on the way down from one root.

use std::collections::HashSet;

use gadus_model::Cid;
use gadus_ports::{ContentError, NamespaceId};

use super::super::barrier::{Mark, Root};
use super::super::{Inner, now};
use crate::block::{Key, identity};
use crate::dag::{links, may_link};

/// The live blocks.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    live: HashSet<Mark>,
    /// Blocks whose links were followed, by the codec they were read with: one block may be named
    /// as a leaf here and as a node there.
    followed: HashSet<(Mark, u64)>,
}

impl Marks {
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.live.contains(&key.into())
    }

    /// Marks all that is here of a tree.
    ///
    /// # Errors
    /// `Io` when the store cannot be read, or is closing.
    pub(crate) fn tree(&mut self, inner: &Inner, root: &Root) -> Result<(), ContentError> {
        let mut stack = vec![root.cid];
        while let Some(cid) = stack.pop() {
            inner.stop_if_closing()?;
            let mark = Mark::from(&Key::of(&cid));
            if identity(&cid).is_none() {
                self.live.insert(mark);
            }
            if !may_link(&cid) || self.followed.contains(&(mark, cid.codec())) {
                continue;
            }
            // One that is not here yet is followed when its tree is told again.
            let Some(bytes) = inner.block(&cid, root.namespace)? else { continue };
            self.followed.insert((mark, cid.codec()));
            match links(&cid, &bytes) {
                Ok(links) => stack.extend(links.into_iter().map(|(cid, _)| cid)),
                // Nobody can read on from here, so there is nothing to keep below it.
                Err(error) => tracing::debug!(%cid, %error, "a pinned block has no links"),
            }
        }
        Ok(())
    }
}

/// Marks everything that is kept now. The index is up to date with all that went before.
///
/// # Errors
/// `Io` when the store cannot be read, or is closing.
pub(crate) fn all(inner: &Inner) -> Result<Marks, ContentError> {
    let mut marks = Marks::default();
    let mut failed = Ok(());
    let now = now();
    inner.each_pin(&mut |pin| {
        if pin.term.is_over(now) {
            return true;
        }
        failed = marks.tree(inner, &Root { cid: pin.root, namespace: None });
        failed.is_ok()
    })?;
    failed?;
    let results: Vec<(NamespaceId, Cid)> = inner.state.read().results().collect();
    for (namespace, cid) in results {
        marks.tree(inner, &Root { cid, namespace: Some(namespace) })?;
    }
    Ok(marks)
}
