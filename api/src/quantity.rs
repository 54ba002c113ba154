//! Amounts as people write them: cores as Kubernetes does, bytes as Go's humanize does.

/// Thousandths of a core: `2`, `0.5`, `500m`, `2k`; also `u` and `n`. Parts of a thousandth are
/// rounded up. `None` for anything else, negative amounts included.
#[must_use]
pub fn parse_cpu_millis(text: &str) -> Option<u64> {
    let (number, suffix) = split(text)?;
    // Billionths, so that every suffix is a whole factor.
    let nanos_per_unit: u128 = match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => 1_000_000_000,
        "k" => 1_000_000_000_000,
        _ => return None,
    };
    let nanos = number.times(nanos_per_unit, Rounding::Up)?;
    u64::try_from(nanos.div_ceil(1_000_000)).ok()
}

/// Bytes: `1024`, `512Mb` (powers of 1000), `1Gi` or `1GiB` (powers of 1024), in any case, blanks
/// and commas allowed. Parts of a byte are dropped. `None` for anything else.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let clean: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let (number, suffix) = split(&clean)?;
    let suffix = suffix.to_ascii_lowercase();
    let suffix = suffix.strip_suffix('b').unwrap_or(&suffix);
    let (letter, base) = match suffix.strip_suffix('i') {
        Some(letter) if !letter.is_empty() => (letter, 1024_u128),
        _ => (suffix, 1000),
    };
    let power = match letter {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    };
    u64::try_from(number.times(base.pow(power), Rounding::Down)?).ok()
}

/// A decimal number: its digits without the point, and how many stand after it.
struct Decimal {
    digits: u128,
    scale: u32,
}

#[derive(Clone, Copy)]
enum Rounding {
    Up,
    Down,
}

/// Digits that are read; more would be no amount of anything.
const DIGITS_MAX: usize = 30;

impl Decimal {
    fn times(&self, factor: u128, rounding: Rounding) -> Option<u128> {
        let product = self.digits.checked_mul(factor)?;
        let divisor = 10_u128.checked_pow(self.scale)?;
        Some(match rounding {
            Rounding::Up => product.div_ceil(divisor),
            Rounding::Down => product / divisor,
        })
    }
}

/// Splits an amount into its number and what follows it.
fn split(text: &str) -> Option<(Decimal, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    let scale = u32::try_from(fraction.len()).ok()?;
    Some((Decimal { digits: digits.parse().ok()?, scale }, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_as_kubernetes_does() {
        let ok = [("500m", 500), ("2", 2000), ("0.5", 500), ("1.5", 1500), ("100u", 1), ("0", 0)];
        for (text, millis) in ok.into_iter().chain([("2k", 2_000_000), (".25", 250), ("1n", 1)]) {
            assert_eq!(parse_cpu_millis(text), Some(millis), "{text}");
        }
        let huge = "9".repeat(40);
        for text in ["", "m", "-1", "1.2.3", "1x", "1 m", "NaN", "1e3", huge.as_str()] {
            assert_eq!(parse_cpu_millis(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_read_as_humanize_does() {
        let ok = [
            ("512Mb", 512_000_000),
            ("512MB", 512_000_000),
            ("1Gi", 1 << 30),
            ("1gib", 1 << 30),
            ("1.5k", 1500),
            ("1,000 KB", 1_000_000),
            ("42", 42),
            ("7b", 7),
            ("0.0001k", 0),
            ("15ei", 15 << 60),
        ];
        for (text, bytes) in ok {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "Gi", "-1Gb", "1ib", "1xb", "1bb", "16ei", "1.2.3"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
