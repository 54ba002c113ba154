//! One download for all who wait for the same tree.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::Shared;
use gadus_model::Cid;
use gadus_ports::ContentError;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// How a download ended, for those who waited for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Landed {
    /// All of it is here.
    Whole,
    /// Nobody has a block.
    Missing { cid: Cid, asked: usize, waited_ms: u64 },
    /// Nobody who could be asked has it.
    Unreachable { cid: Cid, trouble: Box<str> },
    /// Something else went wrong; the next one tries again.
    Failed,
}

impl Landed {
    pub(crate) fn of<T>(result: &Result<T, ContentError>) -> Self {
        match result {
            Ok(_) => Self::Whole,
            Err(ContentError::Missing { cid, asked, waited_ms }) => {
                Self::Missing { cid: *cid, asked: *asked, waited_ms: *waited_ms }
            }
            Err(ContentError::Unreachable { cid, trouble }) => {
                Self::Unreachable { cid: *cid, trouble: trouble.clone() }
            }
            Err(_) => Self::Failed,
        }
    }

    /// What those who waited are told; nothing where they are to look again.
    pub(crate) fn error(self) -> Option<ContentError> {
        match self {
            Self::Missing { cid, asked, waited_ms } => {
                Some(ContentError::Missing { cid, asked, waited_ms })
            }
            Self::Unreachable { cid, trouble } => Some(ContentError::Unreachable { cid, trouble }),
            Self::Whole | Self::Failed => None,
        }
    }
}

/// The downloads that are under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    by_root: Arc<Mutex<HashMap<Cid, Shared<oneshot::Receiver<Landed>>>>>,
}

/// The right, and the duty, to do a download.
pub(crate) struct Pilot {
    root: Cid,
    landed: Option<oneshot::Sender<Landed>>,
    by_root: Arc<Mutex<HashMap<Cid, Shared<oneshot::Receiver<Landed>>>>>,
}

/// What to do about a download.
pub(crate) enum Boarded {
    /// Nobody does it yet.
    Pilot(Pilot),
    /// It is under way.
    Passenger(Shared<oneshot::Receiver<Landed>>),
}

impl Flights {
    pub(crate) fn board(&self, root: &Cid) -> Boarded {
        let mut by_root = self.by_root.lock();
        if let Some(flight) = by_root.get(root) {
            return Boarded::Passenger(flight.clone());
        }
        let (landed, flight) = oneshot::channel();
        by_root.insert(*root, flight.shared());
        let by_root = self.by_root.clone();
        Boarded::Pilot(Pilot { root: *root, landed: Some(landed), by_root })
    }
}

impl Pilot {
    pub(crate) fn land(mut self, landed: Landed) {
        self.by_root.lock().remove(&self.root);
        if let Some(sender) = self.landed.take() {
            // Perhaps nobody waits.
            let _ = sender.send(landed);
        }
    }
}

impl Drop for Pilot {
    /// A pilot who was cancelled: the passengers see it, and one of them takes over.
    fn drop(&mut self) {
        if self.landed.is_some() {
            self.by_root.lock().remove(&self.root);
        }
    }
}
