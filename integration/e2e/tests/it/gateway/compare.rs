//! Two answers, side by side.

use std::fmt;

use gadus_e2e::http::Answer;
use reqwest::Method;

use super::requests::Request;

/// Headers that the specifications name.
const HEADERS: [&str; 11] = [
    "content-type",
    "content-length",
    "content-range",
    "accept-ranges",
    "etag",
    "cache-control",
    "content-disposition",
    "content-location",
    "location",
    "x-ipfs-path",
    "x-ipfs-roots",
];

/// Something that is not the same in both.
#[derive(Debug)]
pub(super) struct Difference {
    /// `status`, `body`, or the name of a header.
    pub(super) what: &'static str,
    pub(super) ours: String,
    pub(super) theirs: String,
    /// Statuses: (ours, theirs).
    pub(super) statuses: (u16, u16),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, ours, theirs, statuses } = self;
        write!(f, "{what}: ours '{ours}', theirs '{theirs}' {statuses:?}")
    }
}

/// What differs, apart from what nobody promises.
pub(super) fn compare(request: &Request, ours: &Answer, theirs: &Answer) -> Vec<Difference> {
    let statuses = (ours.status, theirs.status);
    let difference = |what, ours: String, theirs: String| {
        (ours != theirs).then_some(Difference { what, ours, theirs, statuses })
    };
    if ours.status != theirs.status {
        let (ours, theirs) = (ours.status.to_string(), theirs.status.to_string());
        return difference("status", ours, theirs).into_iter().collect();
    }
    let mut found = Vec::new();
    for header in headers(ours.status) {
        // Of what is made as it is sent, nobody promises a length.
        if *header == "content-length" && theirs.header("accept-ranges") != "bytes" {
            continue;
        }
        let value = |answer: &Answer| normal(header, answer.header(header));
        found.extend(difference(header, value(ours), value(theirs)));
    }
    let has_body = matches!(ours.status, 200 | 206) && request.method == Method::GET;
    if has_body && ours.body != theirs.body {
        let shown = |answer: &Answer| {
            let text =
                String::from_utf8_lossy(&answer.body[..answer.body.len().min(120)]).into_owned();
            format!("{} bytes: {}", answer.body.len(), text.escape_debug())
        };
        found.extend(difference("body", shown(ours), shown(theirs)));
    }
    found
}

/// What is compared by status: an error's words and the headers of a 304 are each one's own.
fn headers(status: u16) -> &'static [&'static str] {
    match status {
        200 | 206 => &HEADERS,
        301 => &["location"],
        416 => &["content-range"],
        _ => &[],
    }
}

/// Tags name versions, and the parameters of a CAR, in a way of one's own.
fn normal(header: &str, value: &str) -> String {
    if header != "etag" {
        return value.to_owned();
    }
    if let Some((_, cid)) = value.split_once("_CID-") {
        return format!("a page of {cid}");
    }
    match value.split_once(".car.") {
        Some((cid, _)) => format!("a CAR of {cid}"),
        None => value.to_owned(),
    }
}
