//! Headers of content. It never changes under its CID, and it is nobody's page: a browser neither
//! guesses its type nor runs what is in it.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gadus_model::Cid;
use gadus_ports::Node;

use super::address::Address;
use super::format::Format;

/// The tag of what is sent, by its form.
pub(super) fn etag(cid: &Cid, format: Format, node: &Node) -> String {
    match (format, node) {
        (Format::Raw, _) => format!("\"{cid}.raw\""),
        (Format::Tar, _) => format!("W/\"{cid}.tar\""),
        (Format::Json, _) => format!("\"{cid}.json\""),
        (Format::Page, Node::Directory { .. }) => format!("\"DirIndex-1_CID-{cid}\""),
        (Format::Page, Node::File { .. } | Node::Symlink { .. }) => format!("\"{cid}\""),
    }
}

/// Whether the client says that it has this.
pub(super) fn client_has(headers: &HeaderMap, etag: &str) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .any(|tags| tags.split(',').any(|tag| tag.trim() == "*" || strong(tag) == strong(etag)))
}

/// The answer to a client that has it.
pub(super) fn not_modified(etag: &str, address: &Address) -> Response {
    guarded(StatusCode::NOT_MODIFIED.into_response(), etag, address)
}

/// An answer with the headers that all content has.
pub(super) fn guarded(mut response: Response, etag: &str, address: &Address) -> Response {
    let fixed = [
        (header::CACHE_CONTROL, "public, max-age=29030400, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let path = address.uri();
    let made = [(header::ETAG, etag), (header::HeaderName::from_static("x-ipfs-path"), &path)];
    for (name, value) in made {
        // Both are plain ASCII: CIDs and percent-encoded names.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
