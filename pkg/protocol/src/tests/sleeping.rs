//! A compute node whose machine slept: what was said before may still be in its inbox.

use super::rig::{TestCompute, award, job};

#[test]
fn what_ended_before_a_sleep_is_not_begun_again_after_it() {
    let mut c = TestCompute::new();
    c.runs(&job(1));
    let execution = award(&job(1), 1).execution;
    c.hears(gadus_model::message::Message::Stop { execution });
    c.now = c.now.plus_ms(3_600_000);
    // The round goes on, and another bid is made in it.
    assert_eq!(c.asked(&job(1)).effects(), ["Bid to 99"]);
    let outcome = c.awarded(award(&job(1), 1));
    assert_eq!(outcome.events(), [""; 0]);
}

#[test]
fn a_bid_does_not_outlive_its_time_because_nobody_was_awake() {
    let mut c = TestCompute::new();
    c.asked(&job(1));
    c.now = c.now.plus_ms(3_600_000);
    let outcome = c.awarded(award(&job(1), 1));
    assert_eq!((outcome.events(), outcome.effects()), (vec![], vec!["Refused to 99".to_owned()]));
}
