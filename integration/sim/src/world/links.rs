//! Messages on their way, and connections.

use std::rc::Rc;

use gadus_model::NodeId;
use gadus_model::message::{Announce, Envelope, RoundId};
use gadus_protocol::{compute, requester};

use super::build::DIAL_US;
use super::{Happening, Parcel, World};
use crate::coverage::MessageFault;
use crate::network::{Fate, HostNo};
use crate::seen::Seen;

impl World {
    pub(super) fn send(&mut self, from: HostNo, to: NodeId, message: Rc<Envelope>) {
        let Some(to) = self.truth.place(to) else { return };
        let kind = message.body.kind();
        self.post(from, to, kind, Parcel::Message(message));
    }

    pub(super) fn gossip(&mut self, from: HostNo, announcement: Rc<Announce>) {
        let Some(core) = self.truth.hosts[from].requester_core() else { return };
        let (owner, term) = core.identity();
        for to in 0..self.truth.hosts.len() {
            if to != from && self.truth.hosts[to].is_compute {
                let announcement = announcement.clone();
                self.post(from, to, "gossip", Parcel::Gossip { owner, term, announcement });
            }
        }
    }

    pub(super) fn gossip_filled(&mut self, from: HostNo, round: RoundId) {
        let Some(core) = self.truth.hosts[from].requester_core() else { return };
        let (owner, term) = core.identity();
        for to in 0..self.truth.hosts.len() {
            if to != from && self.truth.hosts[to].is_compute {
                self.post(from, to, "gossip_filled", Parcel::Filled { owner, term, round });
            }
        }
    }

    fn post(&mut self, from: HostNo, to: HostNo, kind: &'static str, parcel: Parcel) {
        let (now, dice) = (self.truth.now, &mut self.dice);
        let Fate { arrivals, delayed } = self.net.fate(dice, now, (from, to), kind);
        let boot = self.truth.hosts[to].boot;
        let fault = match arrivals.len() {
            0 => MessageFault::Lost,
            1 => MessageFault::Passed,
            _ => MessageFault::Doubled,
        };
        self.coverage.message(kind, fault);
        if delayed {
            self.coverage.message(kind, MessageFault::Delayed);
        }
        for at in arrivals {
            let parcel = parcel.clone();
            self.agenda.at(at, Happening::Arrive { from, to, boot, parcel });
        }
    }

    /// Something arrives, unless the connection it was on is gone.
    pub(super) fn arrive(&mut self, from: HostNo, to: HostNo, boot: u64, parcel: Parcel) {
        if !self.is_up(to, boot) {
            return;
        }
        match parcel {
            Parcel::Gossip { owner, term, announcement } => {
                self.see(&Seen::Gossiped { host: to, round: announcement.round, filled: false });
                self.announced(to, from, (owner, term), &announcement, false);
            }
            Parcel::Filled { owner, term, round } => {
                self.see(&Seen::Gossiped { host: to, round, filled: true });
                self.heard_filled(to, from, (owner, term), round);
            }
            Parcel::Message(message) => {
                let sender = self.truth.hosts[from].id;
                self.note_arrival(to, from, &message);
                self.see(&Seen::Arrived { host: to, from: sender, message: &message });
                match message.body.is_for_requester() {
                    true => self.arrive_at_requester(to, from, &message),
                    false => self.arrive_at_compute(to, from, &message),
                }
            }
        }
    }

    /// Nodes that can reach one another connect, sooner or later.
    pub(super) fn dial(&mut self) {
        let hosts = self.truth.hosts.len();
        // Requesters come first. Two that only run jobs have nothing to say to one another.
        for a in 0..self.truth.swarm.requesters {
            for b in a..hosts {
                let both = self.truth.hosts[a].up && self.truth.hosts[b].up;
                let told = self.truth.hosts[a].ups.contains(&b);
                let connected = self.net.is_connected(a, b) && told;
                let now = self.truth.now;
                if both && !connected && self.net.may_dial(now, a, b) && self.dice.chance(500) {
                    self.link_up(a, b);
                }
            }
        }
        let after = if self.truth.healed { DIAL_US * 2 } else { DIAL_US };
        self.agenda.after(after, Happening::Dial);
    }

    fn link_up(&mut self, a: HostNo, b: HostNo) {
        // The end of an older connection is noticed before a new one begins.
        self.link_down(a, b);
        if a != b {
            self.net.connect(a, b);
        }
        self.tell(a, b, true);
        if a != b {
            self.tell(b, a, true);
        }
    }

    fn link_down(&mut self, a: HostNo, b: HostNo) {
        self.net.disconnect(a, b);
        for (at, other) in [(a, b), (b, a)] {
            if self.truth.hosts[at].ups.contains(&other) {
                self.tell(at, other, false);
            }
        }
    }

    /// Tells both machines of a node that a peer came or went.
    fn tell(&mut self, at: HostNo, other: HostNo, up: bool) {
        let peer = self.truth.hosts[other].id;
        let prefix = self.truth.hosts[other].prefix.clone();
        let host = &mut self.truth.hosts[at];
        if !host.up {
            return;
        }
        let (to_requester, to_compute) = match up {
            true => (requester::Input::Up { node: peer, prefix }, compute::Input::Up(peer)),
            false => (requester::Input::Down(peer), compute::Input::Down(peer)),
        };
        match up {
            true => host.ups.insert(other),
            false => host.ups.remove(&other),
        };
        let boot = host.boot;
        if up && !host.met.contains_key(&other) {
            let now = self.truth.local(at);
            self.truth.hosts[at].met.insert(other, now);
            self.note_meeting(at, other);
        }
        self.requester(at, to_requester);
        if self.is_up(at, boot) {
            self.compute(at, to_compute);
        }
    }

    /// The loss of a link is noticed, if it is still lost.
    pub(super) fn link_lost(&mut self, a: HostNo, b: HostNo) {
        let usable = self.truth.hosts[a].up && self.truth.hosts[b].up && self.net.is_open(a, b);
        let told = |x: HostNo, y: HostNo| self.truth.hosts[x].ups.contains(&y);
        if (told(a, b) || told(b, a)) && !(usable && self.net.is_connected(a, b)) {
            self.link_down(a, b);
        }
    }
}
