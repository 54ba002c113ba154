//! Plain IPLD: its links, and paths through it.

use gadus_model::{Cid, DAG_CBOR};

use crate::block::raw_cid;
use crate::dag::{DAG_JSON, links};
use crate::read::plain::{Descent, descend};

/// A block, and a line before it: its codec (`j` for DAG-JSON), then a path in it.
pub fn plain(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Some((codec, path)) = input[..end].split_first() else { return };
    let Ok(path) = str::from_utf8(path) else { return };
    let block = &input[end + 1..];
    let codec = if *codec == b'j' { DAG_JSON } else { DAG_CBOR };
    let cid = Cid::new_v1(codec, *raw_cid(block).hash());
    let names: Vec<String> =
        path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let links = links(&cid, block);
    match descend(&cid, block, &names) {
        Ok(Descent::Link { to, names: passed }) => {
            assert!((1..=names.len()).contains(&passed), "{passed} of {}", names.len());
            let Ok(links) = links else { return };
            assert!(links.iter().any(|(cid, _)| *cid == to), "it leads where no link does");
        }
        Ok(Descent::Inside) | Err(_) => {}
    }
}
