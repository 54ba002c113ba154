//! Times and durations as Go prints them.

use gadus_model::Time;

/// What Go prints for a time that is not set.
pub(crate) const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// RFC 3339 with as many digits of the second as it takes.
#[must_use]
pub(crate) fn rfc3339(time: Time) -> String {
    i64::try_from(time.0)
        .ok()
        .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
        .map_or_else(|| ZERO_TIME.to_owned(), |timestamp| timestamp.to_string())
}

/// A duration in Go's notation: `1h0m0s`, `1m30s`, `1.5s`, `200ms`, `0s`.
pub(super) fn go_duration_ms(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    if ms > 0 && ms < 1000 {
        return format!("{sign}{ms}ms");
    }
    let (total_seconds, thousandths) = (ms / 1000, ms % 1000);
    let (hours, minutes, seconds) =
        (total_seconds / 3600, total_seconds / 60 % 60, total_seconds % 60);
    let fraction = match thousandths {
        0 => String::new(),
        n => format!(".{n:03}").trim_end_matches('0').to_owned(),
    };
    let head = match (hours, minutes) {
        (0, 0) => String::new(),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    };
    format!("{sign}{head}{seconds}{fraction}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        let cases = [
            (0, "0s"),
            (200, "200ms"),
            (1_500, "1.5s"),
            (60_000, "1m0s"),
            (90_000, "1m30s"),
            (3_600_000, "1h0m0s"),
            (-5_000, "-5s"),
        ];
        for (ms, text) in cases {
            assert_eq!(go_duration_ms(ms), text);
        }
    }

    #[test]
    fn times_have_the_digits_they_need() {
        assert_eq!(rfc3339(Time(1_787_133_600_000_000)), "2026-08-19T10:00:00Z");
        assert_eq!(rfc3339(Time(1_787_133_600_123_456)), "2026-08-19T10:00:00.123456Z");
        assert_eq!(rfc3339(Time(1_787_133_600_120_000)), "2026-08-19T10:00:00.12Z");
        assert_eq!(rfc3339(Time(u64::MAX)), ZERO_TIME);
    }
}
