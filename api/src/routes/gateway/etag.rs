//! Entity tags, and what clients say that they have (RFC 9110, section 13).

use axum::http::{HeaderMap, HeaderName, header};
use gadus_model::Cid;

use super::format::Format;

/// The tag of a block, or of the tree below it, in a form.
pub(super) fn of(cid: &Cid, format: Format) -> String {
    match format {
        Format::Page => format!("\"{cid}\""),
        Format::Listing => format!("\"{cid}.listing\""),
        // Its bytes may come out otherwise in another version.
        Format::Tar => format!("W/\"{cid}.x-tar\""),
        Format::Json
        | Format::Cbor
        | Format::DagJson
        | Format::DagCbor
        | Format::Raw
        | Format::Car => format!("\"{cid}.{}\"", format.name()),
    }
}

/// The tag of a directory's page, which is ours and may change.
pub(super) fn of_page(cid: &Cid) -> String {
    format!("\"DirIndex-1_CID-{cid}\"")
}

/// Whether the client says that it has something with one of these tags.
pub(super) fn client_has(headers: &HeaderMap, tags: &[&str]) -> bool {
    let weak = |tag: &str| tag.trim_start_matches("W/").to_owned();
    listed(headers, header::IF_NONE_MATCH)
        .any(|listed| listed == "*" || tags.iter().any(|tag| weak(tag) == weak(&listed)))
}

/// Whether the client wants the thing with this tag, or nothing, and it is another.
pub(super) fn client_wants_another(headers: &HeaderMap, tag: &str) -> bool {
    let mut wanted = listed(headers, header::IF_MATCH).peekable();
    let strong = !tag.starts_with("W/");
    wanted.peek().is_some() && !wanted.any(|listed| listed == "*" || strong && listed == tag)
}

/// The tags of a header that lists some. A tag may hold a comma.
fn listed(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut tags = Vec::new();
    for value in values {
        let mut rest = value;
        while let Some(after) =
            Some(rest.trim_start_matches([',', ' ', '\t'])).filter(|r| !r.is_empty())
        {
            let quoted = after.strip_prefix("W/").unwrap_or(after).strip_prefix('"');
            let end = match quoted.and_then(|text| text.find('"')) {
                Some(end) => after.len() - quoted.unwrap_or_default().len() + end + 1,
                None => after.find(',').unwrap_or(after.len()),
            };
            tags.push(after[..end].trim().to_owned());
            rest = &after[end..];
        }
    }
    tags.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn lists_of_tags_are_read() {
        let cases = [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"x\", W/\"a\"", true),
            (" \"x,\" ,\"a\"", true),
            ("*", true),
            ("\"x\",\"y\"", false),
            ("a", false),
            ("\"a", false),
            ("\"x,\"a\"\"", false),
            ("", false),
        ];
        for (value, has) in cases {
            let headers = headers(header::IF_NONE_MATCH, value);
            assert_eq!(client_has(&headers, &["\"b\"", "\"a\""]), has, "{value}");
        }
    }

    #[test]
    fn a_wanted_tag_is_matched_strongly() {
        let cases = [("\"a\"", false), ("\"b\", \"a\"", false), ("*", false), ("W/\"a\"", true)];
        for (value, another) in cases {
            let headers = headers(header::IF_MATCH, value);
            assert_eq!(client_wants_another(&headers, "\"a\""), another, "{value}");
        }
        assert!(!client_wants_another(&HeaderMap::new(), "\"a\""));
        assert!(client_wants_another(&headers(header::IF_MATCH, "W/\"a\""), "W/\"a\""));
    }
}
