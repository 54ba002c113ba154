//! Blocks of UnixFS.

use bytes::Bytes;
use gadus_ports::{EntityBytes, Scope};

use crate::block::dag_pb_cid;
use crate::export::steps::Want;
use crate::unixfs::hamt::Slot;
use crate::unixfs::node;
use crate::unixfs::parse::{Parsed, parse};

/// A block, and two bytes before it: a range of the file that it may be.
pub fn unixfs(input: &[u8]) {
    let Some(([from, to], block)) = input.split_first_chunk() else { return };
    if let Ok(node) = node::decode(block) {
        let again = node::encode(node.links.iter(), &node.data);
        assert_eq!(node::decode(&again).as_ref(), Ok(&node), "it does not read back");
    }
    let cid = dag_pb_cid(block);
    let bytes = Bytes::copy_from_slice(block);
    match parse(&cid, bytes.clone()) {
        Ok(Parsed::File(file)) => {
            let parts: u64 = file.children.iter().map(|(_, size)| size).sum();
            assert_eq!(file.size, file.data.len() as u64 + parts);
        }
        Ok(Parsed::Shard(shape, links, _)) => {
            for link in links {
                if let Ok(Slot::Entry(name)) = shape.slot(&link.name) {
                    assert!(link.name.ends_with(name) && !name.is_empty());
                }
            }
        }
        Ok(Parsed::Directory(..) | Parsed::Symlink(_)) | Err(_) => {}
    }
    // Near either end of the file.
    let end = |byte: u8| i64::from(byte.cast_signed()) * 1_000;
    let range = EntityBytes { from: end(*from), to: (*to != 0).then(|| end(*to)) };
    for step in Want::of(Scope::Entity, range).below(&cid, &bytes).unwrap_or_default() {
        if let Want::Part { begin, end, size } = step.want {
            assert!(begin <= end && end <= size, "a part of {size} bytes from {begin} to {end}");
        }
    }
}
