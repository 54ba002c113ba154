//! Persist, then speak: effects wait behind the tickets of the events that caused them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use gadus_ports::{StoreError, Ticket};

/// A first-in-first-out queue of what may be done once a ticket is ready. What was put in without
/// a ticket still waits for everything before it: it may have been decided on a state that is not
/// durable yet.
#[derive(Debug)]
pub struct Pump<T> {
    waiting: VecDeque<(Option<Ticket>, T)>,
}

impl<T> Default for Pump<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<T> Pump<T> {
    /// Puts something in.
    pub fn push(&mut self, ticket: Option<Ticket>, item: T) {
        self.waiting.push_back((ticket, item));
    }

    /// How much waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the first item if it may be done already, without waiting.
    pub fn ready(&mut self) -> Option<T> {
        if self.waiting.front()?.0.is_some() {
            return None;
        }
        self.waiting.pop_front().map(|(_, item)| item)
    }

    /// The next item, once its ticket is ready. Waits for ever when nothing is in. Dropping the
    /// future loses nothing.
    ///
    /// # Errors
    /// The log has failed: nothing may be said any more.
    pub async fn next(&mut self) -> Result<T, StoreError> {
        poll_fn(|cx| {
            let Some((ticket, _)) = self.waiting.front_mut() else { return Poll::Pending };
            if let Some(waiting) = ticket {
                match Pin::new(waiting).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Ready(Ok(())) => *ticket = None,
                }
            }
            match self.waiting.pop_front() {
                Some((_, item)) => Poll::Ready(Ok(item)),
                None => Poll::Pending,
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_wait_for_their_own_ticket_and_all_before_it() {
        let mut pump = Pump::default();
        let (first, ticket) = Ticket::new();
        pump.push(Some(ticket), "durable first");
        pump.push(None, "needs nothing itself");
        assert!(pump.ready().is_none());
        let waits = tokio::time::timeout(std::time::Duration::ZERO, pump.next()).await;
        assert!(waits.is_err(), "nothing is released before its ticket");
        first.settle(Ok(()));
        assert_eq!(pump.next().await.unwrap(), "durable first");
        assert_eq!(pump.ready(), Some("needs nothing itself"));
        assert!(pump.is_empty());
    }

    #[tokio::test]
    async fn a_failed_append_releases_nothing() {
        let mut pump = Pump::default();
        let (first, ticket) = Ticket::new();
        pump.push(Some(ticket), 1);
        drop(first);
        assert!(matches!(pump.next().await, Err(StoreError::Closed)));
    }
}
