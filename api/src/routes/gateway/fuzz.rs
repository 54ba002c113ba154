//! The parsers of requests, given any bytes: a function for each, which holds what comes out to what
//! must always be so. The targets of `fuzz/` feed them, and a test feeds them what these once found
//! worth keeping (`fuzz/corpus`).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use gadus_model::codec::cid_of;

use super::address::Address;
use super::format::{Format, Wanted};
use super::plain::{DAG_CBOR, DAG_JSON, DAG_PB, convert as converted};
use super::range::{self, Range};
use super::{car, detour, etag, headers};
use crate::convert::origin;
use crate::query::QueryString;

/// A path under `/ipfs/`, and where an input comes from.
pub fn path(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let _ = origin(text);
    let Ok(address) = Address::parse(text) else { return };
    for name in &address.names {
        assert!(!name.is_empty() && !matches!(name.as_str(), "." | ".."), "{name:?}");
        assert!(!name.contains(['/', '\0']), "{name:?}");
    }
    let again = Address::parse(&address.uri());
    assert!(again.is_ok_and(|again| {
        (again.root, &again.names) == (address.root, &address.names) && !again.slash
    }));
    assert!(address.uri().parse::<Uri>().is_ok(), "it is no URI: {}", address.uri());
    let told = headers::guarded(StatusCode::OK.into_response(), "\"tag\"", &address);
    assert!(told.headers().contains_key("x-ipfs-path"));
    let disposition = headers::disposition("inline", &address.name());
    assert!(HeaderValue::from_bytes(disposition.as_bytes()).is_ok(), "{disposition:?}");
}

/// A request in lines: its URI, then the values of `Accept`, `Range`, `If-None-Match` and `If-Match`.
pub fn gateway(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Ok(uri) = Uri::try_from(lines.next().unwrap_or_default()) else { return };
    let names = [header::ACCEPT, header::RANGE, header::IF_NONE_MATCH, header::IF_MATCH];
    let values = lines.map(|line| HeaderValue::from_bytes(line).ok());
    let given: HeaderMap = names.into_iter().zip(values).filter_map(both).collect();
    let query = QueryString::parse(uri.query().unwrap_or_default());
    if let Ok(Some(moved)) = detour::taken(&uri, &given, &query) {
        assert!(moved.headers().contains_key(header::LOCATION));
    }
    if let Ok(address) = Address::parse(uri.path()) {
        for format in [Format::Page, Format::Tar, Format::Raw] {
            let tag = etag::of(&address.root, format);
            let _ = etag::client_has(&given, &[&tag]);
            let _ = etag::client_wants_another(&given, &tag);
        }
    }
    if let Ok(wanted) = Wanted::read(&query, &given) {
        let accept = |name: &str| wanted.params.get(name).map_or("", String::as_str);
        let _ = car::is_understood(&query, accept);
    }
    let Some(range) = given.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return;
    };
    for size in [0, 1, 10, 1 << 40, u64::MAX] {
        if let Range::Part { start, length } = range::parse(range, size) {
            let end = start.checked_add(length);
            assert!(length > 0 && end.is_some_and(|end| end <= size), "{start} {length} of {size}");
        }
    }
}

fn both((name, value): (HeaderName, Option<HeaderValue>)) -> Option<(HeaderName, HeaderValue)> {
    Some((name, value?))
}

/// A block, and a byte before it: its codec. What it is shown as in other codecs can be read. (It need
/// not come back: a number of more than 64 bits is another one then.)
pub fn convert(input: &[u8]) {
    let Some((codec, block)) = input.split_first() else { return };
    let codec = match codec {
        b'j' => DAG_JSON,
        b'p' => DAG_PB,
        _ => DAG_CBOR,
    };
    let to = |codec, block: &Bytes, to| converted(&cid_of(codec, block), block, to);
    let Ok(cbor) = to(codec, &Bytes::copy_from_slice(block), Format::DagCbor) else { return };
    let Ok(json) = to(DAG_CBOR, &cbor, Format::DagJson) else { return };
    let again = to(DAG_JSON, &json, Format::DagCbor);
    assert!(again.is_ok(), "{}", String::from_utf8_lossy(&json));
}

#[cfg(test)]
mod tests;
