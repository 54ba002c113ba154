//! A result as a tar, compressed with gzip, made as it is read. One result is always one archive,
//! byte for byte: there are no dates in it.

use std::io;

use async_compression::Level;
use async_compression::tokio::bufread::GzipEncoder;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use gadus_model::Cid;
use gadus_ports::tar_blocks::{Kind, end, header, padding};
use gadus_ports::{ContentError, Node};
use tokio_util::io::{ReaderStream, StreamReader};

use super::walk;
use crate::EmbeddedContent;
use crate::error::malformed;

/// Bytes of the archive that are made at once.
const CHUNK_BYTES: usize = 64 << 10;

/// The archive of everything below a directory.
pub(super) fn archive(
    content: &EmbeddedContent,
    root: Cid,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let entries = walk::entries(content, root);
    let blocks = entries.map_ok(|(path, node)| blocks(path, node)).try_flatten();
    let tar = blocks.chain(stream::once(async { Ok(end()) })).map_err(io::Error::other);
    let reader = StreamReader::new(tar.boxed());
    ReaderStream::with_capacity(GzipEncoder::with_quality(reader, Level::Fastest), CHUNK_BYTES)
}

/// An entry with its content.
fn blocks(path: String, node: Node) -> BoxStream<'static, Result<Bytes, ContentError>> {
    match node {
        Node::Directory { mode, .. } => one(header(&path, Kind::Directory, mode)),
        Node::Symlink { target, .. } => one(header(&path, Kind::Symlink(&target), None)),
        Node::File { size, mode, reader, .. } => {
            let head = one(header(&path, Kind::File(size), mode));
            let bytes = counted(path, size, reader.read(0, size));
            head.chain(bytes).chain(one(padding(size))).boxed()
        }
    }
}

fn one(bytes: Bytes) -> BoxStream<'static, Result<Bytes, ContentError>> {
    stream::once(async { Ok(bytes) }).boxed()
}

/// The bytes of a file, which are as many as its header says.
pub(super) fn counted(
    path: String,
    size: u64,
    bytes: impl Stream<Item = Result<Bytes, ContentError>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, ContentError>> + Send {
    let start = (bytes.boxed(), 0_u64);
    stream::try_unfold(start, move |(mut bytes, seen)| {
        let path = path.clone();
        async move {
            match bytes.try_next().await? {
                Some(chunk) => {
                    let seen = seen + chunk.len() as u64;
                    Ok(Some((chunk, (bytes, seen))))
                }
                None if seen == size => Ok(None),
                None => {
                    let why = format!("it has {seen} bytes and says {size}");
                    Err(malformed(format!("'{path}'"), why))
                }
            }
        }
    })
}
