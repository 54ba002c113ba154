//! What every [`Store`] must do.

use std::sync::Arc;

use gadus_model::view::JobView;
use gadus_model::{JobId, NodeId};

use crate::fake::sample;
use crate::store::{JobQuery, Store};

/// Runs the whole contract. `make` prepares a new, empty place; what it gives opens a store
/// there, again and again: each time with what was durable, as after a restart. The previous
/// store is dropped before.
///
/// # Panics
/// When the store breaks the contract, with what was expected.
pub async fn store_contract<O>(make: impl Fn() -> O)
where
    O: FnMut() -> Arc<dyn Store>,
{
    replay_gives_what_was_appended(make()).await;
    tickets_are_ready_in_order(make()).await;
    replay_begins_at_the_checkpoint(make()).await;
    folded_jobs_are_seen_at_once(make()).await;
    folding_again_replaces(make()).await;
    a_name_is_its_newest_job(make()).await;
    a_task_is_what_checked_it_hardest(make()).await;
    a_lie_is_found_by_its_node(make()).await;
    prefixes_find_jobs(make()).await;
    pages_are_cut_from_both_ends(make()).await;
    a_checkpoint_keeps_what_was_folded(make()).await;
}

async fn replay_gives_what_was_appended(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    assert!(store.replay().expect("an empty log replays").is_empty());
    let records: Vec<_> = (1..=20).map(|i| sample::record(1, i)).collect();
    for pair in records.chunks(2) {
        store.append(pair.to_vec()).await.expect("append");
    }
    drop(store);
    let store = open();
    assert_eq!(store.replay().expect("replay"), records);
    store.append(vec![sample::record(1, 21)]).await.expect("appending goes on");
    drop(store);
    assert_eq!(open().replay().expect("replay").len(), 21);
}

async fn tickets_are_ready_in_order(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    let mut tickets: Vec<_> = (1..=200).map(|i| store.append(vec![sample::record(1, i)])).collect();
    let last = tickets.pop().expect("200 tickets");
    last.await.expect("append");
    for ticket in tickets {
        // Whoever is before one that is ready is ready itself. Not counted against the task's
        // budget, which would make a ready ticket look as if it was not.
        tokio::select! {
            biased;
            outcome = tokio::task::unconstrained(ticket) => outcome.expect("append"),
            () = std::future::ready(()) => panic!("a later ticket was ready before an earlier one"),
        }
    }
}

async fn replay_begins_at_the_checkpoint(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    store.append((1..=9).map(|i| sample::record(1, i)).collect()).await.expect("append");
    let snapshots = vec![sample::snapshot(1, 9, 100), sample::snapshot(2, 4, 100)];
    let checkpoint = store.checkpoint(snapshots.clone());
    let later = store.append(vec![sample::record(1, 10)]);
    checkpoint.await.expect("checkpoint");
    later.await.expect("append");
    drop(store);
    let expected: Vec<_> = snapshots.into_iter().chain([sample::record(1, 10)]).collect();
    assert_eq!(open().replay().expect("replay"), expected);
}

async fn folded_jobs_are_seen_at_once(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    for n in 1..=50 {
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(sample::view(n)));
        let id = sample::job_id(n);
        assert_eq!(store.job(id).expect("job"), Some(sample::view(n)));
        let key = format!("key-{n}");
        assert_eq!(store.job_by_key("tester", &key).expect("by key"), Some(id));
        let name = format!("job-{n}");
        assert_eq!(store.job_by_name("default", &name).expect("by name"), Some(id));
        assert_eq!(ids(&*store, &newest(1)), ([id].to_vec(), n as usize));
    }
    assert_eq!(store.job(sample::job_id(51)).expect("job"), None);
    assert_eq!(store.job_by_key("another", "key-1").expect("by key"), None);
    assert_eq!(store.job_by_name("another", "job-1").expect("by name"), None);
}

async fn folding_again_replaces(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    store.append(vec![sample::ended(1, 1)]).await.expect("append");
    store.fold(Arc::new(sample::view(1)));
    // On both sides of whatever moves folded jobs to their final place.
    store.checkpoint(Vec::new()).await.expect("checkpoint");
    let again = JobView { message: "seen later".to_owned(), ..sample::view(1) };
    store.fold(Arc::new(again.clone()));
    store.fold(Arc::new(again.clone()));
    assert_eq!(store.job(sample::job_id(1)).expect("job"), Some(again.clone()));
    assert_eq!(ids(&*store, &newest(10)), (vec![sample::job_id(1)], 1));
    store.checkpoint(Vec::new()).await.expect("checkpoint");
    assert_eq!(store.job(sample::job_id(1)).expect("job"), Some(again));
    assert_eq!(ids(&*store, &newest(10)), (vec![sample::job_id(1)], 1));
}

async fn a_name_is_its_newest_job(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    for n in [2, 3, 1] {
        let mut view = sample::view(n);
        view.job.name = "nightly".to_owned();
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(view));
        if n == 3 {
            store.checkpoint(Vec::new()).await.expect("checkpoint");
        }
    }
    let newest = store.job_by_name("default", "nightly").expect("by name");
    assert_eq!(newest, Some(sample::job_id(3)));
}

