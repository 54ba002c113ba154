//! What stands before every route: who may ask, how many at once, for how long, and the headers
//! that every answer has.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;

use crate::error::ApiError;
use crate::service::ServiceError;
use crate::state::ApiState;

mod headers;
mod linger;
mod origin;
mod version;

/// What Bacalhau's server says when a request took too long.
const TIMED_OUT: &str = "Server Timeout!";

/// Lets a request through to its route, or not.
pub(crate) async fn guard(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let linger = Duration::from_millis(api.limits().linger_ms);
    let request = request.map(|body| linger::lingering(body, linger));
    let request_id = headers::request_id(request.headers());
    let refused = match origin::check(&api, &request) {
        Err(error) => Some(error.into_response()),
        Ok(()) => version::refuse(request.headers()),
    };
    let response = match refused {
        Some(response) => response,
        None => run(&api, request, next).await,
    };
    let facts = api.facts().await;
    headers::finish(response, request_id.as_ref(), &facts.version)
}

async fn run(api: &ApiState, request: Request, next: Next) -> Response {
    let Ok(_permit) = api.requests.try_acquire() else {
        let max = api.limits().requests_max;
        let error = ServiceError::exhausted(format!("more than {max} requests are in work"));
        return ApiError::from(error).into_response();
    };
    let limit = time_limit(api, &request);
    // A route that panics must not take the connection's other requests with it.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = match limit {
        Some(limit) => tokio::time::timeout(limit, answer).await,
        None => Ok(answer.await),
    };
    match answer {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a route panicked");
            ApiError::from(ServiceError::internal("Internal server error")).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, TIMED_OUT).into_response(),
    }
}

/// How long a route may take to begin its answer. Content moves at its own pace, and has limits
/// of its own; what looks at all that is kept takes as long as there is much of it.
fn time_limit(api: &ApiState, request: &Request) -> Option<Duration> {
    let path = request.uri().path();
    let is_about_content = path == "/api/v1/content" || path.starts_with("/api/v1/store/");
    if path.starts_with("/ipfs/") || is_about_content {
        return None;
    }
    let limits = api.limits();
    let submits = *request.method() != Method::GET && path == "/api/v1/orchestrator/jobs";
    let inputs = if submits { limits.inputs_ms } else { 0 };
    let wait = crate::query::wait_ms(request.uri()).min(limits.wait_max_ms);
    Some(Duration::from_millis(limits.request_ms.saturating_add(inputs).saturating_add(wait)))
}

/// The text of a header; empty when it is not there or no text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
