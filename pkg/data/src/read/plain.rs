//! Paths through plain IPLD data: DAG-CBOR and DAG-JSON.

use gadus_model::{Cid, DAG_CBOR};
use gadus_ports::ContentError;
use ipld_core::ipld::Ipld;

use crate::error::malformed;

/// Where names lead from a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Descent {
    /// To another block, by so many of the names; at least one.
    Link { to: Cid, names: usize },
    /// To a value of this one.
    Inside,
}

/// Walks down a block by keys of maps and indices of lists, to its end or to a link.
///
/// # Errors
/// `NoSuchPath`, and `Malformed` for a block that is not of its codec.
pub(crate) fn descend(cid: &Cid, block: &[u8], names: &[String]) -> Result<Descent, ContentError> {
    let data: Ipld = match cid.codec() {
        DAG_CBOR => serde_ipld_dagcbor::from_slice(block).map_err(|e| e.to_string()),
        _ => serde_ipld_dagjson::from_slice(block).map_err(|e| e.to_string()),
    }
    .map_err(|why| malformed(format!("block {cid}"), why))?;
    let mut at = &data;
    for (nth, name) in names.iter().enumerate() {
        if let Ipld::Link(to) = at
            && nth > 0
        {
            return Ok(Descent::Link { to: *to, names: nth });
        }
        let next = if let Ipld::Map(map) = at {
            map.get(name)
        } else if let Ipld::List(list) = at {
            name.parse().ok().and_then(|nth: usize| list.get(nth))
        } else {
            None
        };
        at = next.ok_or_else(|| ContentError::NoSuchPath { name: name.clone(), cid: *cid })?;
    }
    if let Ipld::Link(to) = at
        && !names.is_empty()
    {
        return Ok(Descent::Link { to: *to, names: names.len() });
    }
    Ok(Descent::Inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::DAG_JSON;
    use crate::raw_cid;

    fn names(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn names_lead_through_maps_and_lists_to_links() {
        let (to, cid) = (raw_cid(b"x"), Cid::new_v1(DAG_JSON, *raw_cid(b"").hash()));
        let block = format!(r#"{{"a": [1, {{"b": {{"/": "{to}"}}}}], "c": null}}"#);
        let down = |path: &str| descend(&cid, block.as_bytes(), &names(path));
        assert_eq!(down("a/1/b").unwrap(), Descent::Link { to, names: 3 });
        assert_eq!(down("a/1/b/further/on").unwrap(), Descent::Link { to, names: 3 });
        assert_eq!(down("a/0").unwrap(), Descent::Inside);
        assert_eq!(down("c").unwrap(), Descent::Inside);
        for (path, missing) in [("b", "b"), ("a/2", "2"), ("a/x", "x"), ("a/0/y", "y")] {
            match down(path) {
                Err(ContentError::NoSuchPath { name, .. }) => assert_eq!(name, missing, "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
        assert!(matches!(descend(&cid, b"{", &names("a")), Err(ContentError::Malformed { .. })));
    }
}
