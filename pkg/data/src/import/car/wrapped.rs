//! Version 2: a header of fixed size, a whole CAR of version 1 at some offset, perhaps an index.

use std::io::{self, Read};

use gadus_ports::ContentError;

use super::frames::{bad, broken};

/// What comes before the header: the header of a version 1 that says it is a version 2.
const PRAGMA_BYTES: u64 = 11;
/// Characteristics (16 bytes), then offset and size of the data and the offset of the index.
const HEADER_BYTES: usize = 40;

/// Opens an archive behind its pragma: `read` gets the version 1 that is in it. The index is not
/// looked at: it says nothing that the blocks don't.
///
/// # Errors
/// `Malformed`, `Io`, and what `read` says.
pub(super) fn open<R: Read, T>(
    source: &mut R,
    read: impl FnOnce(&mut io::Take<&mut R>) -> Result<T, ContentError>,
) -> Result<T, ContentError> {
    let mut header = [0; HEADER_BYTES];
    source.read_exact(&mut header).map_err(|error| broken(error, "its header"))?;
    let number = |at: usize| {
        let bytes = header[at..].first_chunk().copied();
        u64::from_le_bytes(bytes.unwrap_or_default())
    };
    let (offset, size) = (number(16), number(24));
    let begin = PRAGMA_BYTES + HEADER_BYTES as u64;
    let Some(padding) = offset.checked_sub(begin) else {
        return Err(bad(format!("its data begins at byte {offset}, within its header")));
    };
    skip(&mut source.take(padding), padding)?;
    let mut inner = source.take(size);
    let found = read(&mut inner)?;
    if inner.limit() > 0 {
        return Err(bad(format!("its data has {} bytes less than its header says", inner.limit())));
    }
    io::copy(source, &mut io::sink()).map_err(|error| broken(error, "its index"))?;
    Ok(found)
}

fn skip(source: &mut impl Read, length: u64) -> Result<(), ContentError> {
    let skipped = io::copy(source, &mut io::sink());
    match skipped.map_err(|error| broken(error, "its padding"))? {
        skipped if skipped == length => Ok(()),
        _ => Err(bad("it ends before its data begins")),
    }
}
