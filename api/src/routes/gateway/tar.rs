//! Trees as tars, written as they are read. A tree that breaks off says why, and breaks the stream:
//! a tar without its end is one that every client notices.

use std::io;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use gadus_model::Cid;
use gadus_ports::{ContentError, DirEntry, EntryKind, Node, Resolved};
use tokio::sync::mpsc;

use super::format::Format;
use super::{Ask, etag, headers, nothing};
use crate::error::ApiError;
use crate::service::ServiceError;
use crate::state::ApiState;
use gadus_ports::tar_blocks::{Broken, Kind, broken, end, header as header_of, padding};

/// Chunks that wait for a slow client.
const CHUNKS_MAX: usize = 4;
/// What is less than this is gathered before it is sent.
const CHUNK_BYTES: usize = 64 << 10;
/// Files of a directory that are opened before their turn.
const OPEN_AHEAD: usize = 16;

/// The tree at the address, under one top-level name.
pub(super) async fn respond(ask: &Ask<'_>, at: &Resolved) -> Result<Response, ApiError> {
    let tag = etag::of(&at.cid, Format::Tar);
    if etag::client_has(ask.headers, &[&tag]) {
        return Ok(ask.not_modified(&tag));
    }
    let node = ask.api.service.open(ask.address.root, &ask.address.path()).await?;
    let body = match ask.is_head() {
        true => nothing(),
        false => Body::from_stream(chunks(ask.api, ask.address.name(), node)),
    };
    let disposition =
        headers::disposition("attachment", &ask.name_or(|| format!("{}.tar", at.cid)));
    let fixed = [
        (header::CONTENT_TYPE, Format::Tar.media_type()),
        (header::CONTENT_DISPOSITION, &disposition),
    ];
    Ok(headers::guarded((fixed, body).into_response(), &tag, &ask.address))
}

/// A tar of what is in a directory, which itself is no entry of it.
pub(in crate::routes) fn entries(
    api: &ApiState,
    directory: Node,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    chunks(api, String::new(), directory)
}

fn chunks(
    api: &ApiState,
    name: String,
    node: Node,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let mut writer = Writer { api: api.clone(), sender, gathered: BytesMut::new() };
    tokio::spawn(async move {
        match writer.tree(name, node).await {
            // The client is gone.
            Err(Stop::Gone) | Ok(()) => {}
            Err(Stop::Failed(error)) => {
                tracing::warn!(%error, "a tar download broke off");
                writer.break_off(error).await;
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    })
}

struct Writer {
    api: ApiState,
    sender: mpsc::Sender<io::Result<Bytes>>,
    /// What is too little to be sent by itself.
    gathered: BytesMut,
}

enum Stop {
    Gone,
    Failed(ServiceError),
}

impl<E: Into<ServiceError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Something in a directory: where it goes in the archive, and what it is, if that was looked at.
type Below = (String, Cid, Option<Node>);
/// A directory that is being written: what is in it, in order.
type Open = BoxStream<'static, Result<Below, ServiceError>>;

/// What is in a directory. Files are opened ahead, directories are not: each may be large.
fn below(api: &ApiState, path: String, entries: Vec<DirEntry>) -> Open {
    let api = api.clone();
    let look = move |entry: DirEntry| {
        let slash = if path.is_empty() { "" } else { "/" };
        let (service, path) = (api.service.clone(), format!("{path}{slash}{}", entry.name));
        async move {
            safe_name(&entry)?;
            let node = match entry.kind {
                EntryKind::File => Some(service.open(entry.cid, "").await?),
                EntryKind::Directory | EntryKind::Symlink | EntryKind::Unknown => None,
            };
            Ok((path, entry.cid, node))
        }
    };
    stream::iter(entries).map(look).buffered(OPEN_AHEAD).boxed()
}

impl Writer {
    /// The whole tree, parents first, and the end of the archive.
    async fn tree(&mut self, name: String, node: Node) -> Result<(), Stop> {
        let mut open: Vec<Open> = Vec::new();
        let mut next = Some((name, node));
        loop {
            if let Some((path, node)) = next.take()
                && let Some(entries) = self.node(&path, node).await?
            {
                let max = self.api.limits().tree_depth_max;
                if open.len() == max {
                    let why = format!("it is deeper than {max} directories");
                    return Err(ContentError::Malformed { what: path, why }.into());
                }
                open.push(below(&self.api, path, entries));
            }
            let Some(entries) = open.last_mut() else {
                self.put(end()).await?;
                return self.flush().await;
            };
            match entries.next().await.transpose()? {
                Some((path, _, Some(node))) => next = Some((path, node)),
                Some((path, cid, None)) => {
                    next = Some((path, self.api.service.open(cid, "").await?));
                }
                None => drop(open.pop()),
            }
        }
    }

    /// One node; of a directory, what is in it.
    async fn node(&mut self, path: &str, node: Node) -> Result<Option<Vec<DirEntry>>, Stop> {
        match node {
            Node::Directory { entries, mode, .. } => {
                if !path.is_empty() {
                    self.put(header_of(path, Kind::Directory, mode)).await?;
                }
                return Ok(Some(entries));
            }
            Node::Symlink { target, .. } => {
                self.put(header_of(path, Kind::Symlink(&target), None)).await?;
            }
            Node::File { size, mode, reader, .. } => {
                self.put(header_of(path, Kind::File(size), mode)).await?;
                let mut bytes = reader.read(0, size);
                let mut sent = 0;
                while let Some(chunk) = bytes.next().await {
                    let chunk = chunk?;
                    sent += chunk.len() as u64;
                    self.put(chunk).await?;
                }
                if sent != size {
                    let why = format!("it has {sent} bytes and says {size}");
                    return Err(ContentError::Malformed { what: path.to_owned(), why }.into());
                }
                self.put(padding(size)).await?;
            }
        }
        Ok(None)
    }

    /// Tells why it ends here, and breaks off. In the middle of a file, nobody will hear it.
    async fn break_off(&mut self, error: ServiceError) {
        let why = Broken { message: error.message.clone(), hint: error.hint.clone() };
        if self.put(broken(&why)).await.is_ok() && self.flush().await.is_ok() {
            // The client is gone.
            let _ = self.sender.send(Err(io::Error::other(error))).await;
        }
    }

    /// Small pieces are gathered: each that is sent costs a wake and a write.
    async fn put(&mut self, bytes: Bytes) -> Result<(), Stop> {
        if bytes.len() >= CHUNK_BYTES {
            self.flush().await?;
            return self.send(bytes).await;
        }
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        let bytes = self.gathered.split().freeze();
        if bytes.is_empty() { Ok(()) } else { self.send(bytes).await }
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), Stop> {
        self.sender.send(Ok(bytes)).await.map_err(|_| Stop::Gone)
    }
}

/// A name from a block that anybody may have made.
fn safe_name(entry: &DirEntry) -> Result<&str, ContentError> {
    let name = entry.name.as_str();
    if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\0']) {
        let why = "it would lead out of its directory".to_owned();
        return Err(ContentError::UnsafeName { name: name.escape_debug().to_string(), why });
    }
    Ok(name)
}