async fn a_task_is_what_checked_it_hardest(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    let task = sample::verified(1, 2).replays().next().expect("it was verified").origin.task();
    let found = |n: u32| {
        let jobs = store.jobs_by_task(&task).expect("by task");
        jobs.contains(&sample::job_id(n))
    };
    for (n, equal) in [(1, 2), (2, 3), (3, 2), (4, 3)] {
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(sample::verified(n, equal)));
        assert!(found(n), "what is new is found at once");
        store.checkpoint(Vec::new()).await.expect("checkpoint");
        assert!(found([1, 2, 2, 4][n as usize - 1]), "{n}");
    }
    let other = sample::view(9).job.tasks["main"].cid().expect("a CID");
    store.fold(Arc::new(sample::view(9)));
    assert_eq!(store.jobs_by_task(&other).expect("by task"), [], "nobody has checked it");
}

async fn a_lie_is_found_by_its_node(mut open: impl FnMut() -> Arc<dyn Store>) {
    let mut store = open();
    let mut all = Vec::new();
    for (n, liar) in [(1, 40), (2, 41), (3, 40), (4, 40)] {
        let view = sample::lied_in(n, liar);
        let lie = view.lie_ids().next().expect("somebody lied");
        all.push(lie);
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(view.clone()));
        assert!(store.lies(None, 0, 9).expect("lies").contains(&lie), "seen at once");
        if n == 2 {
            store.checkpoint(Vec::new()).await.expect("checkpoint");
            store.fold(Arc::new(view));
        }
    }
    let by_node = [all[0], all[2], all[3], all[1]];
    for _ in 0..2 {
        let find = |of, offset, limit| store.lies(of, offset, limit).expect("lies");
        assert_eq!(find(None, 0, 9), by_node);
        assert_eq!((find(None, 1, 2), find(None, 4, 2)), (by_node[1..3].to_vec(), Vec::new()));
        assert_eq!(find(Some(all[0].node), 0, 9), by_node[..3]);
        assert_eq!(find(Some(all[1].node), 0, 9), by_node[3..]);
        assert_eq!(find(Some(NodeId([9; 32])), 0, 9), []);
        store.checkpoint(Vec::new()).await.expect("checkpoint");
        drop(store);
        store = open();
    }
}

async fn prefixes_find_jobs(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    let numbers = [0x1234_5678, 0x1234_5679, 0x1334_5678];
    for n in numbers {
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(sample::view(n)));
        if n == numbers[0] {
            store.checkpoint(Vec::new()).await.expect("checkpoint");
        }
    }
    let find = |prefix: &str, max| store.jobs_by_prefix(prefix, max).expect("by prefix");
    let [a, b, c] = numbers.map(sample::job_id);
    assert_eq!(find("1", 9), [a, b, c]);
    assert_eq!(find("12345", 9), [a, b]);
    assert_eq!(find("12345678-0000", 9), [a]);
    assert_eq!(find(&a.to_string()[2..], 9), [a]);
    assert_eq!(find("", 2), [a, b]);
    for none in ["2", "1234567800", "12345678_", "zz", "12345678-0000-8000-8000-0000123456789"] {
        assert!(find(none, 9).is_empty(), "{none}");
    }
}

async fn pages_are_cut_from_both_ends(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    for n in 1..=30 {
        let mut view = sample::view(n);
        if n % 3 == 0 {
            view.job.namespace = "third".to_owned();
        }
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(view));
        if n == 20 {
            store.checkpoint(Vec::new()).await.expect("checkpoint");
        }
    }
    let all: Vec<u32> = (1..=30).collect();
    let third: Vec<u32> = all.iter().copied().filter(|n| n % 3 == 0).collect();
    for (namespace, mut of) in [(None, all), (Some("third"), third), (Some("none"), Vec::new())] {
        for reverse in [false, true] {
            for (offset, limit) in [(0, 5), (7, 4), (25, 10), (100, 5), (0, 100), (3, 0)] {
                let namespace = namespace.map(str::to_owned);
                let got = ids(&*store, &JobQuery { namespace, reverse, offset, limit });
                let page = of.iter().skip(offset).take(limit).map(|n| sample::job_id(*n));
                assert_eq!(got, (page.collect(), of.len()), "{reverse} {offset} {limit}");
            }
            of.reverse();
        }
    }
}

async fn a_checkpoint_keeps_what_was_folded(mut open: impl FnMut() -> Arc<dyn Store>) {
    let store = open();
    for n in 1..=10 {
        store.append(vec![sample::ended(n, 1)]).await.expect("append");
        store.fold(Arc::new(sample::view(n)));
    }
    store.checkpoint(Vec::new()).await.expect("checkpoint");
    drop(store);
    let store = open();
    assert!(store.replay().expect("replay").is_empty());
    assert_eq!(ids(&*store, &newest(3)).1, 10);
    assert_eq!(store.job(sample::job_id(4)).expect("job"), Some(sample::view(4)));
}

fn newest(limit: usize) -> JobQuery {
    JobQuery { namespace: None, reverse: true, offset: 0, limit }
}

fn ids(store: &dyn Store, query: &JobQuery) -> (Vec<JobId>, usize) {
    let page = store.jobs(query).expect("jobs");
    (page.jobs.into_iter().map(|entry| entry.id).collect(), page.total)
}
