//! Who the nodes are: their habits, their operators and networks, and whom those trust.

use gadus_model::NodeId;
use gadus_protocol::requester::{Approved, Input};

use super::World;
use crate::habit::Habit;
use crate::host::Host;
use crate::swarm::Swarm;

/// Tells each node who it is, and whom its operator trusts.
pub(super) fn introduce(swarm: &Swarm, hosts: &mut [Host]) {
    let company = &swarm.company;
    let workers = hosts.iter_mut().rev().filter(|host| host.is_compute && !host.is_requester);
    let bad = workers.zip(&company.habits).map(|(host, habit)| {
        host.habit = *habit;
        host
    });
    let mut first = None;
    for (n, host) in bad.enumerate() {
        if n < company.one_operator {
            host.operator = *first.get_or_insert(host.id);
        } else if n < company.one_operator + company.one_network {
            host.prefix = Some("198.51.100.0/24".to_owned());
        }
    }
    if company.networks > 0 {
        for (n, host) in hosts.iter_mut().enumerate().filter(|(_, host)| host.prefix.is_none()) {
            host.prefix = Some(format!("203.0.{}.0/24", n % company.networks));
        }
    }
    let approved = approved(swarm, hosts);
    hosts.iter_mut().for_each(|host| host.approved = approved.clone());
}

fn approved(swarm: &Swarm, hosts: &[Host]) -> Approved {
    let honest = hosts
        .iter()
        .filter(|host| host.is_compute && !host.is_requester && host.habit == Habit::Honest);
    let honest: Vec<NodeId> = honest.map(|host| host.id).collect();
    let first = |n: usize| honest.iter().take(n).copied().collect();
    let operated = hosts.iter().filter(|host| host.operator != host.id);
    Approved {
        trusted: first(swarm.company.trusted),
        referees: first(swarm.company.referees),
        operators: operated.map(|host| (host.id, host.operator)).collect(),
    }
}

impl World {
    /// An operator forgives a node that was caught, or bans one before it is.
    pub(super) fn pardon(&mut self) {
        let at = self.dice.index(self.truth.swarm.requesters);
        let Some(core) = self.truth.hosts[at].requester_core() else { return };
        let banned: Vec<NodeId> = core.banned().collect();
        let liars = self.truth.hosts.iter().filter(|host| host.habit != Habit::Honest);
        let liars: Vec<NodeId> = liars.map(|host| host.id).collect();
        let (among, is_banned) = match banned.is_empty() {
            true => (liars, true),
            false => (banned, false),
        };
        if !among.is_empty() {
            let node = self.dice.pick(&among);
            self.requester(at, Input::Ban { node, is_banned });
        }
    }
}
