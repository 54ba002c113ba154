//! JSON as Go's `encoding/json` writes it, since that is what clients were written against.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON body: HTML-escaped where asked, with a newline at its end.
#[derive(Debug)]
pub struct Json(Vec<u8>);

impl Json {
    /// A value, HTML-escaped.
    #[must_use]
    pub fn new<T: Serialize>(value: &T) -> Self {
        Self::write(value, Style { pretty: false, escape_html: true })
    }

    /// A value in a style.
    #[must_use]
    pub fn write<T: Serialize>(value: &T, style: Style) -> Self {
        let bytes =
            if style.pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
        // Strings, numbers and string-keyed maps always have a JSON form.
        let bytes = bytes.unwrap_or_else(|_| b"null".to_vec());
        let mut bytes = if style.escape_html { escape_html(&bytes) } else { bytes };
        bytes.push(b'\n');
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Indented by two spaces, as `?pretty` asks for.
    pub pretty: bool,
    /// `<`, `>` and `&` as escapes.
    pub escape_html: bool,
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], self.0).into_response()
    }
}

/// Outside of strings JSON has none of these bytes, so they can be replaced in the text.
fn escape_html(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'<' => out.extend_from_slice(b"\\u003c"),
            b'>' => out.extend_from_slice(b"\\u003e"),
            b'&' => out.extend_from_slice(b"\\u0026"),
            // U+2028 and U+2029, which JavaScript takes for line ends.
            0xe2 if matches!(tail, [0x80, 0xa8 | 0xa9, ..]) => {
                out.extend_from_slice(if tail[1] == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                rest = &tail[2..];
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_does() {
        let json = Json::new(&"a<b>&\u{2028}\u{2029}é\u{2026}").into_bytes();
        let text = String::from_utf8(json).unwrap();
        assert_eq!(text, "\"a\\u003cb\\u003e\\u0026\\u2028\\u2029é\u{2026}\"\n");
    }

    #[test]
    fn pretty_is_two_spaces_and_results_are_not_escaped() {
        let value = serde_json::json!({"A": "<"});
        let style = Style { pretty: true, escape_html: false };
        assert_eq!(Json::write(&value, style).into_bytes(), b"{\n  \"A\": \"<\"\n}\n");
    }
}
