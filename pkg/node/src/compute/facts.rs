//! What is here of an announced job: local, from memory, never from the network.

use gadus_model::message::Announce;
use gadus_model::{NodeId, OwnerId};
use gadus_protocol::compute::{Facts, Input};

use super::Loop;

impl Loop {
    pub(super) fn announced(
        &mut self,
        from: NodeId,
        owner: OwnerId,
        term: u64,
        announcement: Announce,
        asked: bool,
    ) {
        // What does not fit is judged in microseconds, before anything is looked up.
        let fits = self.machine.reasons_against(owner, &announcement.requirements).is_empty();
        let facts = if fits { self.facts(&announcement) } else { Facts::default() };
        let announcement = Box::new(announcement);
        self.handle(Input::Announced { from, owner, term, announcement, asked, facts });
    }

    fn facts(&self, announcement: &Announce) -> Facts {
        let content = &self.world.content;
        let inputs = announcement.inputs.iter();
        let missing = inputs.map(|(cid, bytes)| content.bytes_missing(cid, *bytes)).sum::<u64>();
        let executor = self.world.executors.get(&announcement.requirements.engine);
        let warmth = executor.map(|e| e.warmth(&announcement.code)).unwrap_or_default();
        Facts {
            bytes_missing: missing,
            module_warm: warmth.warm,
            image_digest: warmth.image_digest,
        }
    }
}
