//! What a requester thinks of nodes: a record for each node and engine, made by the ends of seats
//! in sealed work, and durable.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::event::{Event, RECORD_VERSION, Record, SeatEnd, SnapshotBytes, TrustEvent};
use gadus_model::verdict::Candidate;
use gadus_model::{JobId, NodeId, Time, codec};
use serde::{Deserialize, Serialize};

use super::Requester;
use crate::sabotage::Sabotage;
use crate::verify::Standing;

/// What the operator says of nodes.
#[derive(Clone, Debug, Default)]
pub struct Approved {
    /// Trusted from the start.
    pub trusted: BTreeSet<NodeId>,
    /// Their answer decides where there is no quorum.
    pub referees: BTreeSet<NodeId>,
    /// Who operates a node; by default it is its own operator.
    pub operators: BTreeMap<NodeId, NodeId>,
}

/// The record of every node, and where it is reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    rows: BTreeMap<(NodeId, String), Standing>,
    banned: BTreeSet<NodeId>,
    seq: u64,
    /// The networks that nodes are reached in, as the transport saw them; soft.
    prefixes: BTreeMap<NodeId, String>,
}

/// The durable part of [`Trust`].
#[derive(Serialize, Deserialize)]
struct Rows {
    rows: Vec<(NodeId, String, Standing)>,
    banned: Vec<NodeId>,
}

impl Trust {
    pub(super) fn apply(&mut self, seq: u64, event: &TrustEvent, rows_max: u32) {
        self.seq = self.seq.max(seq);
        match event {
            TrustEvent::Counted { node, engine, seat } => {
                let row = self.rows.entry((*node, engine.clone())).or_default();
                *row = row.after(*seat);
                if *seat == SeatEnd::Wrong {
                    self.banned.insert(*node);
                }
            }
            TrustEvent::Set { node, is_banned: true } => _ = self.banned.insert(*node),
            TrustEvent::Set { node, is_banned: false } => {
                self.banned.remove(node);
                for (_, row) in self.of_mut(*node) {
                    row.is_banned = false;
                }
            }
            TrustEvent::Snapshot { state } => {
                let Ok(Rows { rows, banned }) = codec::decode(&state.0) else { return };
                self.rows =
                    rows.into_iter().map(|(node, engine, row)| ((node, engine), row)).collect();
                self.banned = banned.into_iter().collect();
            }
        }
        self.shrink(rows_max);
    }

    /// Forgets the shortest records, never those of banned nodes: whoever is banned stays so.
    fn shrink(&mut self, rows_max: u32) {
        while self.rows.len() > rows_max.max(1) as usize {
            let shortest = self.rows.iter().min_by_key(|(_, row)| row.valid + row.faults);
            let Some(key) = shortest.map(|(key, _)| key.clone()) else { return };
            self.rows.remove(&key);
        }
    }

    fn of_mut(&mut self, node: NodeId) -> impl Iterator<Item = (&(NodeId, String), &mut Standing)> {
        self.rows.range_mut((node, String::new())..).take_while(move |((of, _), _)| *of == node)
    }

    pub(super) fn banned(&self) -> &BTreeSet<NodeId> {
        &self.banned
    }

    pub(super) fn is_banned(&self, node: NodeId) -> bool {
        self.banned.contains(&node)
    }

    /// Whether a node's record makes it trusted with any engine that it has now.
    fn has_earned(&self, node: NodeId, engine: &str) -> bool {
        self.rows.get(&(node, engine.to_owned())).is_some_and(Standing::is_trusted)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn snapshot(&self) -> SnapshotBytes {
        let rows = self.rows.iter().map(|((node, engine), row)| (*node, engine.clone(), *row));
        let rows = Rows { rows: rows.collect(), banned: self.banned.iter().copied().collect() };
        // Every field has a DAG-CBOR form.
        SnapshotBytes(codec::encode(&rows).unwrap_or_default())
    }
}

/// One row of what a requester thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRow {
    /// Who.
    pub node: NodeId,
    /// With which engine.
    pub engine: String,
    /// Its record.
    pub standing: Standing,
}

