//! The OpenAPI document, made from the types and the routes.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder};

use crate::json_out::{Json, Style};
use crate::types::{ErrorBody, LogFrame, LogLine};

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    super::documented().1
}

/// What is not said by any route.
pub(super) fn head() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").build();
    let info = InfoBuilder::new()
        .title("gadus")
        .description(Some(
            "Bacalhau's API, and additions of gadus: `/api/v1/content`, `/api/v1/store`, `/ipfs/`, \
             `explain`, `wait_ms`, and what is under a key `Gadus`. Every error has the shape `ErrorBody`.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license))
        .build();
    let components = utoipa::openapi::ComponentsBuilder::new()
        .schema_from::<ErrorBody>()
        .schema_from::<LogFrame>()
        .schema_from::<LogLine>()
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(PathsBuilder::new().build())
        .components(Some(components))
        .build()
}

/// Axum's mark of "and all below" is no part of a path in OpenAPI.
pub(super) fn tidy(api: &mut OpenApi) {
    let paths = std::mem::take(&mut api.paths.paths);
    api.paths.paths =
        paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
}

/// The API as an OpenAPI 3.1 document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "Agent",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(super) async fn get(_: Request) -> Response {
    let style = Style { pretty: true, escape_html: false };
    Json::write(&document(), style).into_response()
}
