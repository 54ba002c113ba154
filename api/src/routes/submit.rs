//! Submitting a job.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use gadus_model::{Cid, Job, JobId};
use uuid::Uuid;

use super::{Answer, json};
use crate::body;
use crate::convert::{Draft, DraftOptions};
use crate::error::ApiError;
use crate::json_in::PUT_JOB;
use crate::query::QueryString;
use crate::service::{ImportKind, ServiceError, Submission};
use crate::state::ApiState;
use crate::types::{ErrorBody, PutJobRequest, PutJobResponse};

/// Whose a job is while there is no authentication.
const CLIENT: &str = "anonymous";
/// Bytes of an idempotency key.
const KEY_MAX: usize = 256;

/// Submits a job. The answer means that the job survives any single crash.
#[utoipa::path(
    put,
    path = "/api/v1/orchestrator/jobs",
    tag = "Orchestrator",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key with the same job is the same submission")),
    request_body = PutJobRequest,
    responses(
        (status = 200, description = "Taken", body = PutJobResponse),
        (status = 400, description = "No job that can run", body = ErrorBody),
        (status = 409, description = "The key stands for another job", body = ErrorBody),
        (status = 429, description = "A limit on jobs is met", body = ErrorBody),
        (status = 501, description = "Not in this release", body = ErrorBody),
        (status = 507, description = "The node has no room left for it", body = ErrorBody),
    )
)]
pub(super) async fn put(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    submit(&api, &headers, &query, body).await
}

/// The same as PUT.
#[utoipa::path(
    post,
    path = "/api/v1/orchestrator/jobs",
    tag = "Orchestrator",
    request_body = PutJobRequest,
    responses((status = 200, description = "Taken", body = PutJobResponse))
)]
pub(super) async fn post(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    submit(&api, &headers, &query, body).await
}

async fn submit(api: &ApiState, headers: &HeaderMap, query: &QueryString, body: Body) -> Answer {
    let (draft, force) = read(api, headers, body).await?;
    let mut warnings = draft.warnings.clone();
    let job = finish(api, draft).await?;
    let submitted = api.service.submit(Submission { job, force }).await?;
    warnings.extend(submitted.warnings);
    let answer = PutJobResponse {
        job_id: submitted.job.to_string(),
        evaluation_id: submitted.evaluation.to_string(),
        warnings: Some(warnings).filter(|list| !list.is_empty()),
    };
    json(query, &answer)
}

/// A document that was sent, checked.
pub(super) async fn read(
    api: &ApiState,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Draft, bool), ApiError> {
    let request: PutJobRequest = body::json(headers, body, &PUT_JOB, api.limits()).await?;
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let key = Some(text("idempotency-key"))
        .filter(|key| !key.is_empty())
        .or(Some(request.idempotency_token))
        .filter(|key| !key.is_empty());
    if key.as_ref().is_some_and(|key| key.len() > KEY_MAX) {
        let error = format!("the idempotency key is longer than {KEY_MAX} bytes");
        return Err(ServiceError::bad_request(error).into());
    }
    let options = DraftOptions {
        count_max: api.limits().count_max,
        server: Some(api.facts().await.id),
        installation_id: text("x-bacalhau-installationid"),
        instance_id: text("x-bacalhau-instanceid"),
        client: CLIENT.to_owned(),
        idempotency_key: key,
    };
    Ok((Draft::new(request.job, options)?, request.force))
}

/// The job, once what is inline is imported.
async fn finish(api: &ApiState, draft: Draft) -> Result<Job, ApiError> {
    let mut imported: BTreeMap<usize, Cid> = BTreeMap::new();
    for input in draft.inline().collect::<Vec<_>>() {
        imported.insert(input.index, import(api, input.bytes).await?);
    }
    let job = draft.finish(JobId(Uuid::new_v4()), &imported)?;
    within_limit(&job, api.limits().spec_bytes_max)?;
    Ok(job)
}

async fn import(api: &ApiState, bytes: Bytes) -> Result<Cid, ApiError> {
    let max = api.limits().inline_bytes_max;
    if bytes.len() > max {
        return Err(ApiError::too_large("an inline input", max as u64));
    }
    let body = Box::pin(std::io::Cursor::new(bytes));
    Ok(api.service.import(ImportKind::File, body).await?.root)
}

/// A job that is kept for ever must not be large.
pub(super) fn within_limit(job: &Job, max: usize) -> Result<(), ApiError> {
    if job.document.len() > max {
        return Err(ApiError::too_large("the job", max as u64));
    }
    Ok(())
}
