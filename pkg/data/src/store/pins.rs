//! What is kept, why and until when.

use std::collections::BTreeMap;

use gadus_model::{Cid, Time};
use gadus_ports::{ContentError, Pin, PinPage, PinReason, Pinning};

use super::index::StoredPin;
use super::record::{Entry, Reason, Term};
use super::state::PinChange;
use super::{Item, Store, now};

impl Store {
    /// Pins a root. What is here of its tree when this returns stays. It does not bring back what
    /// a collection took before: who put blocks that nothing kept looks for them afterwards.
    /// An input's pin does not wait for the disk: whoever runs the execution again after a crash
    /// asks for its inputs again.
    pub(crate) async fn pin(
        &self,
        root: Cid,
        pinning: impl Into<Pinning>,
    ) -> Result<(), ContentError> {
        let pinning = pinning.into();
        let durable = !matches!(pinning.reason, PinReason::Input(_));
        let term = Term::of(&pinning);
        self.append(vec![Item::pin(root, &pinning.reason, term)], durable).await
    }

    /// Pins a root until a moment, or for ever.
    pub(crate) async fn keep(
        &self,
        root: Cid,
        reason: &PinReason,
        until: Option<Time>,
    ) -> Result<(), ContentError> {
        let term = Term { made_us: now().0, until_us: until.map(|until| until.0) };
        self.append(vec![Item::pin(root, reason, term)], true).await
    }

    /// Drops every pin of a reason.
    pub(crate) async fn unpin(&self, reason: &PinReason) -> Result<(), ContentError> {
        let entry = Entry::Unpin { reason: reason.into(), root: None };
        self.append(vec![Item::Control(entry)], false).await
    }

    /// Drops the pin of one root.
    pub(crate) async fn release(&self, root: Cid, reason: &PinReason) -> Result<(), ContentError> {
        let entry = Entry::Unpin { reason: reason.into(), root: Some(root) };
        self.append(vec![Item::Control(entry)], true).await?;
        self.inner.pressure.let_go();
        Ok(())
    }

    /// All pins, sorted and each once; those that are over are none.
    pub(crate) fn pins(&self) -> Result<Vec<(Cid, PinReason)>, ContentError> {
        let now = now();
        let held = self.held()?.into_iter().filter(|(_, term)| !term.is_over(now));
        let mut pins: Vec<_> = held.map(|((reason, root), _)| (root, reason.into())).collect();
        pins.sort();
        Ok(pins)
    }

    fn held(&self) -> Result<BTreeMap<(Reason, Cid), Term>, ContentError> {
        // The changes first: what the index takes meanwhile is then seen twice, not never.
        let changes = self.inner.state.read().pin_changes().to_vec();
        let mut pins = BTreeMap::new();
        self.inner.each_pin(&mut |pin| {
            pins.insert((pin.reason, pin.root), pin.term);
            true
        })?;
        for change in changes {
            match change {
                PinChange::Add(reason, root, term) => {
                    pins.insert((reason, root), term);
                }
                PinChange::Drop(reason, Some(root)) => {
                    pins.remove(&(reason, root));
                }
                PinChange::Drop(reason, None) => pins.retain(|(other, _), _| *other != reason),
            }
        }
        Ok(pins)
    }

    /// Some pins, by reason, as of now.
    pub(crate) fn pin_page(&self, offset: usize, limit: usize) -> Result<PinPage, ContentError> {
        self.inner.flush()?;
        let now = now();
        let (mut nth, mut page) = (0, PinPage::default());
        self.inner.each_pin(&mut |pin| {
            if pin.term.is_over(now) {
                return true;
            }
            if page.pins.len() == limit {
                page.next_offset = Some(nth);
                return false;
            }
            if nth >= offset {
                page.pins.push(shown(&pin));
            }
            nth += 1;
            true
        })?;
        Ok(page)
    }

    /// All pins of one root.
    pub(crate) fn pins_of(&self, root: &Cid) -> Result<Vec<Pin>, ContentError> {
        self.inner.flush()?;
        let now = now();
        let mut pins = Vec::new();
        self.inner.each_pin(&mut |pin| {
            if pin.root == *root && !pin.term.is_over(now) {
                pins.push(shown(&pin));
            }
            true
        })?;
        Ok(pins)
    }

    /// Roots that were whole when they were pinned, for users and as inputs. What a lost index or
    /// a crash leaves out here is only walked again.
    pub(crate) fn roots_in_use(&self, roots_max: usize) -> Vec<Cid> {
        if self.inner.state.read().has_holes() {
            return Vec::new();
        }
        self.inner.index.roots_in_use(roots_max).unwrap_or_else(|error| {
            tracing::warn!(%error, "the pins cannot be read");
            Vec::new()
        })
    }
}

fn shown(pin: &StoredPin) -> Pin {
    Pin {
        root: pin.root,
        reason: pin.reason.into(),
        made: Some(Time(pin.term.made_us)).filter(|made| made.0 > 0),
        until: pin.term.until_us.map(Time),
    }
}
