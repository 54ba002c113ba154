//! Headers that every answer has.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::json_out::Json;
use crate::types::{BuildVersionInfo, ErrorBody};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a request's id that are given back.
const REQUEST_ID_MAX: usize = 256;

/// The id that the client gave its request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(REQUEST_ID).filter(|value| value.len() <= REQUEST_ID_MAX).cloned()
}

/// Puts in what every answer has.
pub(super) fn finish(
    response: Response,
    request_id: Option<&HeaderValue>,
    version: &BuildVersionInfo,
) -> Response {
    let mut response = match request_id {
        Some(id) => name_request(response, id),
        None => response,
    };
    let headers = response.headers_mut();
    let id =
        request_id.cloned().or_else(|| HeaderValue::from_str(&Uuid::new_v4().to_string()).ok());
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    let facts = [
        ("x-bacalhau-git-version", &version.git_version),
        ("x-bacalhau-git-commit", &version.git_commit),
        ("x-bacalhau-build-date", &version.build_date),
        ("x-bacalhau-build-os", &version.goos),
        ("x-bacalhau-arch", &version.goarch),
    ];
    for (name, text) in facts {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    response
}

/// An error names the request that it answers.
fn name_request(mut response: Response, id: &HeaderValue) -> Response {
    let Some(mut body) = response.extensions_mut().remove::<ErrorBody>() else {
        return response;
    };
    body.request_id = id.to_str().unwrap_or_default().to_owned();
    (response.status(), Json::new(&body)).into_response()
}
