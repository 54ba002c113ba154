//! Receipts: what can be checked of a job's results without this network. Ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use gadus_model::JobId;
use gadus_model::view::JobView;

use super::{Answer, jobs, json};
use crate::convert;
use crate::query::QueryString;
use crate::service::{ErrorCode, ServiceError};
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
    let receipts = convert::receipts(&view, &origins(&api, &view).await?)?;
    api.service.keep_records(receipts.blocks).await?;
    json(&query, &receipts.listed)
}

/// The jobs that known answers are from, as far as they are known still.
async fn origins(api: &ApiState, view: &JobView) -> Result<Vec<Arc<JobView>>, ServiceError> {
    let jobs = view.executions.iter().filter_map(|e| Some(e.origin.as_ref()?.job));
    let mut origins = Vec::new();
    for job in jobs.collect::<BTreeSet<JobId>>() {
        match api.service.job(&job.to_string(), None).await {
            Ok(view) => origins.push(view),
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(origins)
}
