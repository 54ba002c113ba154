//! Shortened ids as ranges of ids.

use gadus_model::JobId;

const SHAPE: &[u8] = b"00000000-0000-0000-0000-000000000000";

/// The lowest and the highest id that begin with `prefix` (hex digits and hyphens, as ids are
/// printed after `j-`). `None` when no id does.
pub(crate) fn id_range(prefix: &str) -> Option<(JobId, JobId)> {
    let given = prefix.as_bytes();
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'-' => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    if given.len() > SHAPE.len() || !given.iter().zip(SHAPE).all(fits) {
        return None;
    }
    let rest = std::str::from_utf8(&SHAPE[given.len()..]).ok()?;
    let low = format!("j-{prefix}{rest}").parse().ok()?;
    let high = format!("j-{prefix}{}", rest.replace('0', "f")).parse().ok()?;
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range() {
        let (low, high) = id_range("1a2b3c4d-5").unwrap();
        assert_eq!(low.to_string(), "j-1a2b3c4d-5000-0000-0000-000000000000");
        assert_eq!(high.to_string(), "j-1a2b3c4d-5fff-ffff-ffff-ffffffffffff");
        let (low, high) = id_range(&high.to_string()[2..]).unwrap();
        assert_eq!(low, high);
        assert!(id_range("").is_some());
        for bad in ["g", "1a2b3c4d5", "1A", "-", "é", &"0".repeat(40)] {
            assert!(id_range(bad).is_none(), "{bad}");
        }
    }
}
