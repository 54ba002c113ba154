//! Media types of files, by name, and else by whether they begin as text. Nothing that a browser
//! would run gets its own type.

/// The type of a file. `begin` is its first bytes.
pub(super) fn of(name: &str, begin: &[u8]) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("wav") => "audio/wav",
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("wasm") => "application/wasm",
        Some("gz" | "tgz") => "application/gzip",
        Some("zip") => "application/zip",
        Some("tar") => "application/x-tar",
        Some("car") => "application/vnd.ipld.car",
        _ if is_text(begin) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn is_text(begin: &[u8]) -> bool {
    let valid = match std::str::from_utf8(begin) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !begin.iter().any(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_cautious() {
        assert_eq!(of("a.JSON", b""), "application/json");
        assert_eq!(of("page.html", b"<script>"), "text/plain; charset=utf-8");
        assert_eq!(of("x.svg", b"<svg/>"), "text/plain; charset=utf-8");
        assert_eq!(of("stdout", "h\u{e9}\n".as_bytes()), "text/plain; charset=utf-8");
        assert_eq!(of("cut", b"h\xc3"), "text/plain; charset=utf-8");
        assert_eq!(of("blob", b"\0\x01"), "application/octet-stream");
        assert_eq!(of("blob", b"\xff\xfe"), "application/octet-stream");
    }
}
