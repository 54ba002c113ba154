//! In which form content is wanted.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};

use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::ServiceError;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A file's bytes, a directory's page, a plain block as it is.
    Page,
    /// What stands there, as JSON of ours.
    Listing,
    /// A plain block as JSON; a file as it is; a directory's listing.
    Json,
    /// A plain block as CBOR; UnixFS as [`Format::Page`].
    Cbor,
    /// A block as DAG-JSON.
    DagJson,
    /// A block as DAG-CBOR.
    DagCbor,
    /// The tree as a tar.
    Tar,
    /// The block itself.
    Raw,
    /// Blocks of the tree.
    Car,
}

/// Names in queries, and media types.
const FORMATS: [(Format, &str, &str); 7] = [
    (Format::Raw, "raw", "application/vnd.ipld.raw"),
    (Format::Car, "car", "application/vnd.ipld.car"),
    (Format::Tar, "tar", "application/x-tar"),
    (Format::Json, "json", "application/json"),
    (Format::Cbor, "cbor", "application/cbor"),
    (Format::DagJson, "dag-json", "application/vnd.ipld.dag-json"),
    (Format::DagCbor, "dag-cbor", "application/vnd.ipld.dag-cbor"),
];

impl Format {
    /// Its media type; empty for what has no single one.
    pub(super) fn media_type(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(.., media)| media)
    }

    /// Its name in a query; empty for what has none.
    pub(super) fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) format: Format,
    /// Parameters that `Accept` gives with the format.
    pub(super) params: BTreeMap<String, String>,
    /// Whether the query names the format, and so the URI alone says what this is.
    pub(super) by_query: bool,
}

impl Wanted {
    /// By `format`, else by the first type of `Accept` that names a form of content. Types that
    /// browsers send (`text/html`, `*/*`) name none.
    pub(super) fn read(query: &QueryString, headers: &HeaderMap) -> Result<Self, ApiError> {
        let accepted = accepted(headers);
        let text = query.text("format");
        if text.is_empty() {
            let Some((media, params)) = accepted else {
                return Ok(Self::plain(Format::Page, BTreeMap::new(), false));
            };
            let found = FORMATS.iter().find(|(.., known)| *known == media);
            let (format, ..) = found.ok_or_else(|| unsupported("the media type", &media))?;
            return Ok(Self::plain(*format, params, false));
        }
        if text == "listing" {
            return Ok(Self::plain(Format::Listing, BTreeMap::new(), true));
        }
        let found = FORMATS.iter().find(|(_, name, _)| *name == text);
        let (format, _, known) = found.ok_or_else(|| unsupported("the format", text))?;
        let params = accepted.filter(|(media, _)| media == known).map(|(_, params)| params);
        Ok(Self::plain(*format, params.unwrap_or_default(), true))
    }

    fn plain(format: Format, params: BTreeMap<String, String>, by_query: bool) -> Self {
        Self { format, params, by_query }
    }
}

fn unsupported(what: &str, value: &str) -> ApiError {
    let names: Vec<_> = FORMATS.iter().map(|(_, name, _)| *name).collect();
    ServiceError::bad_request(format!("{what} '{value}' is none that content comes in"))
        .with_hint(format!("ask for format={} or listing", names.join(", ")))
        .into()
}

/// The first type of `Accept` that names a form of content, with its parameters.
fn accepted(headers: &HeaderMap) -> Option<(String, BTreeMap<String, String>)> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = values.flat_map(|value| value.split(',')).map(media_type);
    types.find(|(media, _)| {
        media.starts_with("application/vnd.ipld.")
            || media.starts_with("application/vnd.ipfs.")
            || FORMATS.iter().any(|(.., known)| known == media)
    })
}

fn media_type(text: &str) -> (String, BTreeMap<String, String>) {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let params = parts.filter_map(|part| part.split_once('=')).map(|(name, value)| {
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned())
    });
    (media, params.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str, accept: &str) -> Option<(Format, String, bool)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        let wanted = Wanted::read(&QueryString::parse(query), &headers).ok()?;
        let params: Vec<_> =
            wanted.params.iter().map(|(name, value)| name.clone() + value).collect();
        Some((wanted.format, params.join(" "), wanted.by_query))
    }

    #[test]
    fn the_query_wins_and_accept_is_read_in_order() {
        let car = "application/vnd.ipld.car; version=1;order=dfs; dups=\"y\"";
        let cases = [
            ("", "*/*", Some((Format::Page, "", false))),
            ("", "text/html,application/xhtml+xml;q=0.9", Some((Format::Page, "", false))),
            ("", "text/html, application/vnd.ipld.raw", Some((Format::Raw, "", false))),
            ("", "application/x-tar,application/json", Some((Format::Tar, "", false))),
            ("", car, Some((Format::Car, "dupsy orderdfs version1", false))),
            ("format=car", car, Some((Format::Car, "dupsy orderdfs version1", true))),
            ("format=raw", car, Some((Format::Raw, "", true))),
            ("format=dag-json", "*/*", Some((Format::DagJson, "", true))),
            ("format=zip", "*/*", None),
            ("", "application/vnd.ipld.zip", None),
            ("", "application/vnd.ipfs.ipns-record", None),
        ];
        for (query, accept, expected) in cases {
            let expected = expected.map(|(format, params, by)| (format, params.to_owned(), by));
            assert_eq!(wanted(query, accept), expected, "{query} {accept}");
        }
    }
}
