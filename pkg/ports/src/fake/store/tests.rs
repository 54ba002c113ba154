use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::fake::sample;

fn is_ready(ticket: &mut Ticket) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    matches!(pin!(ticket).poll(&mut cx), Poll::Ready(_))
}

#[tokio::test]
async fn it_keeps_the_contract() {
    crate::contract::store_contract(|| {
        let mut store: Option<Arc<MemoryStore>> = None;
        move || {
            let next = Arc::new(store.as_ref().map_or_else(MemoryStore::new, |s| s.restart()));
            store = Some(Arc::clone(&next));
            next
        }
    })
    .await;
}

#[tokio::test]
async fn held_tickets_wait_and_are_lost_by_a_crash() {
    let store = MemoryStore::new();
    store.append(vec![sample::record(1, 1)]).await.unwrap();
    store.hold();
    let mut second = store.append(vec![sample::record(1, 2)]);
    let mut third = store.append(vec![sample::record(1, 3)]);
    assert!(!is_ready(&mut second));
    assert!(store.release_one());
    assert!(is_ready(&mut second));
    assert!(!is_ready(&mut third));

    let after = store.restart();
    assert_eq!(after.replay().unwrap(), [sample::record(1, 1), sample::record(1, 2)]);
    assert!(third.await.is_err(), "the crashed process got no promise");
}

#[tokio::test]
async fn after_a_failure_everything_fails() {
    let store = MemoryStore::new();
    store.hold();
    let held = store.append(vec![sample::record(1, 1)]);
    store.fail("no disk");
    assert!(held.await.unwrap_err().to_string().contains("no disk"));
    assert!(store.append(vec![sample::record(1, 2)]).await.is_err());
    assert!(store.records().is_empty());
}

#[tokio::test]
async fn one_release_is_one_group() {
    let store = MemoryStore::new();
    store.hold();
    let tickets: Vec<Ticket> = (1..=50).map(|i| store.append(vec![sample::record(1, i)])).collect();
    assert_eq!(store.held(), 50);
    store.release();
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(store.fsyncs(), 1);
}
