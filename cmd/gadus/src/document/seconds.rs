//! Spans of time as people write them.

use std::str::FromStr;
use std::time::Duration;

/// Whole seconds: `90`, `90s`, `5m`, `2h`, `1d`, or several of these after one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seconds(u32);

impl Seconds {
    /// No time at all.
    pub(crate) const NONE: Self = Self(0);

    /// As job documents have it.
    pub(crate) fn whole(self) -> i64 {
        i64::from(self.0)
    }

    /// As timers take it.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is no time; use seconds, or 90s, 5m, 1h30m, 7d");
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        let (mut total, mut rest) = (0_u32, text);
        while !rest.is_empty() {
            let unit_at = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let number: u32 = rest[..unit_at].parse().map_err(|_| bad())?;
            let factor = match rest.as_bytes()[unit_at] {
                b's' => 1,
                b'm' => 60,
                b'h' => 3600,
                b'd' => 24 * 3600,
                _ => return Err(bad()),
            };
            let part = number.checked_mul(factor).ok_or_else(bad)?;
            total = total.checked_add(part).ok_or_else(bad)?;
            rest = &rest[unit_at + 1..];
        }
        if text.is_empty() { Err(bad()) } else { Ok(Self(total)) }
    }
}

/// A span of time, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// So long.
    For(Seconds),
    /// Without an end.
    Ever,
}

impl Term {
    /// Whole seconds, and -1 for ever: as job documents have it.
    pub(crate) fn whole(self) -> i64 {
        match self {
            Self::For(seconds) => seconds.whole(),
            Self::Ever => -1,
        }
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "forever" => Ok(Self::Ever),
            text => match text.parse()? {
                Seconds(0) => Err("0 is no time to keep anything; use 7d, or forever".to_owned()),
                seconds => Ok(Self::For(seconds)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let cases =
            [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1d", 86_400), ("0", 0)];
        for (text, seconds) in cases {
            assert_eq!(text.parse::<Seconds>().unwrap().whole(), seconds, "{text}");
        }
        for text in ["", "m", "5x", "-1", "1.5h", "99999999999", "5000000000s", "60000d", "5é"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
        assert_eq!("2d".parse::<Term>().unwrap().whole(), 172_800);
        assert_eq!("forever".parse::<Term>().unwrap().whole(), -1);
        assert!("0".parse::<Term>().is_err() && "ever".parse::<Term>().is_err());
    }
}
