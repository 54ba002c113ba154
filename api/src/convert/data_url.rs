//! `data:` URLs (RFC 2397), which clients of Bacalhau put small inputs into.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What a `data:` URL holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DataUrl {
    /// `text/plain` when none is given; without parameters, lower-case.
    pub media_type: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Padded or not: clients do both.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Reads a URL, or says what is wrong with it.
pub(super) fn parse(url: &str) -> Result<DataUrl, &'static str> {
    let rest = url.strip_prefix("data:").ok_or("it does not begin with data:")?;
    let (head, data) = rest.split_once(',').ok_or("it has no comma")?;
    let (head, base64) = match head.strip_suffix(";base64") {
        Some(head) => (head, true),
        None => (head, false),
    };
    let media_type = head.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media_type = if media_type.is_empty() { "text/plain".to_owned() } else { media_type };
    let bytes = percent_decode(data).ok_or("it has a broken percent escape")?;
    let bytes = if base64 { decode_base64(&bytes).ok_or("its base64 is broken")? } else { bytes };
    Ok(DataUrl { media_type, bytes })
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let url_safe = text.iter().any(|b| matches!(b, b'-' | b'_'));
    let alphabet = if url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

/// Undoes percent-encoding; `None` where a `%` is not followed by two hexadecimal digits.
pub(crate) fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let (pair, tail) = rest.split_at_checked(2)?;
        let digit = |b: u8| char::from(b).to_digit(16);
        out.push(u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?);
        rest = tail;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_read() {
        let read = |url: &str| parse(url).map(|d| (d.media_type, d.bytes));
        let some = |media: &str, bytes: &[u8]| Ok((media.to_owned(), bytes.to_vec()));
        assert_eq!(read("data:,a%20b"), some("text/plain", b"a b"));
        assert_eq!(
            read("data:application/WASM;base64,AGFzbQ=="),
            some("application/wasm", b"\0asm")
        );
        assert_eq!(read("data:;charset=utf-8;base64,AGFzbQ"), some("text/plain", b"\0asm"));
        assert_eq!(read("data:x/y;base64,_-8%3D"), some("x/y", &[0xff, 0xef]));
    }

    #[test]
    fn broken_ones_are_refused() {
        for url in ["http://x", "data:x", "data:;base64,*", "data:,%4", "data:,%zz"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
