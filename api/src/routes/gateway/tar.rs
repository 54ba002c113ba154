//! Trees as tars, written as they are read. A tree that breaks off breaks the stream: a tar
//! without its end is one that a client notices.

use std::io;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use gadus_ports::{ContentError, DirEntry, Node};
use tokio::sync::mpsc;

use crate::service::ServiceError;
use crate::state::ApiState;
use crate::tar_blocks::{Kind, end, header as header_of, padding};

/// Chunks that wait for a slow client.
const CHUNKS_MAX: usize = 4;

/// A tree under one top-level name.
pub(super) fn respond(api: &ApiState, name: String, node: Node) -> Response {
    let disposition = format!("attachment; filename=\"{}.tar\"", super::address::encode(&name));
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let mut writer = Writer { api: api.clone(), sender };
    tokio::spawn(async move {
        match writer.tree(name, node).await {
            // The client is gone.
            Err(Stop::Gone) | Ok(()) => {}
            Err(Stop::Failed(error)) => {
                tracing::warn!(%error, "a tar download broke off");
                let _ = writer.sender.send(Err(io::Error::other(error))).await;
            }
        }
    });
    let chunks = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let headers =
        [(header::CONTENT_TYPE, "application/x-tar"), (header::CONTENT_DISPOSITION, &disposition)];
    (headers, Body::from_stream(chunks)).into_response()
}

struct Writer {
    api: ApiState,
    sender: mpsc::Sender<io::Result<Bytes>>,
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

impl Writer {
    /// The whole tree, parents first, and the end of the archive.
    async fn tree(&mut self, name: String, node: Node) -> Result<(), Stop> {
        let mut open: Vec<(String, std::vec::IntoIter<DirEntry>)> = Vec::new();
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
                open.push((path, entries.into_iter()));
            }
            let Some((path, entries)) = open.last_mut() else {
                return self.send(end()).await;
            };
            match entries.next() {
                Some(entry) => {
                    let path = format!("{path}/{}", safe_name(&entry)?);
                    next = Some((path, self.api.service.open(entry.cid, "").await?));
                }
                None => drop(open.pop()),
            }
        }
    }

    /// One node; of a directory, what is in it.
    async fn node(&mut self, path: &str, node: Node) -> Result<Option<Vec<DirEntry>>, Stop> {
        match node {
            Node::Directory { entries, .. } => {
                self.send(header_of(path, Kind::Directory)).await?;
                return Ok(Some(entries));
            }
            Node::Symlink { target, .. } => {
                self.send(header_of(path, Kind::Symlink(&target))).await?;
            }
            Node::File { size, reader, .. } => {
                self.send(header_of(path, Kind::File(size))).await?;
                let mut bytes = reader.read(0, size);
                let mut sent = 0;
                while let Some(chunk) = bytes.next().await {
                    let chunk = chunk?;
                    sent += chunk.len() as u64;
                    self.send(chunk).await?;
                }
                if sent != size {
                    let why = format!("it has {sent} bytes and says {size}");
                    return Err(ContentError::Malformed { what: path.to_owned(), why }.into());
                }
                self.send(padding(size)).await?;
            }
        }
        Ok(None)
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
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
