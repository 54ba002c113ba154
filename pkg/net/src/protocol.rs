//! Names on the wire. All of them hold the network's name.

use gadus_ports::TransportError;
use libp2p::StreamProtocol;

/// The oldest version of the protocols that this code speaks.
const OLDEST: u32 = 1;
/// The newest.
const NEWEST: u32 = 1;

const NETWORK_NAME_MAX: usize = 64;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Messages,
    Blocks,
    Logs,
}

/// The names that one network uses.
#[derive(Clone, Debug)]
pub(crate) struct Protocols {
    network: String,
    messages: StreamProtocol,
    blocks: StreamProtocol,
    logs: StreamProtocol,
}

impl Protocols {
    pub(crate) fn new(network: &str) -> Result<Self, TransportError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if network.is_empty() || network.len() > NETWORK_NAME_MAX || !network.chars().all(fits) {
            return Err(bad_name(network, "it must be 1 to 64 of a-z 0-9 . _ -"));
        }
        let name = |what: &str| {
            StreamProtocol::try_from_owned(format!("/gadus/{network}/{what}/{NEWEST}"))
                .map_err(|e| bad_name(network, &e.to_string()))
        };
        Ok(Self {
            network: network.to_owned(),
            messages: name("messages")?,
            blocks: name("blocks")?,
            logs: name("logs")?,
        })
    }

    pub(crate) fn of(&self, purpose: Purpose) -> &StreamProtocol {
        match purpose {
            Purpose::Messages => &self.messages,
            Purpose::Blocks => &self.blocks,
            Purpose::Logs => &self.logs,
        }
    }

    pub(crate) fn all(&self) -> [(Purpose, StreamProtocol); 3] {
        [Purpose::Messages, Purpose::Blocks, Purpose::Logs].map(|p| (p, self.of(p).clone()))
    }

    /// The gossip topic of announcements.
    pub(crate) fn jobs_topic(&self) -> String {
        format!("gadus/{}/jobs/{NEWEST}", self.network)
    }

    /// Gossipsub's own protocol id begins with this.
    pub(crate) fn mesh_prefix(&self) -> String {
        format!("/gadus/{}/meshsub", self.network)
    }

    /// What identify tells the peer: network, oldest and newest version.
    pub(crate) fn version(&self) -> String {
        format!("gadus/{}/{OLDEST}-{NEWEST}", self.network)
    }

    /// Whether a peer that identifies itself like this is of our network and our time.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn check_version(&self, theirs: &str) -> Result<(), String> {
        let mut parts = theirs.splitn(3, '/');
        let (Some("gadus"), Some(network), Some(range)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("it is no gadus node but '{}'", theirs.escape_debug()));
        };
        if network != self.network {
            return Err(format!(
                "it belongs to network '{}', this node to '{}'",
                network.escape_debug(),
                self.network
            ));
        }
        let bound = |text: &str| text.parse::<u32>().ok();
        match range.split_once('-').and_then(|(a, b)| Some((bound(a)?, bound(b)?))) {
            Some((oldest, newest)) if oldest <= NEWEST && OLDEST <= newest => Ok(()),
            _ => Err(format!(
                "it speaks protocol versions '{}', this node {OLDEST} to {NEWEST}",
                range.escape_debug()
            )),
        }
    }
}

fn bad_name(network: &str, why: &str) -> TransportError {
    TransportError::Start {
        doing: format!("use '{}' as a network's name", network.escape_debug()),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_two_networks_differ_everywhere() {
        let (a, b) = (Protocols::new("a").unwrap(), Protocols::new("b").unwrap());
        for ((_, x), (_, y)) in a.all().into_iter().zip(b.all()) {
            assert_ne!(x, y);
        }
        assert_ne!(a.jobs_topic(), b.jobs_topic());
        assert_ne!(a.mesh_prefix(), b.mesh_prefix());
        assert!(a.check_version(&b.version()).unwrap_err().contains("network 'b'"));
    }

    #[test]
    fn versions_meet_when_their_ranges_do() {
        let ours = Protocols::new("n").unwrap();
        assert_eq!(ours.check_version(&ours.version()), Ok(()));
        assert_eq!(ours.check_version("gadus/n/1-9"), Ok(()));
        assert_eq!(ours.check_version("gadus/n/0-1"), Ok(()));
        for bad in
            ["gadus/n/2-9", "gadus/n/0-0", "gadus/n/1", "gadus/n/x-y", "gadus/n", "kubo/1", ""]
        {
            assert!(ours.check_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_would_break_a_protocol_id_is_refused() {
        for bad in ["", "a/b", "A", "a b", "ü", &"x".repeat(65)] {
            let error = Protocols::new(bad).unwrap_err().to_string();
            assert!(error.contains("network's name"), "{error}");
        }
    }
}
