//! The links of a block.

use gadus_model::{Cid, DAG_CBOR, DAG_PB};
use gadus_ports::ContentError;
use ipld_core::codec::Links as _;
use serde_ipld_dagcbor::codec::DagCborCodec;
use serde_ipld_dagjson::codec::DagJsonCodec;

use crate::error::malformed;
use crate::unixfs::node;

/// The code of DAG-JSON (<https://ipld.io/specs/codecs/dag-json/spec/>).
pub(crate) const DAG_JSON: u64 = 0x0129;

/// A link: what it names, and the bytes under it where the link says so.
pub(crate) type Named = (Cid, Option<u64>);

/// The links of a block, in order. Blocks of other codecs have none that we know.
///
/// # Errors
/// `Malformed` when the block is not of its codec.
pub(crate) fn links(cid: &Cid, bytes: &[u8]) -> Result<Vec<Named>, ContentError> {
    match cid.codec() {
        DAG_PB => {
            let node = node::decode(bytes);
            let node = node.map_err(|why| malformed(format!("block {cid}"), why))?;
            Ok(node.links.into_iter().map(|link| (link.cid, Some(link.size))).collect())
        }
        DAG_CBOR => {
            let links = DagCborCodec::links(bytes);
            let links = links.map_err(|e| malformed(format!("block {cid}"), e.to_string()))?;
            Ok(links.map(|cid| (cid, None)).collect())
        }
        DAG_JSON => {
            let links = DagJsonCodec::links(bytes);
            let links = links.map_err(|e| malformed(format!("block {cid}"), e.to_string()))?;
            Ok(links.map(|cid| (cid, None)).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Whether blocks of a codec can have links that we follow.
pub(crate) fn may_link(cid: &Cid) -> bool {
    matches!(cid.codec(), DAG_PB | DAG_CBOR | DAG_JSON)
}
