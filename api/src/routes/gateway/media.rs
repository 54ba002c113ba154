//! Media types of files: by name, else by their first bytes.

/// Bytes that a type is told from.
pub(super) const SNIFF_BYTES: u64 = 3_072;

/// The type of a file. `begin` is its first bytes, `size` all of them.
pub(super) fn of(name: &str, begin: &[u8], size: u64) -> String {
    if let Some(by_name) = mime_guess::from_path(name).first() {
        let charset = by_name.type_() == "text" && by_name.get_param("charset").is_none();
        // A page says itself how it is written.
        let charset = charset && by_name.subtype() != "html";
        return format!("{by_name}{}", if charset { "; charset=utf-8" } else { "" });
    }
    let by_content = match infer::get(begin) {
        Some(kind) => kind.mime_type(),
        None if !is_text(begin) => "application/octet-stream",
        None if is_json(begin, size) => "application/json",
        None => "text/plain; charset=utf-8",
    };
    by_content.to_owned()
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

    fn by(name: &str, begin: &[u8]) -> String {
        of(name, begin, begin.len() as u64)
    }

    #[test]
    fn names_tell_first() {
        assert_eq!(by("a.JSON", b""), "application/json");
        assert_eq!(by("page.html", b"<p>"), "text/html");
        assert_eq!(by("x.svg", b"<svg/>"), "image/svg+xml");
        assert_eq!(by("x.css", b""), "text/css; charset=utf-8");
        assert_eq!(by("notes.txt", b"\0"), "text/plain; charset=utf-8");
    }

    #[test]
    fn bytes_tell_where_a_name_does_not() {
        assert_eq!(by("stdout", "h\u{e9}\n".as_bytes()), "text/plain; charset=utf-8");
        assert_eq!(by("cut", b"h\xc3"), "text/plain; charset=utf-8");
        assert_eq!(by("blob", b"\0\x01"), "application/octet-stream");
        assert_eq!(by("blob", b"\xff\xfe\xfd"), "application/octet-stream");
        assert_eq!(by("blob", b"\x89PNG\r\n\x1a\n\0\0"), "image/png");
        assert_eq!(by("doc", b" {\"a\": [1]}\n"), "application/json");
        assert_eq!(by("doc", b"{\"a\": "), "text/plain; charset=utf-8");
        assert_eq!(of("doc", b"{\"a\": ", 9_000), "application/json");
        assert_eq!(by("doc", b"{a}"), "text/plain; charset=utf-8");
    }
}
