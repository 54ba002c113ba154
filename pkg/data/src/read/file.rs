//! The bytes of a file: leaves are found in order, and read ahead.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::Either;
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use gadus_model::{Cid, DAG_PB};
use gadus_ports::{ByteStream, ContentError, FetchFrom, FileReader};

use crate::content::Core;
use crate::error::malformed;
use crate::fetch;
use crate::unixfs::parse::{FileNode, parse};

/// Nodes above a leaf: a balanced tree of this height would hold more than there is.
pub(crate) const FILE_DEPTH_MAX: usize = 64;

/// A file that can be read.
#[derive(Clone)]
pub(super) struct FileView {
    pub(super) core: Arc<Core>,
    pub(super) from: Option<FetchFrom>,
    pub(super) cid: Cid,
    /// Its first block; for a small file, all of it.
    pub(super) root: Arc<FileNode>,
}

/// A part of the file that is still to be looked at.
#[derive(Clone, Copy, Debug)]
struct Part {
    cid: Cid,
    /// Bytes it must come to.
    size: u64,
    depth: usize,
}

/// Parts in order, and what is wanted of them.
struct Cursor {
    view: FileView,
    /// The next part is the last.
    stack: Vec<Part>,
    /// Bytes before the range, and bytes of the range, that are still ahead.
    skip: u64,
    left: u64,
}

/// A piece of the range: at hand, or a leaf to read, with the range of its bytes.
enum Piece {
    Bytes(Bytes),
    Leaf { part: Part, skip: u64, length: u64 },
}

impl FileReader for FileView {
    fn read(&self, offset: u64, length: u64) -> ByteStream {
        let cursor = Cursor {
            view: self.clone(),
            stack: vec![Part { cid: self.cid, size: self.root.size, depth: 0 }],
            skip: offset,
            left: length.min(self.root.size.saturating_sub(offset)),
        };
        let view = self.clone();
        let ahead = self.core.config.read_ahead.max(1);
        let pieces = stream::try_unfold(cursor, Cursor::next);
        let bytes = pieces.map_ok(move |piece| piece.read(view.clone())).try_buffered(ahead);
        bytes.boxed()
    }
}

impl Cursor {
    /// The next piece; reads the nodes on the way to it.
    async fn next(mut self) -> Result<Option<(Piece, Self)>, ContentError> {
        while self.left > 0 {
            let Some(part) = self.stack.pop() else {
                return Err(malformed(format!("file {}", self.view.cid), "it ends early"));
            };
            if part.size <= self.skip {
                self.skip -= part.size;
                continue;
            }
            if part.cid.codec() != DAG_PB && part.depth > 0 {
                let (skip, length) = self.advance(part.size);
                return Ok(Some((Piece::Leaf { part, skip, length }, self)));
            }
            let node = self.view.node(part).await?;
            for (cid, size) in node.children.iter().rev() {
                self.stack.push(Part { cid: *cid, size: *size, depth: part.depth + 1 });
            }
            let inline = node.data.len() as u64;
            if inline <= self.skip {
                self.skip -= inline;
                continue;
            }
            let (skip, length) = self.advance(inline);
            return Ok(Some((Piece::Bytes(slice(&node.data, skip, length)), self)));
        }
        Ok(None)
    }

    /// Passes a stretch of which some is wanted: what of it.
    fn advance(&mut self, size: u64) -> (u64, u64) {
        let skip = std::mem::take(&mut self.skip);
        let length = (size - skip).min(self.left);
        self.left -= length;
        (skip, length)
    }
}

impl Piece {
    fn read(self, view: FileView) -> impl Future<Output = Result<Bytes, ContentError>> {
        match self {
            Self::Bytes(bytes) => Either::Left(future::ready(Ok(bytes))),
            Self::Leaf { part, skip, length } => Either::Right(async move {
                let node = view.node(part).await?;
                Ok(slice(&node.data, skip, length))
            }),
        }
    }
}

impl FileView {
    /// A part's block, from here or from the peers, held to the size its parent told.
    async fn node(&self, part: Part) -> Result<FileNode, ContentError> {
        if part.depth > FILE_DEPTH_MAX {
            return Err(malformed(format!("file {}", self.cid), "its tree is too deep"));
        }
        if part.depth == 0 {
            return Ok((*self.root).clone());
        }
        let bytes = self.block(part.cid).await?;
        parse(&part.cid, bytes)?.into_part(&part.cid, part.size)
    }

    async fn block(&self, cid: Cid) -> Result<Bytes, ContentError> {
        loop {
            let namespace = self.from.as_ref().and_then(|from| from.namespace);
            if let Some(bytes) =
                self.core.reading(move |core| core.store.get(&cid, namespace)).await?
            {
                return Ok(bytes);
            }
            let Some(from) = &self.from else {
                return Err(ContentError::Missing { cid, asked: 0, waited_ms: 0 });
            };
            fetch::blocks(&self.core, vec![cid], from).await?;
        }
    }
}

fn slice(bytes: &Bytes, skip: u64, length: u64) -> Bytes {
    // Both are within the block's bytes, which a usize counts.
    let begin = usize::try_from(skip).unwrap_or(usize::MAX).min(bytes.len());
    let end = begin.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    bytes.slice(begin..end.min(bytes.len()))
}
