//! Amounts for people.

/// Bytes in powers of 1024, three digits: `999 B`, `1.50 KiB`, `12.3 MiB`.
pub(crate) fn bytes(amount: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if amount < 1024 {
        return format!("{amount} B");
    }
    let mut scaled = amount as f64 / 1024.0;
    let mut unit = 0;
    // Rounded, 1023.5 would be shown as 1024.
    while scaled >= 1023.5 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(scaled), UNITS[unit])
}

/// A span of time, three digits: `640 µs`, `4.21 ms`, `1.50 s`, then `2m 05s`, `3h 10m`, `4d 2h`.
pub(crate) fn duration_us(us: u64) -> String {
    let seconds = us / 1_000_000;
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..999_500 => format!("{} ms", three_digits(us as f64 / 1e3)),
        _ if us < 59_950_000 => format!("{} s", three_digits(us as f64 / 1e6)),
        _ if seconds < 3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ if seconds < 24 * 3600 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / (24 * 3600), seconds / 3600 % 24),
    }
}

/// A number of things: `1 file`, `3 files`.
pub(crate) fn count(n: u64, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{plural}")
}

/// Cores, as they are counted: `2`, `0.5`.
pub(super) fn cores(cpu: f64) -> String {
    let text = format!("{cpu:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn three_digits(number: f64) -> String {
    match number {
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (10 << 20, "10.0 MiB"),
            ((1 << 20) - 1, "1.00 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (amount, text) in cases {
            assert_eq!(bytes(amount), text, "{amount}");
        }
    }

    #[test]
    fn spans_are_short() {
        let cases = [
            (0, "0 µs"),
            (640, "640 µs"),
            (4_210, "4.21 ms"),
            (999_499, "999 ms"),
            (999_600, "1.00 s"),
            (1_500_000, "1.50 s"),
            (59_990_000, "0m 59s"),
            (125_000_000, "2m 05s"),
            (11_400_000_000, "3h 10m"),
            (352_800_000_000, "4d 2h"),
        ];
        for (us, text) in cases {
            assert_eq!(duration_us(us), text, "{us}");
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            [count(0, "file"), count(1, "file"), count(2, "file")],
            ["0 files", "1 file", "2 files"]
        );
    }

    #[test]
    fn cores_have_no_needless_digits() {
        assert_eq!([cores(2.0), cores(0.5), cores(12.8), cores(0.0)], ["2", "0.5", "12.8", "0"]);
    }
}
