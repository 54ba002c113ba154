//! What came of something.

use std::fmt::Debug;

use gadus_model::event::{Event, JobEvent, Record};
use gadus_model::message::{Award, Message};
use gadus_model::{JobState, NodeId, Time};

use crate::step::{Effect, Step};

/// Everything that one input, or some time, has caused.
#[derive(Debug)]
pub(in crate::tests) struct Outcome {
    began: Time,
    pub(in crate::tests) events: Vec<Record>,
    /// With when each was caused.
    pub(in crate::tests) effects: Vec<(Time, Effect)>,
}

/// The name of an enum's variant.
fn name(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

impl Outcome {
    pub(in crate::tests) fn new(began: Time) -> Self {
        Self { began, events: Vec::new(), effects: Vec::new() }
    }

    pub(in crate::tests) fn add(&mut self, now: Time, step: Step) {
        self.events.extend(step.events);
        self.effects.extend(step.effects.into_iter().map(|effect| (now, effect)));
    }

    /// The names of the events.
    pub(in crate::tests) fn events(&self) -> Vec<String> {
        let name_of = |record: &Record| match &record.body {
            Event::Job(event) => name(event),
            Event::Compute(event) => name(event),
            Event::Trust(event) => name(event),
        };
        self.events.iter().map(name_of).collect()
    }

    /// The events of jobs.
    pub(in crate::tests) fn job_events(&self) -> impl Iterator<Item = &JobEvent> {
        self.events.iter().filter_map(|record| match &record.body {
            Event::Job(event) => Some(event),
            Event::Compute(_) | Event::Trust(_) => None,
        })
    }

    /// The names of the effects; messages as `Stop to 2`. That somebody looks is left out.
    pub(in crate::tests) fn effects(&self) -> Vec<String> {
        let said = self.effects.iter().filter(|(_, effect)| !matches!(effect, Effect::Changed(_)));
        said.map(|(_, effect)| words(effect)).collect()
    }

    /// When an effect was caused, in milliseconds from the beginning, each time.
    pub(in crate::tests) fn times_of(&self, effect: &str) -> Vec<u64> {
        let these = self.effects.iter().filter(|(_, e)| words(e) == effect);
        these.map(|(at, _)| at.us_since(self.began) / 1000).collect()
    }

    /// What was said, and to whom.
    pub(in crate::tests) fn messages(&self) -> impl Iterator<Item = (NodeId, &Message)> {
        self.effects.iter().filter_map(|(_, effect)| {
            let Effect::Send { to, message } = effect else { return None };
            Some((*to, &message.body))
        })
    }

    /// How a job has ended, and why.
    pub(in crate::tests) fn ended(&self) -> Option<(JobState, &str)> {
        self.job_events().find_map(|event| {
            let JobEvent::Ended { state, message } = event else { return None };
            Some((*state, message.as_str()))
        })
    }

    /// The awards that were sent.
    pub(in crate::tests) fn awards(&self) -> Vec<(NodeId, Award)> {
        let mut awards = Vec::new();
        for (to, message) in self.messages() {
            if let Message::Award(award) = message {
                awards.push((to, award.as_ref().clone()));
            }
        }
        awards
    }

    pub(in crate::tests) fn is_nothing(&self) -> bool {
        self.events.is_empty() && self.effects.is_empty()
    }
}

fn words(effect: &Effect) -> String {
    if let Effect::Send { to, message } = effect {
        return format!("{} to {}", name(&message.body), to.0[0]);
    }
    name(effect)
}
