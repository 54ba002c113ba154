//! The little of Protocol Buffers that DAG-PB and UnixFS need. Written by hand because what it
//! reads comes from strangers: no input makes it panic or allocate more than its own size.

/// A field of a message: its number and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint field.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    put_varint(out, value);
}

/// Appends a bytes field.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Bytes that a varint takes.
pub(crate) fn varint_bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Takes a varint off the front.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Takes a field off the front: (number, value). `None` for what is no field.
pub(crate) fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = take_varint(bytes)?;
    let take = |bytes: &mut &'a [u8], length: usize| {
        let (value, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(Value::Bytes(value))
    };
    let value = match key & 7 {
        0 => Value::Varint(take_varint(bytes)?),
        1 => take(bytes, 8)?,
        2 => {
            let length = usize::try_from(take_varint(bytes)?).ok()?;
            take(bytes, length)?
        }
        5 => take(bytes, 4)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_read_back(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_bytes(value));
            prop_assert_eq!(take_varint(&mut out.as_slice()), Some(value));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            let mut left = rest.len();
            while take_field(&mut rest).is_some() {
                prop_assert!(rest.len() < left);
                left = rest.len();
            }
        }
    }

    #[test]
    fn a_varint_of_more_than_64_bits_is_none() {
        let long = [0xff; 9].into_iter().chain([0x02]).collect::<Vec<u8>>();
        assert_eq!(take_varint(&mut long.as_slice()), None);
        assert_eq!(take_varint(&mut [0xff; 11].as_slice()), None);
    }
}
