//! UnixFS, the message in a node's data
//! (<https://specs.ipfs.tech/unixfs/>).

use super::protobuf::{Value, put_bytes, put_number, take_field, take_varint};

/// Code of the hash that HAMT directories use: murmur3, x64, the first 64 bits.
pub(crate) const MURMUR3_X64_64: u64 = 0x22;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An old form of leaf.
    Raw,
    Directory,
    File,
    Symlink,
    HamtShard,
}

/// The message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnixFs {
    pub(crate) kind: Kind,
    /// Bytes of a file, the target of a link, or the bit field of a shard.
    pub(crate) data: Vec<u8>,
    pub(crate) file_size: Option<u64>,
    pub(crate) block_sizes: Vec<u64>,
    pub(crate) hash_type: Option<u64>,
    pub(crate) fanout: Option<u64>,
    pub(crate) mode: Option<u32>,
}

/// A file of several blocks.
pub(crate) fn file(
    file_size: u64,
    block_sizes: impl Iterator<Item = u64>,
    mode: Option<u32>,
) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, 2);
    put_number(&mut out, 3, file_size);
    block_sizes.for_each(|size| put_number(&mut out, 4, size));
    put_mode(&mut out, mode);
    out
}

/// A file, or a leaf of one, in one block.
pub(crate) fn leaf(bytes: &[u8], mode: Option<u32>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 32);
    put_number(&mut out, 1, 2);
    if !bytes.is_empty() {
        put_bytes(&mut out, 2, bytes);
    }
    put_number(&mut out, 3, bytes.len() as u64);
    put_mode(&mut out, mode);
    out
}

/// A directory in one block.
pub(crate) fn directory(mode: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, 1);
    put_mode(&mut out, mode);
    out
}

fn put_mode(out: &mut Vec<u8>, mode: Option<u32>) {
    if let Some(mode) = mode {
        put_number(out, 7, u64::from(mode));
    }
}

/// A symbolic link.
pub(crate) fn symlink(target: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, 4);
    put_bytes(&mut out, 2, target);
    out
}

/// A block of a HAMT directory.
pub(crate) fn hamt_shard(bits: &[u8], fanout: u64, mode: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, 5);
    put_bytes(&mut out, 2, bits);
    put_number(&mut out, 5, MURMUR3_X64_64);
    put_number(&mut out, 6, fanout);
    put_mode(&mut out, mode);
    out
}

/// Reads a message.
pub(crate) fn decode(message: &[u8]) -> Result<UnixFs, String> {
    let mut kind = None;
    let mut found = UnixFs {
        kind: Kind::Raw,
        data: Vec::new(),
        file_size: None,
        block_sizes: Vec::new(),
        hash_type: None,
        fanout: None,
        mode: None,
    };
    let mut rest = message;
    while !rest.is_empty() {
        match take_field(&mut rest) {
            Some((1, Value::Varint(code))) => kind = Some(kind_of(code)?),
            Some((2, Value::Bytes(bytes))) => found.data = bytes.to_vec(),
            Some((3, Value::Varint(size))) => found.file_size = Some(size),
            Some((4, Value::Varint(size))) => found.block_sizes.push(size),
            Some((4, Value::Bytes(mut packed))) => {
                while !packed.is_empty() {
                    let size = take_varint(&mut packed).ok_or("its block sizes are malformed")?;
                    found.block_sizes.push(size);
                }
            }
            Some((5, Value::Varint(code))) => found.hash_type = Some(code),
            Some((6, Value::Varint(fanout))) => found.fanout = Some(fanout),
            Some((7, Value::Varint(mode))) => found.mode = Some((mode & 0o7777) as u32),
            // The time of modification, and what is yet to come.
            Some(_) => {}
            None => return Err("its data is no UnixFS message".to_owned()),
        }
    }
    found.kind = kind.ok_or("its data is no UnixFS message")?;
    Ok(found)
}

fn kind_of(code: u64) -> Result<Kind, String> {
    match code {
        0 => Ok(Kind::Raw),
        1 => Ok(Kind::Directory),
        2 => Ok(Kind::File),
        3 => Err("it is UnixFS metadata, which is not supported".to_owned()),
        4 => Ok(Kind::Symlink),
        5 => Ok(Kind::HamtShard),
        _ => Err(format!("it is of the unknown UnixFS type {code}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let file = decode(&file(5, [3, 2].into_iter(), Some(0o644))).unwrap();
        assert_eq!((file.kind, file.file_size), (Kind::File, Some(5)));
        assert_eq!(file.mode, Some(0o644));
        let leaf = decode(&leaf(b"abc", None)).unwrap();
        assert_eq!((leaf.data, leaf.file_size, leaf.mode), (b"abc".to_vec(), Some(3), None));
        assert_eq!(file.block_sizes, [3, 2]);
        assert_eq!(decode(&directory(None)).unwrap().kind, Kind::Directory);
        assert_eq!(decode(&symlink(b"a/b")).unwrap().data, b"a/b");
        let shard = decode(&hamt_shard(&[1], 256, None)).unwrap();
        assert_eq!((shard.hash_type, shard.fanout), (Some(MURMUR3_X64_64), Some(256)));
    }

    #[test]
    fn packed_block_sizes_are_read_too() {
        let message = [0x08, 2, 0x22, 3, 0x03, 0x80, 0x01];
        assert_eq!(decode(&message).unwrap().block_sizes, [3, 128]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
