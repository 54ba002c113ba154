//! Requests that are answered without looking at any content.

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::address::{Address, encode_but};
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::ServiceError;

/// Bytes of a path that need no encoding in a `Location`.
const SAFE: &[u8] = b"/%$&+=:@";

/// The answer to such a request; `None` for any other.
pub(super) fn taken(
    uri: &Uri,
    headers: &HeaderMap,
    query: &QueryString,
) -> Result<Option<Response>, ApiError> {
    if headers.get("service-worker").is_some_and(|value| value == "script") {
        // It would speak for every other content of this node, and for its API.
        let error = ServiceError::bad_request("content is no place for service workers");
        return Err(error.into());
    }
    match query.text("uri") {
        "" => Ok(doubled(uri).map(|to| moved(&to))),
        text => Ok(Some(moved(&browsers_uri(text)?))),
    }
}

/// Elsewhere, for ever.
pub(super) fn moved(to: &str) -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to.to_owned())]).into_response()
}

/// Where `?uri=ipfs://CID/path` leads: what a browser sends that this gateway handles `ipfs:` for.
fn browsers_uri(text: &str) -> Result<String, ServiceError> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !matches!(scheme, "ipfs" | "ipns") {
        let message = format!("'uri' must begin with ipfs:// or ipns://, not '{text}'");
        return Err(ServiceError::bad_request(message));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = encode_but(path.trim_start_matches('/'), SAFE);
    let query = encode_but(query, SAFE);
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(format!("/{scheme}/{path}{mark}{query}"))
}

/// Where `/ipfs/ipfs/CID` was meant to lead.
fn doubled(uri: &Uri) -> Option<String> {
    let meant = uri.path().strip_prefix("/ipfs").filter(|path| path.starts_with("/ipfs/"))?;
    Address::parse(meant).ok()?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{meant}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_browsers_lead_to_paths() {
        let cases = [
            ("ipfs://bafk/a b/c", "/ipfs/bafk/a%20b/c"),
            ("ipfs://bafk?x=1&y=2", "/ipfs/bafk?x=1&y=2"),
            ("ipfs:////evil.example/x", "/ipfs/evil.example/x"),
            ("ipns://name\r\nx: y", "/ipns/name%0D%0Ax:%20y"),
        ];
        for (text, path) in cases {
            assert_eq!(browsers_uri(text).unwrap(), path);
        }
        for text in ["http://x", "ipfs:x", "", "javascript:alert(1)"] {
            assert!(browsers_uri(text).is_err(), "{text}");
        }
    }
}
