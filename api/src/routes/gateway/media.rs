//! Media types of files: by name, else by their first bytes.

/// Bytes that a type is told from.
pub(super) const SNIFF_BYTES: u64 = 3_072;

/// The type of files with such a name, where there is one.
pub(super) fn by_name(name: &str) -> Option<String> {
    let found = mime_guess::from_path(name).first()?;
    let charset = found.type_() == "text" && found.get_param("charset").is_none();
    // A page says itself how it is written.
    let charset = charset && found.subtype() != "html";
    Some(format!("{found}{}", if charset { "; charset=utf-8" } else { "" }))
}

/// The type of a file of `size` bytes by the first of them.
pub(super) fn by_content(begin: &[u8], size: u64) -> &'static str {
    match infer::get(begin) {
        None if size == 0 => "text/plain",
        Some(kind) => kind.mime_type(),
        None if !is_text(begin) => "application/octet-stream",
        None if is_json(begin, size) => "application/json",
        None => "text/plain; charset=utf-8",
    }
}

fn is_text(begin: &[u8]) -> bool {
    let valid = match std::str::from_utf8(begin) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !begin.iter().any(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

/// Whether this is the whole of a JSON document of more than a word, or the begin of one.
fn is_json(begin: &[u8], size: u64) -> bool {
    if !matches!(begin.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return false;
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(begin) {
        Ok(_) => true,
        Err(error) => error.is_eof() && size > begin.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_first() {
        let by_name = |name| by_name(name).unwrap_or_default();
        assert_eq!(by_name("a.JSON"), "application/json");
        assert_eq!(by_name("page.html"), "text/html");
        assert_eq!(by_name("x.svg"), "image/svg+xml");
        assert_eq!(by_name("x.css"), "text/css; charset=utf-8");
        assert_eq!(by_name("notes.txt"), "text/plain; charset=utf-8");
        assert_eq!(by_name("stdout"), "");
    }

    #[test]
    fn bytes_tell_where_a_name_does_not() {
        let by = |begin: &[u8]| by_content(begin, begin.len() as u64);
        assert_eq!(by("h\u{e9}\n".as_bytes()), "text/plain; charset=utf-8");
        assert_eq!(by(b"h\xc3"), "text/plain; charset=utf-8");
        assert_eq!(by(b"\0\x01"), "application/octet-stream");
        assert_eq!(by(b"\xff\xfe\xfd"), "application/octet-stream");
        assert_eq!(by(b"\x89PNG\r\n\x1a\n\0\0"), "image/png");
        assert_eq!(by(b" {\"a\": [1]}\n"), "application/json");
        assert_eq!(by(b"{\"a\": "), "text/plain; charset=utf-8");
        assert_eq!(by(b""), "text/plain");
        assert_eq!(by_content(b"{\"a\": ", 9_000), "application/json");
        assert_eq!(by(b"{a}"), "text/plain; charset=utf-8");
    }
}
