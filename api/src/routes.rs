//! The routes. Each file has those of one thing, beside their documentation for OpenAPI.

use axum::Router;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::json_out::{Json, Style};
use crate::query::QueryString;
use crate::service::{ErrorCode, ServiceError};
use crate::state::ApiState;

mod agent;
mod archives;
mod content;
mod evidence;
mod explain;
mod gateway;
mod jobs;
mod later;
mod lists;
mod logs;
mod nodes;
mod openapi;
mod receipts;
mod stop;
mod store;
mod submit;
mod tasks;
mod trust;
mod verdicts;

pub use gateway::fuzz;
pub use openapi::document;

/// What a route answers.
pub(crate) type Answer = Result<Response, ApiError>;

/// All that is served, documented.
fn documented() -> (Router<ApiState>, OpenApi) {
    let (router, mut api) = OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(agent::alive))
        .routes(routes!(agent::version))
        .routes(routes!(agent::node))
        .routes(routes!(submit::put, submit::post, lists::jobs))
        .routes(routes!(jobs::get, stop::delete))
        .routes(routes!(lists::history))
        .routes(routes!(lists::executions))
        .routes(routes!(lists::results))
        .routes(routes!(receipts::get))
        .routes(routes!(evidence::list))
        .routes(routes!(evidence::get))
        .routes(routes!(tasks::job))
        .routes(routes!(tasks::draft))
        .routes(routes!(logs::get))
        .routes(routes!(explain::job))
        .routes(routes!(explain::draft))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::get))
        .routes(routes!(trust::list))
        .routes(routes!(trust::set))
        .routes(routes!(verdicts::list, verdicts::count))
        .routes(routes!(verdicts::forget))
        .routes(routes!(content::post))
        .routes(routes!(archives::get))
        .routes(routes!(gateway::root))
        .routes(routes!(gateway::below))
        .routes(routes!(store::stat))
        .routes(routes!(store::pins, store::pin))
        .routes(routes!(store::unpin))
        .routes(routes!(store::gc))
        .routes(routes!(store::verify))
        .routes(routes!(openapi::get))
        .split_for_parts();
    openapi::tidy(&mut api);
    (router, api)
}

/// The router, without what guards it.
pub(crate) fn router() -> Router<ApiState> {
    let (router, _) = documented();
    let router = agent::redirects(router)
        .route("/ipfs/{cid}/", axum::routing::get(gateway::root))
        .route("/ipfs/", axum::routing::get(gateway::root));
    later::routes(router).fallback(no_route).method_not_allowed_fallback(wrong_method)
}

async fn no_route(_: Method, _: Uri) -> Response {
    let error = ServiceError::new(
        ErrorCode::NotFound,
        "The requested resource/URL was not found.",
    )
    .with_hint(
        "The server version may be older than this CLI version and does not support the endpoint yet.",
    )
    .with_detail(
        "cli_usage",
        "If you are using the CLI, try updating your server to a newer version or check if the \
         command is supported in your server version.",
    );
    ApiError::from(error).into_response()
}

async fn wrong_method() -> Response {
    let error = ServiceError::internal("Method Not Allowed");
    ApiError::with_status(axum::http::StatusCode::METHOD_NOT_ALLOWED, error).into_response()
}

/// A value in the style that the query asks for.
pub(crate) fn json<T: serde::Serialize>(query: &QueryString, value: &T) -> Answer {
    let style = Style { pretty: query.has("pretty"), escape_html: true };
    Ok(Json::write(value, style).into_response())
}
