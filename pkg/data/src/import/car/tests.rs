//! Archives that others wrote, and some that nobody should have.

use std::collections::BTreeMap;

use gadus_model::{Cid, codec};
use gadus_ports::ContentError;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde::Serialize;

use super::import;
use crate::unixfs::BlockSink;
use crate::{BLOCK_BYTES_MAX, raw_cid};

#[derive(Default)]
struct Blocks(Mutex<BTreeMap<Cid, Vec<u8>>>);

impl BlockSink for Blocks {
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        self.0.lock().insert(*cid, bytes.to_vec());
        Ok(())
    }
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn section(cid: &Cid, block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(cid.encoded_len() + block.len(), &mut out);
    out.extend(cid.to_bytes());
    out.extend(block);
    out
}

fn archive(version: u64, roots: &[Cid], blocks: &[&[u8]]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Header<'a> {
        roots: &'a [Cid],
        version: u64,
    }
    let header = codec::encode(&Header { roots, version }).unwrap();
    let mut out = Vec::new();
    varint(header.len(), &mut out);
    out.extend(header);
    out.extend(blocks.iter().flat_map(|block| section(&raw_cid(block), block)));
    out
}

/// Version 2 around something, with its data at an offset and of a size that may be lies.
fn wrapped(offset: u64, size: u64, inner: &[u8]) -> Vec<u8> {
    let mut out = b"\x0a\xa1\x67version\x02".to_vec();
    out.extend([0; 16]);
    out.extend(offset.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(0_u64.to_le_bytes());
    out.resize(out.len().max(usize::try_from(offset.min(1_000)).unwrap()), 0);
    out.extend(inner);
    out
}

fn roots_of(archive: &[u8]) -> Result<(Vec<Cid>, usize), String> {
    let blocks = Blocks::default();
    let roots = import(archive, &blocks).map_err(|error| error.to_string())?;
    Ok((roots, blocks.0.into_inner().len()))
}

#[test]
fn roots_are_told_once_and_in_order() {
    let (a, b) = (raw_cid(b"a"), raw_cid(b"b"));
    let car = archive(1, &[b, a, b], &[b"a", b"b", b"a"]);
    assert_eq!(roots_of(&car).unwrap(), (vec![b, a], 2));
}

#[test]
fn version_2_is_opened_and_its_index_passed() {
    let inner = archive(1, &[raw_cid(b"a")], &[b"a", b"b"]);
    let size = inner.len() as u64;
    let expected = (vec![raw_cid(b"a")], 2);
    assert_eq!(roots_of(&wrapped(51, size, &inner)).unwrap(), expected);
    assert_eq!(roots_of(&wrapped(99, size, &inner)).unwrap(), expected);
    let indexed = [&inner[..], b"\x81\x08 an index"].concat();
    assert_eq!(roots_of(&wrapped(51, size, &indexed)).unwrap(), expected);
}

#[test]
fn identity_blocks_are_not_stored() {
    let identity = Cid::new_v1(0x55, cid::multihash::Multihash::wrap(0, b"tiny").unwrap());
    let mut car = archive(1, &[identity], &[]);
    car.extend(section(&identity, b"tiny"));
    assert_eq!(roots_of(&car).unwrap(), (vec![identity], 0));
    let mut lie = archive(1, &[identity], &[]);
    lie.extend(section(&identity, b"tinY"));
    assert!(roots_of(&lie).unwrap_err().contains(&identity.to_string()));
}

#[test]
fn what_is_wrong_is_named() {
    let (a, root) = (raw_cid(b"a"), [raw_cid(b"a")]);
    let whole = archive(1, &root, &[b"a"]);
    let size = whole.len() as u64;
    let begin = whole.len() - 1 - a.encoded_len();
    let long = [&archive(1, &root, &[])[..], &section(&a, &[0; BLOCK_BYTES_MAX + 1])].concat();
    // A length of 9 exabytes, with nothing behind it but a CID.
    let huge = [
        &archive(1, &root, &[])[..],
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        &a.to_bytes(),
        &[0; 128],
    ]
    .concat();
    let table: Vec<(Vec<u8>, String)> = vec![
        (whole[..whole.len() - 1].to_vec(), format!("in the middle of block {a}")),
        (whole[..begin + 5].to_vec(), "in the middle of block number 1".to_owned()),
        (long, format!("block {a} has 2097153 bytes, the limit is 2097152")),
        (huge, format!("block {a} has 9223372036854775771 bytes")),
        ([&whole[..], &[0xff; 12]].concat(), "the length of block number 2 is too long".to_owned()),
        ([&whole[..], &[0]].concat(), "the CID of block number 2 is bad".to_owned()),
        ([&whole[..], &section(&a, b"A")].concat(), format!("{a} have another hash")),
        (archive(1, &[], &[b"a"]), "it names no root".to_owned()),
        (archive(3, &root, &[b"a"]), "its version is 3; 1 and 2 are supported".to_owned()),
        (vec![0xff, 0xff, 0x7f, 0], "its header has 2097151 bytes, the limit is 65536".to_owned()),
        (b"\x05not a car".to_vec(), "its header is no CAR header".to_owned()),
        (whole[..9].to_vec(), "in the middle of its header".to_owned()),
        (Vec::new(), "it is empty".to_owned()),
        (wrapped(51, size, &whole)[..40].to_vec(), "in the middle of its header".to_owned()),
        (wrapped(50, size, &whole), "its data begins at byte 50, within its header".to_owned()),
        (wrapped(5_000, size, &whole), "it ends before its data begins".to_owned()),
        (wrapped(51, size + 7, &whole), "7 bytes less than its header says".to_owned()),
        (wrapped(51, size - 1, &whole), format!("in the middle of block {a}")),
        (wrapped(51, 0, &whole), "it is empty".to_owned()),
        (wrapped(51, 99, &wrapped(51, size, &whole)), "a CAR of version 2 is wrapped".to_owned()),
    ];
    for (car, expected) in table {
        let error = roots_of(&car).unwrap_err();
        assert!(error.contains(&expected), "{error} is not: {expected}");
    }
}

proptest! {
    /// An archive that was changed anywhere is read or refused; nothing else happens, and what is
    /// taken of it is what its content id says.
    #[test]
    fn any_archive_is_read_or_refused(
        is_wrapped: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut car = archive(1, &[raw_cid(b"a")], &[b"a", b"bc", b""]);
        if is_wrapped {
            car = wrapped(60, car.len() as u64, &car);
        }
        for (at, byte) in changes {
            let at = at.index(car.len());
            car[at] = byte;
        }
        car.truncate(cut.index(car.len() + 1));
        let blocks = Blocks::default();
        let taken = import(car.as_slice(), &blocks);
        for (cid, block) in blocks.0.lock().iter() {
            prop_assert!(crate::block::verify(cid, block).is_ok());
        }
        prop_assert!(taken.is_err() || !taken.unwrap().is_empty());
    }
}
