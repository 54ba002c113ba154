//! The bounded queue between the event loop and the log thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use gadus_model::event::Record;
use gadus_ports::{StoreError, Ticket, TicketIssuer};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// What the log thread is asked to write.
#[derive(Debug)]
pub(crate) enum Item {
    Append {
        records: Vec<Record>,
        issuer: TicketIssuer,
    },
    /// Begins a segment with these.
    Checkpoint {
        number: u64,
        snapshots: Vec<Record>,
        issuer: TicketIssuer,
    },
    /// What was folded before this checkpoint is durable in the index: it counts.
    Complete(u64),
}

/// Items in the order in which they become durable.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    filled: Condvar,
    drained: Condvar,
    items_max: usize,
    /// How many items are durable.
    durable: AtomicU64,
}

#[derive(Debug)]
struct State {
    items: VecDeque<Item>,
    /// How many items ever came in.
    entered: u64,
    /// The number of the newest checkpoint.
    checkpoint: u64,
    /// Why nothing comes in any more.
    refusal: Option<StoreError>,
}

impl Inbox {
    /// `checkpoint` is the number of the newest checkpoint in the log, complete or not.
    pub(crate) fn new(items_max: usize, checkpoint: u64) -> Self {
        let items = VecDeque::new();
        Self {
            state: Mutex::new(State { items, entered: 0, checkpoint, refusal: None }),
            filled: Condvar::new(),
            drained: Condvar::new(),
            items_max,
            durable: AtomicU64::new(0),
        }
    }

    pub(crate) fn append(&self, records: Vec<Record>) -> Ticket {
        let (issuer, ticket) = Ticket::new();
        let mut state = self.room();
        match &state.refusal {
            Some(error) => issuer.settle(Err(error.clone())),
            None => self.enter(&mut state, Item::Append { records, issuer }),
        }
        ticket
    }

    /// The ticket, and what the index needs to know: the checkpoint's number, and how many items
    /// must be durable before it can be complete.
    pub(crate) fn checkpoint(&self, snapshots: Vec<Record>) -> (Ticket, Option<(u64, u64)>) {
        let (issuer, ticket) = Ticket::new();
        let mut state = self.room();
        if let Some(error) = &state.refusal {
            issuer.settle(Err(error.clone()));
            return (ticket, None);
        }
        state.checkpoint += 1;
        let number = state.checkpoint;
        self.enter(&mut state, Item::Checkpoint { number, snapshots, issuer });
        (ticket, Some((number, state.entered)))
    }

    /// Room or not: the index, which says this, must never wait for the log, which may be
    /// waiting for the index. There is at most one for each checkpoint.
    pub(crate) fn complete(&self, checkpoint: u64) {
        let mut state = self.state.lock();
        if state.refusal.is_none() {
            self.enter(&mut state, Item::Complete(checkpoint));
        }
    }

    /// How many items ever came in.
    pub(crate) fn entered(&self) -> u64 {
        self.state.lock().entered
    }

    /// How many of them are durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// As many more items are durable.
    pub(crate) fn advance(&self, items: u64) {
        self.durable.fetch_add(items, Ordering::Release);
    }

    /// Waits for items and takes them all into `taken`, which is empty. False when there will be
    /// none any more.
    pub(crate) fn take(&self, taken: &mut VecDeque<Item>) -> bool {
        let mut state = self.state.lock();
        while state.items.is_empty() && state.refusal.is_none() {
            self.filled.wait(&mut state);
        }
        std::mem::swap(&mut state.items, taken);
        self.drained.notify_all();
        !taken.is_empty()
    }

    /// Lets nothing more in; what is in is still taken.
    pub(crate) fn close(&self) {
        self.refuse(StoreError::Closed, false);
    }

    /// Lets nothing more in, for ever, and fails what is in.
    pub(crate) fn fail(&self, error: &StoreError) {
        let items = self.refuse(error.clone(), true);
        items.into_iter().for_each(|item| item.fail(error));
    }

    /// Why the log or the index failed, if one did.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        let state = self.state.lock();
        state.refusal.clone().filter(|e| !matches!(e, StoreError::Closed))
    }

    fn refuse(&self, error: StoreError, empty: bool) -> VecDeque<Item> {
        let mut state = self.state.lock();
        // The first failure is the one that explains the others.
        if matches!(state.refusal, None | Some(StoreError::Closed)) {
            state.refusal = Some(error);
        }
        self.filled.notify_all();
        self.drained.notify_all();
        if empty { std::mem::take(&mut state.items) } else { VecDeque::new() }
    }

    /// The state, once there is room for an item or no item can enter any more.
    fn room(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        while state.items.len() >= self.items_max && state.refusal.is_none() {
            self.drained.wait(&mut state);
        }
        state
    }

    fn enter(&self, state: &mut State, item: Item) {
        state.items.push_back(item);
        state.entered += 1;
        self.filled.notify_one();
    }
}

impl Item {
    pub(crate) fn fail(self, error: &StoreError) {
        match self {
            Self::Append { issuer, .. } | Self::Checkpoint { issuer, .. } => {
                issuer.settle(Err(error.clone()));
            }
            Self::Complete(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn a_full_inbox_blocks_until_it_is_drained() {
        let inbox = Arc::new(Inbox::new(2, 0));
        let first = inbox.append(Vec::new());
        let second = inbox.append(Vec::new());
        let blocked = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || inbox.append(Vec::new()))
        };
        let mut taken = VecDeque::new();
        assert!(inbox.take(&mut taken));
        assert_eq!(taken.len(), 2, "no more than fits");
        let third = blocked.join().unwrap();
        assert_eq!(inbox.entered(), 3);

        inbox.fail(&StoreError::Io { doing: "test".to_owned(), why: "broken".to_owned() });
        assert!(third.await.unwrap_err().to_string().contains("broken"), "it was inside");
        let late = inbox.append(Vec::new()).await.unwrap_err();
        assert!(late.to_string().contains("broken"));
        assert!(!inbox.take(&mut VecDeque::new()));
        drop((first, second));
    }

    #[tokio::test]
    async fn a_closed_inbox_gives_out_what_is_in_it() {
        let inbox = Inbox::new(8, 4);
        let (_ticket, number) = inbox.checkpoint(Vec::new());
        assert_eq!(number, Some((5, 1)));
        inbox.close();
        let mut taken = VecDeque::new();
        assert!(inbox.take(&mut taken));
        assert_eq!(taken.len(), 1);
        assert!(matches!(inbox.append(Vec::new()).await, Err(StoreError::Closed)));
        assert!(inbox.failure().is_none());
    }
}
