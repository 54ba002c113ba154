//! What lies under the roots of an archive: that all of it is there, and how much it is.

use std::collections::HashSet;

use gadus_model::{Cid, DAG_PB};
use gadus_ports::ContentError;

use crate::block::Reading;
use crate::dag::{links, may_link};
use crate::store::Session;
use crate::unixfs::parse::{Parsed, parse};

/// Files and their bytes, each block counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Something to look at: a part of a file counts with its file.
struct Step {
    cid: Cid,
    is_part: bool,
    size: u64,
}

/// Walks all trees under the roots, in a session and the public store.
///
/// # Errors
/// `Missing` for the first block that is in neither; `Malformed`, `Io`.
pub(crate) fn tally(session: &Session, roots: &[Cid]) -> Result<Tally, ContentError> {
    let mut tally = Tally::default();
    let mut seen = HashSet::new();
    let step = |cid: &Cid| Step { cid: *cid, is_part: false, size: 0 };
    let mut stack: Vec<Step> = roots.iter().map(step).collect();
    while let Some(Step { cid, is_part, size }) = stack.pop() {
        if !seen.insert(Reading::of(&cid)) {
            continue;
        }
        let missing = ContentError::Missing { cid, asked: 0, waited_ms: 0 };
        match cid.codec() {
            DAG_PB => {
                let bytes = session.get(&cid)?.ok_or(missing)?;
                // Not every DAG-PB block is UnixFS; its links are followed all the same.
                if let Ok(Parsed::File(file)) = parse(&cid, bytes.clone()) {
                    count(&mut tally, is_part, file.size);
                    let part = |(cid, size)| Step { cid, is_part: true, size };
                    stack.extend(file.children.into_iter().map(part));
                } else {
                    let next = |(cid, size): (Cid, Option<u64>)| Step {
                        cid,
                        is_part: false,
                        size: size.unwrap_or_default(),
                    };
                    stack.extend(links(&cid, &bytes)?.into_iter().map(next));
                }
            }
            _ if may_link(&cid) => {
                let bytes = session.get(&cid)?.ok_or(missing)?;
                stack.extend(links(&cid, &bytes)?.iter().map(|(cid, _)| step(cid)));
            }
            _ if session.has(&cid) => count(&mut tally, is_part, size),
            _ => return Err(missing),
        }
    }
    Ok(tally)
}

fn count(tally: &mut Tally, is_part: bool, bytes: u64) {
    if !is_part {
        tally.files += 1;
        tally.bytes = tally.bytes.saturating_add(bytes);
    }
}
