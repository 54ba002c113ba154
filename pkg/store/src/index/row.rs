//! A finished job's view as a row: postcard (<https://postcard.jamesmunns.com>), without names of
//! fields, so a third of its size in dag-cbor and much less work. It may change with the types: no
//! row outlives the index it is in, which is made again from the log when its tables are others.

use gadus_model::view::JobView;
use redb::Error;

use crate::index::tables::bad_row;

/// A view as bytes.
///
/// # Errors
/// Never in practice.
pub(crate) fn encode(view: &JobView) -> Result<Vec<u8>, Error> {
    postcard::to_stdvec(view).map_err(|e| bad_row(&e))
}

/// The view again.
///
/// # Errors
/// When it is not what was written.
pub(crate) fn decode(bytes: &[u8]) -> Result<JobView, Error> {
    let (view, rest) = postcard::take_from_bytes(bytes).map_err(|e| bad_row(&e))?;
    match rest {
        [] => Ok(view),
        [_, ..] => Err(bad_row(&postcard::Error::DeserializeBadEncoding)),
    }
}

#[cfg(test)]
mod tests {
    use gadus_ports::fake::sample;

    use super::*;

    #[test]
    fn a_view_comes_back_and_a_damaged_row_does_not() {
        let view = sample::view(7);
        let row = encode(&view).unwrap();
        assert_eq!(decode(&row).unwrap(), view);
        assert!(row.len() * 2 < gadus_model::codec::encode(&view).unwrap().len());
        assert!(decode(&row[..row.len() - 1]).is_err());
        assert!(decode(&[&row[..], &[0]].concat()).is_err());
    }
}
