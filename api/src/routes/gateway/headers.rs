//! Headers of content. It never changes under its CID, and it is nobody's page: a browser neither
//! guesses its type nor runs what is in it.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use gadus_model::Cid;

use super::address::{Address, encode_but};

/// What never changes.
const IMMUTABLE: &str = "public, max-age=29030400, immutable";
/// A page of ours about what never changes: its looks may.
pub(super) const PAGE: &str = "public, max-age=604800, stale-while-revalidate=2678400";

/// A page may show what lies beside it, and run nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'self' 'unsafe-inline'; \
                       img-src 'self' data:; media-src 'self' data:; font-src 'self' data:";

/// An answer with the headers that all content has.
pub(super) fn guarded(mut response: Response, etag: &str, address: &Address) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(IMMUTABLE));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    set(&mut response, header::ETAG, etag);
    let path = address.shown();
    // What no header can hold comes encoded.
    let shown = HeaderValue::from_bytes(path.as_bytes()).is_ok();
    let path = if shown { path } else { address.uri() };
    set(&mut response, HeaderName::from_static("x-ipfs-path"), &path);
    response
}

/// An answer that tells the blocks that its path leads through.
pub(super) fn with_roots(mut response: Response, roots: &[Cid]) -> Response {
    let roots: Vec<_> = roots.iter().map(ToString::to_string).collect();
    set(&mut response, HeaderName::from_static("x-ipfs-roots"), &roots.join(","));
    response
}

/// Sets a header, unless its value is none that a header can have.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response.headers_mut().insert(name, value);
    }
}

/// The header `Content-Disposition`: a name to save it under, in ASCII and in full.
pub(super) fn disposition(kind: &str, name: &str) -> String {
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    // What Kubo leaves as it is, so that both say the same.
    let encode = |name: &str| encode_but(name, b"$&+=:@");
    format!("{kind}; filename=\"{}\"; filename*=UTF-8''{}", encode(&ascii), encode(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("inline", "Blåbær \"1\".txt"),
            "inline; filename=\"Bl_b_r%20%221%22.txt\"; \
             filename*=UTF-8''Bl%C3%A5b%C3%A6r%20%221%22.txt"
        );
    }
}
