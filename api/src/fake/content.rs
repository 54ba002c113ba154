//! Trees of content in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use gadus_model::Cid;
use gadus_ports::{ByteStream, ContentError, DirEntry, EntryKind, FileReader, Node, Resolved};

/// What a CID stands for.
#[derive(Clone)]
pub(crate) enum Tree {
    File(Bytes),
    Link(String),
    Directory(Vec<(String, Cid)>),
    /// A plain IPLD block.
    Plain(Bytes),
    /// A file that breaks off after some bytes.
    Broken(Bytes),
}

struct Reader {
    bytes: Bytes,
    broken: bool,
}

impl FileReader for Reader {
    fn read(&self, offset: u64, length: u64) -> ByteStream {
        let begin = usize::try_from(offset).unwrap().min(self.bytes.len());
        let end = begin.saturating_add(usize::try_from(length).unwrap()).min(self.bytes.len());
        let chunks: Vec<_> = self
            .bytes
            .slice(begin..end)
            .chunks(1000)
            .map(|c| Ok(Bytes::copy_from_slice(c)))
            .collect();
        let error = self.broken.then(|| Err(missing(Cid::default())));
        stream::iter(chunks.into_iter().chain(error.filter(|_| length > 512))).boxed()
    }
}

fn missing(cid: Cid) -> ContentError {
    ContentError::Missing { cid, asked: 2, waited_ms: 10 }
}

pub(super) fn resolve(
    content: &BTreeMap<Cid, Tree>,
    root: Cid,
    path: &str,
) -> Result<Resolved, ContentError> {
    let (mut cid, mut roots, mut inside) = (root, vec![root], Vec::new());
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let gone = || ContentError::NoSuchPath { name: name.to_owned(), cid };
        match content.get(&cid) {
            Some(Tree::Directory(entries)) => {
                let entry = entries.iter().find(|(n, _)| n == name);
                cid = entry.map(|(_, cid)| *cid).ok_or_else(gone)?;
            }
            Some(Tree::Plain(_)) => inside.push(name.to_owned()),
            _ => return Err(gone()),
        }
        roots.push(cid);
    }
    let kind = match content.get(&cid).ok_or_else(|| missing(cid))? {
        Tree::File(_) | Tree::Broken(_) => EntryKind::File,
        Tree::Link(_) => EntryKind::Symlink,
        Tree::Directory(_) => EntryKind::Directory,
        Tree::Plain(_) => EntryKind::Unknown,
    };
    Ok(Resolved { roots, cid, kind, inside })
}

pub(super) fn open(
    content: &BTreeMap<Cid, Tree>,
    root: Cid,
    path: &str,
) -> Result<Node, ContentError> {
    let cid = resolve(content, root, path)?.cid;
    Ok(match content.get(&cid).ok_or_else(|| missing(cid))? {
        Tree::File(bytes) | Tree::Plain(bytes) => file(cid, bytes, bytes.len() as u64, false),
        Tree::Broken(bytes) => file(cid, bytes, bytes.len() as u64 + 1, true),
        Tree::Link(target) => Node::Symlink { cid, target: target.clone() },
        Tree::Directory(entries) => Node::Directory {
            mode: None,
            cid,
            entries: entries.iter().map(|(name, cid)| entry(content, name, *cid)).collect(),
        },
    })
}

fn file(cid: Cid, bytes: &Bytes, size: u64, broken: bool) -> Node {
    Node::File { cid, size, mode: None, reader: Arc::new(Reader { bytes: bytes.clone(), broken }) }
}

fn entry(content: &BTreeMap<Cid, Tree>, name: &str, cid: Cid) -> DirEntry {
    let (kind, size) = match content.get(&cid) {
        Some(Tree::File(bytes) | Tree::Broken(bytes) | Tree::Plain(bytes)) => {
            (EntryKind::File, bytes.len() as u64)
        }
        Some(Tree::Link(_)) => (EntryKind::Symlink, 1),
        Some(Tree::Directory(_)) => (EntryKind::Directory, 2),
        None => (EntryKind::Unknown, 3),
    };
    DirEntry { name: name.to_owned(), cid, kind, size }
}

pub(super) fn block(content: &BTreeMap<Cid, Tree>, cid: Cid) -> Result<Bytes, ContentError> {
    match content.get(&cid) {
        Some(Tree::File(bytes) | Tree::Broken(bytes) | Tree::Plain(bytes)) => Ok(bytes.clone()),
        Some(Tree::Link(_) | Tree::Directory(_)) => Ok(Bytes::from_static(b"dag-pb")),
        None => Err(missing(cid)),
    }
}
