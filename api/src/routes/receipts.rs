//! Receipts: what can be checked of a job's results without this network. Ours.

use axum::extract::{Path, State};

use super::{Answer, jobs, json};
use crate::convert;
use crate::query::QueryString;
use crate::state::ApiState;
use crate::types::{ErrorBody, ListReceiptsResponse};

/// The receipts of a job. Their records are kept as blocks, under `BundleCID`.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/receipts",
    tag = "Orchestrator",
    params(("id" = String, Path, description = "Name, id or a unique prefix of the id")),
    responses(
        (status = 200, description = "The answers that count", body = ListReceiptsResponse),
        (status = 404, description = "No such job, or no answer yet", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = jobs::find(&api, &id, &query).await?;
    let receipts = convert::receipts(&view)?;
    api.service.keep_records(receipts.blocks).await?;
    json(&query, &receipts.listed)
}
