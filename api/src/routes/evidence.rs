//! Evidence: what nodes signed that a verdict contradicts. Ours.

use axum::extract::{Path, State};

use super::{Answer, jobs, json};
use crate::convert;
use crate::paging::{PageToken, page_len};
use crate::query::QueryString;
use crate::state::ApiState;
use crate::types::{ErrorBody, EvidenceResponse, ListEvidenceResponse};

/// What nodes were caught with, in jobs that are over.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/evidence",
    tag = "Orchestrator",
    params(
        ("node" = Option<String>, Query, description = "Only against this one: its id or key"),
        ("limit" = Option<u32>, Query, description = "Items of a page"),
        ("next_token" = Option<String>, Query, description = "Of the page before"),
    ),
    responses(
        (status = 200, description = "Some evidence", body = ListEvidenceResponse),
        (status = 404, description = "No such node", body = ErrorBody),
    )
)]
pub(super) async fn list(State(api): State<ApiState>, query: QueryString) -> Answer {
    let page = PageToken::asked(&query)?;
    let limit = page_len(page.limit, api.limits().page_max);
    let node = Some(query.text("node")).filter(|node| !node.is_empty());
    let found = api.service.lies(node, page.offset as usize, limit).await?;
    let items = found.lies.iter().map(|(view, lie)| convert::evidence::entry(view, lie));
    let answer =
        ListEvidenceResponse { items: items.collect(), next_token: page.next(found.next_offset) };
    json(&query, &answer)
}

/// Evidence against a node. Its records are kept as blocks, under `EvidenceCID`.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/evidence",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("node" = Option<String>, Query, description =
            "Whom it is against, where several were caught: its id or key, or a prefix of it"),
        ("partition" = Option<u32>, Query, description =
            "In which partition, where it lied in several; the first otherwise"),
    ),
    responses(
        (status = 200, description = "What it is about", body = EvidenceResponse),
        (status = 400, description = "Several were caught, and none is named", body = ErrorBody),
        (status = 404, description = "No such job, or nobody was caught in it", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = jobs::find(&api, &id, &query).await?;
    let partition = query.number_if_any("partition")?;
    let (blocks, told) = convert::evidence(&view, query.text("node"), partition)?;
    api.service.keep_records(blocks).await?;
    json(&query, &told)
}
