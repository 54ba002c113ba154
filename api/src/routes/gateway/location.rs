//! The URI under which a form of content can be had without `Accept`, for caches and for people.

use axum::http::header;
use axum::response::Response;

use super::Ask;
use super::address::encode_but;
use super::format::Format;
use super::headers;
use crate::query;

/// An answer that says so, where `Accept` alone chose its form.
pub(super) fn told(ask: &Ask<'_>, mut response: Response) -> Response {
    let wanted = &ask.wanted;
    if wanted.by_query || wanted.format == Format::Page {
        return response;
    }
    let name = wanted.format.name();
    let mut pairs = query::pairs(ask.uri.query().unwrap_or_default());
    pairs.retain(|(key, _)| key != "format");
    pairs.push(("format".to_owned(), name.to_owned()));
    for (param, value) in &wanted.params {
        let key = format!("{name}-{param}");
        if !pairs.iter().any(|(there, _)| *there == key) {
            pairs.push((key, value.clone()));
        }
    }
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let encode = |text: &str| encode_but(text, b" ").replace(' ', "+");
    let pairs = pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value)));
    let query: Vec<_> = pairs.collect();
    let place = format!("{}?{}", ask.uri.path(), query.join("&"));
    headers::set(&mut response, header::CONTENT_LOCATION, &place);
    response
}
