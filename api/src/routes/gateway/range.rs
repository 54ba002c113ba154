//! Ranges of bytes (RFC 9110, section 14): one, or none.

/// Which bytes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// All of them.
    All,
    /// From `start`, `length` of them; at least one.
    Part {
        /// From here.
        start: u64,
        /// So many.
        length: u64,
    },
    /// None that are there.
    Beyond,
}

/// Reads the header `Range` for content of some size. What is malformed, of another unit or of
/// several ranges counts as none, as the standard allows.
pub(super) fn parse(header: &str, size: u64) -> Range {
    let Some((first, last)) = header
        .trim()
        .strip_prefix("bytes=")
        .filter(|set| !set.contains(','))
        .and_then(|set| set.trim().split_once('-'))
    else {
        return Range::All;
    };
    let number = |text: &str| match text {
        "" => Ok(None),
        text if text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse::<u64>().map(Some).map_err(drop)
        }
        _ => Err(()),
    };
    match (number(first), number(last)) {
        (Ok(Some(start)), Ok(last)) if last.is_none_or(|last| last >= start) => {
            if start >= size {
                return Range::Beyond;
            }
            let last = last.unwrap_or(u64::MAX).min(size - 1);
            Range::Part { start, length: last - start + 1 }
        }
        (Ok(None), Ok(Some(0))) => Range::Beyond,
        (Ok(None), Ok(Some(_))) if size == 0 => Range::Beyond,
        (Ok(None), Ok(Some(suffix))) => {
            let length = suffix.min(size);
            Range::Part { start: size - length, length }
        }
        _ => Range::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood() {
        let part = |start, length| Range::Part { start, length };
        let cases = [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-", part(2, 8)),
            ("bytes=2-100", part(2, 8)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-100", part(0, 10)),
            ("bytes=10-", Range::Beyond),
            ("bytes=-0", Range::Beyond),
            ("bytes=5-4", Range::All),
            ("bytes=0-1,3-4", Range::All),
            ("lines=0-1", Range::All),
            ("bytes=a-b", Range::All),
            ("bytes=-", Range::All),
            ("bytes=+1-2", Range::All),
            ("bytes=99999999999999999999-", Range::All),
        ];
        for (header, range) in cases {
            assert_eq!(parse(header, 10), range, "{header}");
        }
        assert_eq!(parse("bytes=-1", 0), Range::Beyond);
        assert_eq!(parse("bytes=0-18446744073709551615", 10), part(0, 10));
    }
}
