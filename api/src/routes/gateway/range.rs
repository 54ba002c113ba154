//! Ranges of bytes (RFC 9110, section 14). Of several, the first is served, as other gateways do.

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
    /// It is no range.
    Nonsense,
}

/// Reads the header `Range` for content of some size.
pub(super) fn parse(header: &str, size: u64) -> Range {
    let Some(set) = header.trim().strip_prefix("bytes=") else { return Range::Nonsense };
    let mut parts = Vec::new();
    let mut beyond = false;
    for text in set.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        match one(text, size) {
            Some(Some(part)) => parts.push(part),
            Some(None) => beyond = true,
            None => return Range::Nonsense,
        }
    }
    let sum = parts.iter().fold(0, |sum: u64, (_, length)| sum.saturating_add(*length));
    match parts.first() {
        // Somebody who asks for every byte many times is given each once.
        _ if sum > size => Range::All,
        Some(&(start, length)) if length > 0 => Range::Part { start, length },
        Some(_) => Range::Beyond,
        // Clients that put a range on everything are to have an empty file too.
        None if size == 0 => Range::All,
        None if beyond => Range::Beyond,
        None => Range::All,
    }
}

/// Start and length of a range; inner `None` for one behind the end, outer for nonsense.
fn one(text: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| digits).map(i64::unsigned_abs)
    };
    if first.is_empty() {
        let suffix = number(last)?.min(size);
        return Some(Some((size - suffix, suffix)));
    }
    let start = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < start {
        return None;
    }
    Some((start < size).then(|| (start, last.min(size - 1) - start + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_range_is_understood() {
        let part = |start, length| Range::Part { start, length };
        let cases = [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-", part(2, 8)),
            ("bytes=2-100", part(2, 8)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-100", part(0, 10)),
            ("bytes=10-", Range::Beyond),
            ("bytes=-0", Range::Beyond),
            ("bytes=5-4", Range::Nonsense),
            ("bytes=0-1,3-4", part(0, 2)),
            ("bytes= 20-30 , 3-4", part(3, 2)),
            ("bytes=0-,0-", Range::All),
            ("bytes=", Range::All),
            ("lines=0-1", Range::Nonsense),
            ("bytes=a-b", Range::Nonsense),
            ("bytes=-", Range::Nonsense),
            ("bytes=5", Range::Nonsense),
            ("bytes=+1-2", Range::Nonsense),
            ("bytes=0-1,x", Range::Nonsense),
            ("bytes=99999999999999999999-", Range::Nonsense),
        ];
        for (header, range) in cases {
            assert_eq!(parse(header, 10), range, "{header}");
        }
        assert_eq!(parse("bytes=-1", 0), Range::Beyond);
        assert_eq!(parse("bytes=0-5", 0), Range::All);
        assert_eq!(parse("bytes=0-9223372036854775807", 10), part(0, 10));
    }
}