impl Requester {
    /// The record of every node that has one, by node and engine.
    pub fn trust(&self) -> impl Iterator<Item = TrustRow> + '_ {
        let row = |((node, engine), standing): (&(NodeId, String), &Standing)| TrustRow {
            node: *node,
            engine: engine.clone(),
            standing: *standing,
        };
        self.trust.rows.iter().map(row)
    }

    /// Nodes that are not used any more.
    pub fn banned(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.trust.banned.iter().copied()
    }

    /// Whether a node counts as trusted in a draw.
    #[must_use]
    pub fn is_trusted(&self, node: NodeId) -> bool {
        if self.trust.is_banned(node) {
            return false;
        }
        let info = self.directory.get(node).map(|entry| &entry.info);
        let wasm = info.and_then(|info| info.engines.get(&gadus_model::Engine::Wasm));
        self.is_approved(node)
            || self.is_referee(node)
            || wasm.is_some_and(|engine| self.trust.has_earned(node, &engine.id))
    }

    /// Whether any node is trusted, here now or not; this one counts if it runs jobs.
    pub(super) fn knows_a_checker(&self) -> bool {
        let approved = &self.config.approved;
        let named = approved.trusted.iter().chain(&approved.referees);
        let earned = self.trust.rows.iter().filter(|(_, row)| row.is_trusted());
        let mut could = named.chain(earned.map(|((node, _), _)| node));
        could.any(|node| !self.trust.is_banned(*node))
            || self.directory.get(self.config.node).is_some()
    }

    /// Whether the operator trusts a node from the start.
    #[must_use]
    pub fn is_approved(&self, node: NodeId) -> bool {
        self.config.approved.trusted.contains(&node)
    }

    /// Whether a node's answer decides by itself: this node's own, and those that its operator
    /// names.
    #[must_use]
    pub fn is_referee(&self, node: NodeId) -> bool {
        node == self.config.node || self.config.approved.referees.contains(&node)
    }

    /// A node as the draw sees it.
    pub(super) fn candidate(&self, node: NodeId) -> Candidate {
        let looks = self.config.sabotage != Some(Sabotage::SeatSybils);
        let operator = self.config.approved.operators.get(&node).copied().filter(|_| looks);
        Candidate {
            node,
            operator: operator.unwrap_or(node),
            prefix: self.trust.prefixes.get(&node).cloned().filter(|_| looks),
            is_trusted: self.is_trusted(node),
        }
    }

    /// A node is reached in this network now.
    pub(super) fn reached_in(&mut self, node: NodeId, prefix: Option<String>) {
        match prefix {
            Some(prefix) => _ = self.trust.prefixes.insert(node, prefix),
            None => _ = self.trust.prefixes.remove(&node),
        }
    }

    /// Decides one event about a node: it goes into the log and is applied at once.
    pub(super) fn count(&mut self, now: Time, event: TrustEvent) {
        let seq = self.trust.seq + 1;
        self.trust.apply(seq, &event, self.config.limits.standings_max);
        let record = self.trust_record(now, seq, event);
        self.step.events.push(record);
    }

    fn trust_record(&self, at: Time, seq: u64, event: TrustEvent) -> Record {
        let (owner, term) = (self.config.owner, self.config.term);
        Record {
            v: RECORD_VERSION,
            owner,
            job: JobId::NONE,
            seq,
            term,
            at,
            body: Event::Trust(event),
        }
    }

    /// What is thought of nodes, for a checkpoint of the log; none while nothing is.
    pub(super) fn trust_snapshot(&self, now: Time) -> Option<Record> {
        (self.trust.seq > 0).then(|| {
            let state = Box::new(self.trust.snapshot());
            self.trust_record(now, self.trust.seq, TrustEvent::Snapshot { state })
        })
    }
}
