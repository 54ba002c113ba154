//! The nodes that the requester knows.

use std::cmp::Reverse;

use axum::extract::{Path, State};
use gadus_model::Resources;

use super::{Answer, json};
use crate::convert;
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::{ErrorCode, NodeEntry, ServiceError};
use crate::state::ApiState;
use crate::types::{ErrorBody, GetNodeResponse, ListNodesResponse};

/// All nodes.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/nodes",
    tag = "Orchestrator",
    params(
        ("limit" = Option<u32>, Query, description = "At most as many"),
        ("order_by" = Option<String>, Query, description =
            "id, type, available_cpu, available_memory, available_disk, available_gpu, approval or status"),
        ("reverse" = Option<bool>, Query, description = "The other way round"),
        ("labels" = Option<String>, Query, description = "A label selector; may be repeated"),
        ("filter-approval" = Option<String>, Query, description = "PENDING, APPROVED or REJECTED"),
        ("filter-status" = Option<String>, Query, description = "CONNECTED or DISCONNECTED"),
    ),
    responses((status = 200, description = "The nodes", body = ListNodesResponse))
)]
pub(super) async fn list(State(api): State<ApiState>, query: QueryString) -> Answer {
    let selector = convert::parse_selector(&query.all("labels").collect::<Vec<_>>().join(","))?;
    let mut entries = api.service.nodes().await?;
    entries.retain(|entry| selector.iter().all(|c| c.matches(&entry.info.labels)));
    sort(&mut entries, query.text("order_by"))?;
    let mut nodes: Vec<_> = entries.iter().map(convert::node_state).collect();
    let wanted = |text: &str, have: &str| text.is_empty() || text.eq_ignore_ascii_case(have);
    nodes.retain(|node| {
        wanted(query.text("filter-approval"), &node.membership)
            && wanted(query.text("filter-status"), &node.connection)
    });
    if query.flag("reverse")? {
        nodes.reverse();
    }
    let limit = usize::try_from(query.number("limit")?).unwrap_or(usize::MAX);
    if limit > 0 {
        nodes.truncate(limit);
    }
    json(&query, &ListNodesResponse { next_token: String::new(), nodes })
}

/// What is available sorts from the largest.
fn sort(entries: &mut [NodeEntry], order_by: &str) -> Result<(), ApiError> {
    entries.sort_by_key(|entry| entry.info.id.to_string());
    let free: fn(&Resources) -> u64 = match order_by {
        "" | "id" | "type" => return Ok(()),
        "approval" | "status" => {
            entries.sort_by_key(|entry| convert::node_state(entry).membership);
            return Ok(());
        }
        "available_cpu" => |r| r.cpu_millis,
        "available_memory" => |r| r.memory_bytes,
        "available_disk" => |r| r.disk_bytes,
        "available_gpu" => |r| u64::from(r.gpus),
        other => {
            let error = ServiceError::bad_request(format!("nodes cannot be ordered by '{other}'"));
            return Err(error.into());
        }
    };
    entries.sort_by_key(|entry| Reverse(free(&entry.info.available)));
    Ok(())
}

/// One node.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/nodes/{id}",
    tag = "Orchestrator",
    params(("id" = String, Path, description = "Id, a unique prefix of it, or the node's name")),
    responses(
        (status = 200, description = "The node", body = GetNodeResponse),
        (status = 404, description = "No such node", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let entries = api.service.nodes().await?;
    let node = convert::node_state(find(&entries, &id)?);
    json(&query, &GetNodeResponse { node })
}

fn find<'a>(entries: &'a [NodeEntry], reference: &str) -> Result<&'a NodeEntry, ServiceError> {
    let text = |entry: &NodeEntry| entry.info.id.to_string();
    let exact = |entry: &&NodeEntry| text(entry) == reference || entry.info.name == reference;
    if let Some(entry) = entries.iter().find(exact) {
        return Ok(entry);
    }
    let mut fitting = entries.iter().filter(|entry| text(entry).starts_with(reference));
    let (code, message, hint) =
        match (fitting.next().filter(|_| !reference.is_empty()), fitting.next()) {
            (Some(entry), None) => return Ok(entry),
            (Some(_), Some(_)) => (
                ErrorCode::ResourceInUse,
                format!("multiple nodes found for id {reference}"),
                "use more of the id: `gadus node list --quiet` has all of it",
            ),
            (None, _) => (
                ErrorCode::NotFound,
                format!("node not found: {reference}"),
                "list the nodes with `gadus node list`",
            ),
        };
    Err(ServiceError::new(code, message).with_hint(hint).of("NodesManager"))
}
