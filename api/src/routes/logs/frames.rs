//! From chunks of bytes to frames of text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gadus_ports::{LogChunk, StdStream};

use crate::types::{LogFrame, LogLine};

/// Bytes of text in one frame; longer lines are cut.
const LINE_MAX: usize = 32 << 10;

/// Makes frames of chunks: one for each line or part of a line. Keeps the bytes of a character
/// that is cut by the end of a chunk: at most three of each stream.
#[derive(Default)]
pub(super) struct Frames {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Frames {
    /// The frames of a chunk.
    pub(super) fn of(&mut self, chunk: &LogChunk) -> Vec<LogFrame> {
        let carry = match chunk.stream {
            StdStream::Stdout => &mut self.stdout,
            StdStream::Stderr => &mut self.stderr,
        };
        let mut bytes = std::mem::take(carry);
        bytes.extend_from_slice(&chunk.bytes);
        *carry = bytes.split_off(bytes.len() - cut_character(&bytes));
        lines(chunk.stream, &bytes)
    }

    /// The frames of what is kept, at the end.
    pub(super) fn rest(&mut self) -> Vec<LogFrame> {
        let stdout = lines(StdStream::Stdout, &std::mem::take(&mut self.stdout));
        let stderr = lines(StdStream::Stderr, &std::mem::take(&mut self.stderr));
        [stdout, stderr].concat()
    }
}

/// How many bytes at the end begin a character and do not end it.
fn cut_character(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let begins = tail.iter().rposition(|b| *b >= 0xc0);
    let Some(begin) = begins else {
        return 0;
    };
    match std::str::from_utf8(&tail[begin..]) {
        Err(error) if error.error_len().is_none() => tail.len() - begin,
        _ => 0,
    }
}

fn lines(stream: StdStream, bytes: &[u8]) -> Vec<LogFrame> {
    bytes
        .split_inclusive(|b| *b == b'\n')
        .flat_map(|line| line.chunks(LINE_MAX))
        .map(|line| frame(stream, line))
        .collect()
}

fn frame(stream: StdStream, bytes: &[u8]) -> LogFrame {
    let kind = match stream {
        StdStream::Stdout => 1,
        StdStream::Stderr => 2,
    };
    let value = match std::str::from_utf8(bytes) {
        Ok(text) => LogLine { kind, line: text.to_owned(), bytes: String::new() },
        Err(_) => LogLine {
            kind,
            line: String::from_utf8_lossy(bytes).into_owned(),
            bytes: STANDARD.encode(bytes),
        },
    };
    LogFrame { error: String::new(), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(stream: StdStream, bytes: &'static [u8]) -> LogChunk {
        LogChunk { stream, bytes: bytes.into() }
    }

    fn shown(frames: &[LogFrame]) -> Vec<(u8, &str)> {
        frames.iter().map(|f| (f.value.kind, f.value.line.as_str())).collect()
    }

    #[test]
    fn a_frame_is_a_line_and_keeps_its_newline() {
        let mut frames = Frames::default();
        let out = frames.of(&chunk(StdStream::Stdout, b"a\nb\nc"));
        assert_eq!(shown(&out), [(1, "a\n"), (1, "b\n"), (1, "c")]);
        assert_eq!(shown(&frames.of(&chunk(StdStream::Stderr, b"e\n"))), [(2, "e\n")]);
        assert!(frames.rest().is_empty());
    }

    #[test]
    fn a_character_cut_by_a_chunk_is_put_together() {
        let mut frames = Frames::default();
        assert_eq!(shown(&frames.of(&chunk(StdStream::Stdout, b"x\xe2\x80"))), [(1, "x")]);
        assert_eq!(shown(&frames.of(&chunk(StdStream::Stderr, b"y"))), [(2, "y")]);
        assert_eq!(shown(&frames.of(&chunk(StdStream::Stdout, b"\xa6z"))), [(1, "\u{2026}z")]);
        assert!(frames.of(&chunk(StdStream::Stdout, b"\xe2")).is_empty());
        let rest = frames.rest();
        assert_eq!(
            (rest[0].value.line.as_str(), rest[0].value.bytes.as_str()),
            ("\u{fffd}", "4g==")
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_carried_as_they_are() {
        let out = Frames::default().of(&chunk(StdStream::Stdout, b"\xff\x00ok\n"));
        assert_eq!(out[0].value.bytes, STANDARD.encode(b"\xff\x00ok\n"));
    }

    #[test]
    fn long_lines_are_cut() {
        let long = vec![b'x'; LINE_MAX + 1];
        let out = Frames::default().of(&LogChunk { stream: StdStream::Stdout, bytes: long.into() });
        assert_eq!(out.iter().map(|f| f.value.line.len()).collect::<Vec<_>>(), [LINE_MAX, 1]);
    }
}
