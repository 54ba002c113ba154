//! What this requester thinks of nodes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadus_api::service::{ErrorCode, LiesPage, ServiceError};
use gadus_api::types::TrustInfo;
use gadus_model::view::JobView;
use gadus_model::{JobId, Lie, NodeId};
use gadus_protocol::Requester;
use gadus_protocol::requester::TrustRow;
use tokio::sync::oneshot;

use crate::node::Node;
use crate::requester::Command;

impl Node {
    pub(super) async fn list_trust(&self) -> Result<Vec<TrustInfo>, ServiceError> {
        self.look(|machine, _| rows(machine)).await
    }

    pub(super) async fn set_ban(&self, node: &str, is_banned: bool) -> Result<(), ServiceError> {
        let known = self.look(|machine, _| known(machine)).await?;
        let node = named(&known, node)?;
        let (reply, done) = oneshot::channel();
        self.command(Command::Ban { node, is_banned, reply }).await?;
        done.await.map_err(|_| self.stopping())
    }
}

impl Node {
    pub(super) async fn list_lies(
        &self,
        node: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<LiesPage, ServiceError> {
        let known = self.look(|machine, _| known(machine)).await?;
        let of = match node {
            None => None,
            Some(text) => Some(named(&known, text)?),
        };
        let ids = self.store.lies(of, offset, limit.saturating_add(1))?;
        let next_offset = (ids.len() > limit).then(|| offset.saturating_add(limit));
        let mut page = LiesPage { lies: Vec::new(), next_offset };
        let mut views: BTreeMap<JobId, Arc<JobView>> = BTreeMap::new();
        for id in ids.into_iter().take(limit) {
            let view = match views.entry(id.job) {
                Entry::Occupied(read) => Arc::clone(read.get()),
                Entry::Vacant(place) => {
                    let Some(view) = self.store.job(id.job)? else { continue };
                    Arc::clone(place.insert(Arc::new(view)))
                }
            };
            let is_this = |lie: &Lie| (lie.node(), lie.partition) == (id.node, id.partition);
            let lie = view.lies().find(is_this);
            page.lies.extend(lie.map(|lie| (view, lie)));
        }
        Ok(page)
    }
}

/// The only node whose id or key begins like this.
fn named(known: &BTreeMap<String, NodeId>, text: &str) -> Result<NodeId, ServiceError> {
    let fitting = known.iter().filter(|(name, _)| name.starts_with(text));
    let nodes: BTreeSet<NodeId> = fitting.map(|(_, node)| *node).collect();
    match (nodes.first(), nodes.len()) {
        (Some(only), 1) => Ok(*only),
        (None, _) => Err(unknown(text)),
        (Some(_), several) => {
            let message = format!("{several} nodes have an id or a key that begins with {text}");
            Err(ServiceError::bad_request(message).with_hint("write more of it"))
        }
    }
}

fn unknown(node: &str) -> ServiceError {
    let message = format!("no node {node} is known here");
    let hint = "see `gadus node list` and `gadus node trust` for those that are";
    ServiceError::new(ErrorCode::NotFound, message).with_hint(hint)
}

/// Nodes that can be banned or forgiven, by their ids and keys.
fn known(machine: &Requester) -> BTreeMap<String, NodeId> {
    let listed = machine.directory().iter().map(|(node, _)| *node);
    let all = listed.chain(machine.trust().map(|row| row.node)).chain(machine.banned());
    all.flat_map(|node| [(node.to_string(), node), (node.did_key(), node)]).collect()
}

/// A row for each record, and one for each node that has none and is known for something else.
fn rows(machine: &Requester) -> Vec<TrustInfo> {
    let mut rows: Vec<TrustInfo> = machine.trust().map(|row| info(machine, &row)).collect();
    let listed = machine.directory().iter().map(|(node, _)| *node).chain(machine.banned());
    for node in listed {
        let id = node.to_string();
        if !rows.iter().any(|row| row.node_id == id) {
            let standing = Default::default();
            rows.push(info(machine, &TrustRow { node, engine: String::new(), standing }));
        }
    }
    rows.sort_by(|a, b| (&a.node_id, &a.engine).cmp(&(&b.node_id, &b.engine)));
    rows
}

fn info(machine: &Requester, row: &TrustRow) -> TrustInfo {
    let level = if machine.banned().any(|node| node == row.node) {
        "banned"
    } else if machine.is_referee(row.node) {
        "referee"
    } else if machine.is_approved(row.node) {
        "approved"
    } else if row.standing.is_trusted() {
        "trusted"
    } else {
        "unknown"
    };
    TrustInfo {
        node_id: row.node.to_string(),
        key: row.node.did_key(),
        engine: row.engine.clone(),
        valid: row.standing.valid,
        faults: row.standing.faults,
        inconclusive: row.standing.inconclusive,
        level: level.to_owned(),
    }
}
