//! Submitting a job.

use std::collections::BTreeMap;
use std::io::Cursor;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use futures::future::try_join_all;
use gadus_model::{Cid, Job, JobId};
use gadus_ports::{Layout, Pinned};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::{Answer, json};
use crate::body;
use crate::convert::{self, Data, Draft, DraftOptions, Had, Retention, Wanted};
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
    let is_pinned = draft.is_pinned();
    let job = finish(api, draft, JobId(Uuid::new_v4())).await?;
    let task = is_pinned.then(|| record(&job)).transpose()?;
    let retention_ms = job.context.retention_ms;
    let submitted = api.service.submit(Submission { job, force }).await?;
    warnings.extend(submitted.warnings);
    if let Some(block) = task
        && let Err(error) = api.service.keep_task(submitted.job, block, retention_ms).await
    {
        warnings.push(format!("the task's CID leads nowhere yet: {error} (see `gadus job task`)"));
    }
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
        retention: Retention {
            default_ms: api.limits().retention_ms,
            max_ms: api.limits().retention_max_ms,
        },
        server: Some(api.facts().await.id),
        installation_id: text("x-bacalhau-installationid"),
        instance_id: text("x-bacalhau-instanceid"),
        client: CLIENT.to_owned(),
        idempotency_key: key,
    };
    let mut draft = Draft::new(request.job, options)?;
    if let Some(cid) = draft.wanted_task() {
        let block = api.service.block(cid).await?;
        draft = draft.with_task(&block)?;
    }
    Ok((draft, request.force))
}

/// The task of a job as a block.
fn record(job: &Job) -> Result<(Cid, Bytes), ServiceError> {
    let task = job.task().map(|(_, task)| task);
    let task = task.ok_or_else(|| ServiceError::internal("a job without a task"))?;
    let (_, cid, block) = convert::task_text(task)?;
    Ok((cid, block.into()))
}

/// The job, once all of its inputs are content. Those from elsewhere are fetched side by side.
pub(super) async fn finish(api: &ApiState, draft: Draft, id: JobId) -> Result<Job, ApiError> {
    let wanted: Vec<Wanted> = draft.wanted().collect();
    let had = wanted.into_iter().map(|wanted| async move {
        Ok::<_, ApiError>((wanted.index, have(api, wanted.data).await?))
    });
    let had: BTreeMap<usize, Had> = try_join_all(had).await?.into_iter().collect();
    let job = draft.finish(id, &had)?;
    within_limit(&job, api.limits().spec_bytes_max)?;
    Ok(job)
}

async fn have(api: &ApiState, data: Data) -> Result<Had, ApiError> {
    let layout = Layout::default();
    let max = api.limits().inline_bytes_max;
    let cid = match data {
        Data::At(origin) => {
            let Pinned { cid, name, .. } = api.service.import_from(origin).await?;
            return Ok(Had { cid, name });
        }
        Data::File(bytes) | Data::Archive(bytes) if bytes.len() > max => {
            return Err(ApiError::too_large("an inline input", max as u64));
        }
        Data::File(bytes) => {
            let body = Box::pin(Cursor::new(bytes));
            api.service.import(ImportKind::File(layout), body).await?.root
        }
        Data::Archive(bytes) => {
            // A few bytes can unpack to very many: what is cut off is no whole tar, and refused.
            let tar = GzipDecoder::new(Cursor::new(bytes));
            let body = Box::pin(tar.take(api.limits().inline_unpacked_bytes_max));
            api.service.import(ImportKind::Tar(layout), body).await?.root
        }
    };
    Ok(Had { cid, name: None })
}

/// A job that is kept for ever must not be large.
pub(super) fn within_limit(job: &Job, max: usize) -> Result<(), ApiError> {
    if job.document.len() > max {
        return Err(ApiError::too_large("the job", max as u64));
    }
    Ok(())
}
