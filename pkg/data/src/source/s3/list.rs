//! The list of a bucket
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// Bytes of one page: a thousand of the longest keys, each byte of them encoded.
pub(super) const PAGE_BYTES_MAX: usize = 8 << 20;

/// One page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    /// What the next page is asked for by.
    pub(super) next: Option<String>,
}

/// An object as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    contents: Vec<Contents>,
    #[serde(default)]
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    size: u64,
}

/// Reads a page.
///
/// # Errors
/// Why it is none.
pub(super) fn parse(body: &[u8]) -> Result<Page, String> {
    let none = |why: &str| format!("the server answers with no list of a bucket: {why}");
    let text = str::from_utf8(body).map_err(|_| none("it is not UTF-8"))?;
    if !text.contains("<ListBucketResult") {
        return Err(none("it is something else"));
    }
    let listed: Listed = quick_xml::de::from_str(text).map_err(|e| none(&e.to_string()))?;
    let is_encoded = listed.encoding_type.as_deref() == Some("url");
    let objects = listed.contents.into_iter().map(|Contents { key, size }| {
        let key = if is_encoded { decoded(&key) } else { Some(key) };
        let key = key.ok_or_else(|| none("a key is not UTF-8"))?;
        Ok(Object { key, bytes: size })
    });
    let objects = objects.collect::<Result<_, String>>()?;
    match (listed.is_truncated, listed.next_continuation_token) {
        (false, _) => Ok(Page { objects, next: None }),
        (true, Some(token)) if !token.is_empty() => Ok(Page { objects, next: Some(token) }),
        (true, _) => Err(none("it does not say how it goes on")),
    }
}

fn decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Result<Page, String> {
        parse(format!("<ListBucketResult>{body}</ListBucketResult>").as_bytes())
    }

    fn object(key: &str, bytes: u64) -> Object {
        Object { key: key.to_owned(), bytes }
    }

    #[test]
    fn pages_are_read() {
        let one = page("<Contents><Key>a&amp;b</Key><Size>3</Size></Contents>").unwrap();
        assert_eq!(one, Page { objects: vec![object("a&b", 3)], next: None });
        let more = page(
            "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
             <Contents><Key>a+b%2Bc%0A</Key><Size>0</Size><ETag>x</ETag></Contents>\
             <NextContinuationToken>t</NextContinuationToken>\
             <Contents><Key>d</Key><Size>1</Size></Contents>",
        );
        let objects = vec![object("a b+c\n", 0), object("d", 1)];
        assert_eq!(more.unwrap(), Page { objects, next: Some("t".to_owned()) });
        assert_eq!(page("").unwrap(), Page { objects: Vec::new(), next: None });
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for body in [
            "<Contents><Key>a</Key><Size>-1</Size></Contents>",
            "<Contents><Key>a</Key></Contents>",
            "<IsTruncated>true</IsTruncated>",
            "<EncodingType>url</EncodingType><Contents><Key>%ff</Key><Size>1</Size></Contents>",
            "<Contents>",
        ] {
            assert!(page(body).is_err(), "{body}");
        }
        assert!(parse(b"<html>hello</html>").is_err());
        assert!(parse(b"\xff").is_err());
    }
}
