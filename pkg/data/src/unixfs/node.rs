//! DAG-PB nodes (<https://ipld.io/specs/codecs/dag-pb/spec/>).

use gadus_model::Cid;

use super::protobuf::{Value, put_bytes, put_number, take_field, varint_bytes};

/// A link of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) cid: Cid,
    pub(crate) name: String,
    /// Bytes of all blocks under it, as its writer says.
    pub(crate) size: u64,
}

/// A node: links and data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) links: Vec<Link>,
    pub(crate) data: Vec<u8>,
}

/// The canonical block: links in the order given (sorted by name, where they have any), then data.
pub(crate) fn encode<'a>(links: impl Iterator<Item = &'a Link>, data: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    let mut message = Vec::new();
    for link in links {
        message.clear();
        put_bytes(&mut message, 1, &link.cid.to_bytes());
        put_bytes(&mut message, 2, link.name.as_bytes());
        put_number(&mut message, 3, link.size);
        put_bytes(&mut block, 2, &message);
    }
    put_bytes(&mut block, 1, data);
    block
}

/// Bytes that a link adds to its node's block.
pub(crate) fn link_bytes(link: &Link) -> usize {
    let field = |length: usize| 1 + varint_bytes(length as u64) + length;
    let message =
        field(link.cid.encoded_len()) + field(link.name.len()) + 1 + varint_bytes(link.size);
    field(message)
}

/// Reads a block. Links may come before or after the data, as old writers had it.
pub(crate) fn decode(block: &[u8]) -> Result<Node, String> {
    let mut node = Node::default();
    let mut rest = block;
    while !rest.is_empty() {
        match take_field(&mut rest) {
            Some((1, Value::Bytes(data))) => node.data = data.to_vec(),
            Some((2, Value::Bytes(link))) => node.links.push(decode_link(link)?),
            Some((field, _)) => return Err(format!("it is no DAG-PB node: field {field}")),
            None => return Err("it is no DAG-PB node".to_owned()),
        }
    }
    Ok(node)
}

fn decode_link(mut message: &[u8]) -> Result<Link, String> {
    let (mut cid, mut name, mut size) = (None, String::new(), 0);
    while !message.is_empty() {
        match take_field(&mut message) {
            Some((1, Value::Bytes(bytes))) => {
                cid = Some(Cid::try_from(bytes).map_err(|e| format!("a link has a bad CID: {e}"))?);
            }
            Some((2, Value::Bytes(bytes))) => {
                let text = str::from_utf8(bytes).map_err(|_| "a link's name is not UTF-8")?;
                text.clone_into(&mut name);
            }
            Some((3, Value::Varint(bytes))) => size = bytes,
            _ => return Err("a link is malformed".to_owned()),
        }
    }
    Ok(Link { cid: cid.ok_or("a link has no CID")?, name, size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::block::raw_cid;

    proptest! {
        #[test]
        fn a_node_reads_back_and_its_size_is_known(
            parts in proptest::collection::vec(("[a-zé]{0,9}", any::<u64>()), 0..9),
            data: Vec<u8>,
        ) {
            let link = |(name, size): (String, u64)| {
                Link { cid: raw_cid(name.as_bytes()), name, size }
            };
            let links: Vec<Link> = parts.into_iter().map(link).collect();
            let block = encode(links.iter(), &data);
            let rest: usize = links.iter().map(link_bytes).sum();
            prop_assert_eq!(block.len(), rest + encode([].iter(), &data).len());
            prop_assert_eq!(decode(&block), Ok(Node { links, data }));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
