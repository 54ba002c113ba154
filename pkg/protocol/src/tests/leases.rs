//! Leases as the requester counts them: from receiving or answering, and longer than the node does.

use gadus_model::message::{Held, Message};
use gadus_model::{Class, Execution, ExecutionState, Limits};

use super::rig::{TestRequester, info, job, job_id, limits, node};

/// A requester with a job that node 1 runs and that is not pure, so that the lease alone counts.
fn with_running(lease_ms: u64, lease_grace_ms: u64) -> (TestRequester, Execution) {
    let mut r = TestRequester::new(Limits { lease_ms, lease_grace_ms, ..limits() });
    r.meets(info(node(1)));
    let mut query = job(1);
    query.context.class = Class::Query;
    r.submit(query);
    let execution = r.runs(job_id(1), node(1));
    (r, execution)
}

fn is_lost(r: &TestRequester, execution: &Execution) -> bool {
    r.state_of(execution) == Some(ExecutionState::Lost)
}

#[test]
fn an_execution_is_lost_after_its_lease_a_tenth_of_it_and_a_grace() {
    for (lease_ms, grace_ms, ends_ms) in
        [(30_000, 5_000, 38_000), (300_000, 5_000, 335_000), (100, 0, 110), (1, 1, 2)]
    {
        let (mut r, execution) = with_running(lease_ms, grace_ms);
        r.wait_ms(ends_ms - 1);
        assert!(!is_lost(&r, &execution), "{lease_ms} and {grace_ms}");
        let outcome = r.wait_ms(1);
        assert!(is_lost(&r, &execution), "{lease_ms} and {grace_ms}");
        assert_eq!(outcome.events(), ["Lost", "BackedOff"]);
    }
}

#[test]
fn a_sync_that_lists_it_renews_its_lease_and_is_no_event() {
    let (mut r, execution) = with_running(30_000, 5_000);
    r.wait_ms(20_000);
    let outcome = r.syncs(info(node(1)), &[(&execution, Held::Running)]);
    assert_eq!((outcome.events(), outcome.effects()), (vec![], vec!["SyncReply to 1".to_owned()]));
    r.wait_ms(37_999);
    assert!(!is_lost(&r, &execution));
    r.wait_ms(1);
    assert!(is_lost(&r, &execution));
}

#[test]
fn a_grant_that_comes_twice_renews_it_too() {
    let (mut r, execution) = with_running(30_000, 5_000);
    r.wait_ms(20_000);
    assert!(r.hears(node(1), Message::Granted { execution: execution.clone() }).is_nothing());
    r.wait_ms(37_999);
    assert!(!is_lost(&r, &execution));
}

#[test]
fn a_sync_is_as_good_as_a_grant() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let (_, award) = r.hears_bid(node(1), job_id(1)).awards().remove(0);
    let outcome = r.syncs(info(node(1)), &[(&award.execution, Held::Running)]);
    assert_eq!(outcome.events(), ["Granted"]);
}

#[test]
fn an_execution_that_a_sync_lacks_is_lost_only_if_the_sync_is_later_than_its_grant() {
    for (what, sync, lost) in [
        ("said before", (5, 9), false),
        ("said before, of an older boot", (4, 99), false),
        ("said after", (5, 11), true),
        ("said after a restart", (6, 1), true),
    ] {
        let mut r = TestRequester::new(limits());
        let hello = |r: &mut TestRequester, stamp| {
            let info = Box::new(info(node(1)));
            r.hears_as(node(1), stamp, Message::Sync { info, executions: vec![] })
        };
        hello(&mut r, (1, 1));
        r.submit(job(1));
        let (_, award) = r.hears_bid(node(1), job_id(1)).awards().remove(0);
        let execution = award.execution;
        r.hears_as(node(1), (5, 10), Message::Granted { execution: execution.clone() });
        let outcome = hello(&mut r, sync);
        assert_eq!(is_lost(&r, &execution), lost, "{what}");
        assert_eq!(outcome.events().contains(&"Lost".to_owned()), lost, "{what}");
    }
}

#[test]
fn a_sync_that_is_overtaken_by_a_later_one_says_nothing() {
    let (mut r, execution) = with_running(30_000, 5_000);
    let sync = |executions| Message::Sync { info: Box::new(info(node(1))), executions };
    r.hears_as(node(1), (9, 2), sync(vec![(execution.clone(), Held::Running)]));
    assert!(r.hears_as(node(1), (9, 1), sync(vec![])).is_nothing());
    assert!(!is_lost(&r, &execution));
}

#[test]
fn nobody_syncs_for_another() {
    let (mut r, _) = with_running(30_000, 5_000);
    let sync = Message::Sync { info: Box::new(info(node(1))), executions: vec![] };
    assert!(r.hears(node(2), sync).is_nothing());
}

#[test]
fn after_a_restart_every_live_lease_starts_in_full() {
    let (mut r, execution) = with_running(30_000, 5_000);
    r.wait_ms(37_000);
    assert_eq!(r.restart().events(), [""; 0]);
    r.wait_ms(37_999);
    assert!(!is_lost(&r, &execution));
    r.wait_ms(1);
    assert!(is_lost(&r, &execution));
}

#[test]
fn of_a_vanished_node_only_pure_work_is_started_elsewhere_before_its_lease_ends() {
    for (class, lost) in [(Class::Pure, true), (Class::Query, false), (Class::Command, false)] {
        let long = Limits { lease_ms: 3_600_000, ..limits() };
        let mut r = TestRequester::new(long);
        r.meets(info(node(1)));
        let mut job = job(1);
        job.context.class = class;
        r.submit(job);
        let execution = r.runs(job_id(1), node(1));
        r.wait_ms(60_000);
        assert!(!is_lost(&r, &execution), "{class:?}");
        r.wait_ms(60_000);
        assert_eq!(is_lost(&r, &execution), lost, "{class:?}");
    }
}
