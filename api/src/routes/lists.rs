//! Lists: of jobs, and of what belongs to one.

use axum::extract::{Path, State};
use axum::response::IntoResponse;

use super::{Answer, jobs, json};
use crate::convert;
use crate::json_out::{Json, Style};
use crate::paging::{PageToken, limit, page_len};
use crate::query::QueryString;
use crate::service::{JobOrder, JobsQuery, ServiceError};
use crate::state::ApiState;
use crate::types::{
    Execution, JobHistory, ListExecutionsResponse, ListHistoryResponse, ListJobsResponse,
    ListResultsResponse,
};

/// Items of a page of history when none are asked for.
const HISTORY_PAGE: u32 = 100;

/// A page of jobs.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs",
    tag = "Orchestrator",
    params(
        ("namespace" = Option<String>, Query, description = "Only of this one; `*` and nothing mean all"),
        ("labels" = Option<String>, Query, description = "A label selector; may be repeated"),
        ("order_by" = Option<String>, Query, description = "created_at or modified_at"),
        ("reverse" = Option<bool>, Query, description = "The other way round"),
        ("limit" = Option<u32>, Query, description = "Jobs of a page"),
        ("next_token" = Option<String>, Query, description = "Of the page before; goes before the others"),
    ),
    responses((status = 200, description = "Some jobs", body = ListJobsResponse))
)]
pub(super) async fn jobs(State(api): State<ApiState>, query: QueryString) -> Answer {
    let page = PageToken::asked(&query)?;
    let selector = query.all("labels").collect::<Vec<_>>().join(",");
    let namespace = query.text("namespace");
    let asked = api
        .service
        .jobs(JobsQuery {
            namespace: Some(namespace.to_owned()).filter(|n| !matches!(n.as_str(), "" | "*")),
            labels: convert::parse_selector(&selector)?,
            order: order(&page.sort_by)?,
            reverse: page.reverse,
            offset: page.offset as usize,
            limit: page_len(page.limit, api.limits().page_max),
        })
        .await?;
    let answer = ListJobsResponse {
        next_token: page.next(asked.next_offset),
        items: asked.jobs.iter().map(|view| convert::job(view)).collect(),
    };
    json(&query, &answer)
}

/// By id means by submission: ids are drawn.
fn order(text: &str) -> Result<JobOrder, ServiceError> {
    match text {
        "" | "id" | "created_at" | "create_time" => Ok(JobOrder::Created),
        "modified_at" | "modify_time" => Ok(JobOrder::Modified),
        other => Err(ServiceError::bad_request(format!("jobs cannot be ordered by '{other}'"))
            .with_hint("use created_at or modified_at")),
    }
}

/// What happened to a job. The token is there until the job is over and all is read, so that it
/// can be polled with.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/history",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("since" = Option<u64>, Query, description = "Seconds since the Unix epoch"),
        ("event_type" = Option<String>, Query, description = "all, job or execution"),
        ("execution_id" = Option<String>, Query, description = "An id or a prefix of it"),
        ("limit" = Option<u32>, Query, description = "Entries of a page, 100 if none is given"),
        ("next_token" = Option<String>, Query, description = "Of the page before"),
    ),
    responses((status = 200, description = "What happened", body = ListHistoryResponse))
)]
pub(super) async fn history(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = jobs::find(&api, &id, &query).await?;
    jobs::check_version(&view, &query)?;
    let page = PageToken::asked(&query).map_err(|e| e.of("JobStore"))?;
    let limit = if page.limit == 0 { HISTORY_PAGE } else { page.limit };
    let wanted = HistoryFilter::new(&query)?;
    let all: Vec<_> = convert::history(&view).into_iter().filter(|e| wanted.takes(e)).collect();
    let begin = (page.offset as usize).min(all.len());
    let end = all.len().min(begin.saturating_add(page_len(limit, api.limits().page_max)));
    let more = end < all.len() || !view.state.is_terminal();
    let answer = ListHistoryResponse {
        // A history has one order only.
        next_token: PageToken { limit, ..PageToken::default() }.next(more.then_some(end)),
        items: all[begin..end].to_vec(),
    };
    json(&query, &answer)
}

/// Which entries of a history.
struct HistoryFilter<'a> {
    since: String,
    kind: &'static str,
    execution: &'a str,
}

impl<'a> HistoryFilter<'a> {
    fn new(query: &'a QueryString) -> Result<Self, ServiceError> {
        let kind = match query.text("event_type") {
            "" | "all" => "",
            "job" => "JobLevel",
            "execution" => "ExecutionLevel",
            other => {
                let message = format!("'event_type' must be all, job or execution, not '{other}'");
                return Err(ServiceError::bad_request(message));
            }
        };
        let since = gadus_model::Time(query.number("since")?.saturating_mul(1_000_000));
        // RFC 3339 of one offset sorts as the moments do, up to the point of the seconds.
        let since = convert::rfc3339(since).trim_end_matches('Z').to_owned();
        Ok(Self { since, kind, execution: query.text("execution_id") })
    }

    fn takes(&self, entry: &JobHistory) -> bool {
        (self.kind.is_empty() || entry.kind == self.kind)
            && entry.execution_id.starts_with(self.execution)
            && entry.time.as_str() >= self.since.as_str()
    }
}

/// The executions of a job.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/executions",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("limit" = Option<u32>, Query, description = "At most as many"),
        ("order_by" = Option<String>, Query, description = "created_at or modified_at"),
        ("reverse" = Option<bool>, Query, description = "The other way round"),
    ),
    responses((status = 200, description = "Every try", body = ListExecutionsResponse))
)]
pub(super) async fn executions(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = jobs::find(&api, &id, &query).await?;
    jobs::check_version(&view, &query)?;
    let mut answer = jobs::executions(&view);
    let key: fn(&Execution) -> i64 = match query.text("order_by") {
        "modified_at" | "modify_time" => |e| e.modify_time,
        _ => |e| e.create_time,
    };
    answer.items.sort_by_key(key);
    if query.flag("reverse")? {
        answer.items.reverse();
    }
    answer.items.truncate(page_len(limit(&query)?, usize::MAX));
    json(&query, &answer)
}

/// The published results of a job.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/results",
    tag = "Orchestrator",
    params(("id" = String, Path, description = "Name, id or a unique prefix of the id")),
    responses((status = 200, description = "One for each published execution", body = ListResultsResponse))
)]
pub(super) async fn results(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = jobs::find(&api, &id, &query).await?;
    let mut items = Vec::new();
    for execution in view.executions.iter().filter(|e| view.is_answer(e)) {
        let Some(published) = convert::published(execution) else { continue };
        items.push(match &execution.place {
            Some(place) => convert::place(&api.service.open_to_all(place.clone()).await),
            None => published,
        });
    }
    let answer = ListResultsResponse { next_token: String::new(), items };
    let style = Style { pretty: query.has("pretty"), escape_html: false };
    Ok(Json::write(&answer, style).into_response())
}
