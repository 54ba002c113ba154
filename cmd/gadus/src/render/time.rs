//! Moments for people.

use jiff::Timestamp;

use super::amount::duration_us;

/// The time, for renderers.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// `3m 20s ago` of a moment in nanoseconds since the Unix epoch; `-` where there is none.
pub(super) fn ago(then_ns: i64, now: Timestamp) -> String {
    match Timestamp::from_nanosecond(i128::from(then_ns)) {
        Ok(then) if then_ns > 0 => ago_of(then, now),
        _ => "-".to_owned(),
    }
}

/// The same of RFC 3339 text.
pub(super) fn ago_rfc3339(then: &str, now: Timestamp) -> String {
    match then.parse::<Timestamp>() {
        Ok(then) if then > Timestamp::UNIX_EPOCH => ago_of(then, now),
        _ => "-".to_owned(),
    }
}

/// `in 3h 20m` of RFC 3339 text; `for ever` where there is none.
pub(super) fn until_rfc3339(then: &str, now: Timestamp) -> String {
    let Ok(then) = then.parse::<Timestamp>() else { return "for ever".to_owned() };
    match u64::try_from(then.as_second() - now.as_second()) {
        Err(_) | Ok(0) => "over".to_owned(),
        Ok(seconds) => format!("in {}", duration_us(seconds.saturating_mul(1_000_000))),
    }
}

fn ago_of(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    match u64::try_from(seconds) {
        // Clocks of two machines differ a little.
        Err(_) | Ok(0) => "just now".to_owned(),
        Ok(seconds @ 1..60) => format!("{seconds}s ago"),
        Ok(seconds) => format!("{} ago", duration_us(seconds.saturating_mul(1_000_000))),
    }
}

/// `2026-11-21 10:54:06` (UTC) of a moment in nanoseconds since the Unix epoch.
pub(super) fn stamp(then_ns: i64) -> String {
    match Timestamp::from_nanosecond(i128::from(then_ns)) {
        Ok(then) if then_ns > 0 => then.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        _ => "-".to_owned(),
    }
}

/// `10:54:06.123` (UTC) of RFC 3339 text; other text as it is.
pub(super) fn clock(then: &str) -> String {
    match then.parse::<Timestamp>() {
        Ok(then) => then.strftime("%H:%M:%S%.3f").to_string(),
        Err(_) => super::text::one_line(then),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let cases = [
            ("2026-11-21T10:00:03Z", "just now"),
            ("2026-11-21T09:59:55Z", "5s ago"),
            ("2026-11-21T09:56:40Z", "3m 20s ago"),
            ("2026-11-19T08:00:00Z", "2d 2h ago"),
            ("0001-01-01T00:00:00Z", "-"),
            ("nonsense", "-"),
        ];
        for (then, text) in cases {
            assert_eq!(ago_rfc3339(then, now), text, "{then}");
        }
        assert_eq!(until_rfc3339("2026-11-28T11:00:00Z", now), "in 7d 1h");
        assert_eq!(until_rfc3339("2026-11-21T09:00:00Z", now), "over");
        assert_eq!(until_rfc3339("", now), "for ever");
        assert_eq!(ago(0, now), "-");
        assert_eq!(stamp(1_787_140_800_123_456_789), "2026-08-19 12:00:00 UTC");
        assert_eq!(clock("2026-08-19T10:00:00.1234567Z"), "10:00:00.123");
    }
}
