//! Bytes become an object: in one request where they are few, in parts where they are many. What a
//! server cannot do right now is asked for again by the library, part by part; so no more than a
//! few parts are in memory.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{ObjectStore as _, PutPayload, PutResult, WriteMultipart};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};

/// Bytes of a part. There are at most 10,000 of them, so an object has at most 80 GB.
pub(super) const PART_BYTES: usize = 8 << 20;
/// Parts on their way at once, besides the one that is gathered.
const PARTS_AT_ONCE: usize = 2;

/// An object that is there.
#[derive(Debug)]
pub(super) struct Put {
    /// Of its bytes, in base 64.
    pub(super) sha256: String,
    /// The version that the server has made of it.
    pub(super) version: Option<String>,
}

/// Why an object is not there.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The result cannot be read.
    Result(String),
    /// The server does not take it, and what would help.
    Server(String, Option<&'static str>),
    TooLong,
}

/// Brings bytes to an object. After an error, nothing of it is left there.
pub(super) async fn upload(
    store: &AmazonS3,
    path: &Path,
    bytes: impl Stream<Item = io::Result<Bytes>> + Send,
    deadline: Instant,
) -> Result<Put, Trouble> {
    let mut bytes = Box::pin(bytes);
    let (mut hash, mut gathered, mut length) = (Sha256::new(), Vec::new(), 0);
    while length < PART_BYTES {
        let chunk = timeout_at(deadline, bytes.try_next()).await;
        let Some(chunk) = chunk.map_err(|_| Trouble::TooLong)?.map_err(of_result)? else {
            let payload: PutPayload = gathered.into_iter().collect();
            let put = timeout_at(deadline, store.put_opts(path, payload, Default::default()));
            let put = put.await.map_err(|_| Trouble::TooLong)?.map_err(of_server)?;
            return Ok(Put::new(put, hash));
        };
        hash.update(&chunk);
        length += chunk.len();
        gathered.push(chunk);
    }
    let begun = timeout_at(deadline, store.put_multipart_opts(path, Default::default()));
    let begun = begun.await.map_err(|_| Trouble::TooLong)?.map_err(of_server)?;
    let mut parts = WriteMultipart::new_with_chunk_size(begun, PART_BYTES);
    gathered.into_iter().for_each(|chunk| parts.put(chunk));
    let fed = async {
        loop {
            parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(of_server)?;
            let Some(chunk) = bytes.try_next().await.map_err(of_result)? else { return Ok(()) };
            hash.update(&chunk);
            parts.put(chunk);
        }
    };
    let fed = timeout_at(deadline, fed).await.unwrap_or(Err(Trouble::TooLong));
    if let Err(trouble) = fed {
        if let Err(error) = parts.abort().await {
            tracing::warn!(%error, %path, "parts of an upload that failed are left in a bucket");
        }
        return Err(trouble);
    }
    let put = timeout_at(deadline, parts.finish()).await;
    Ok(Put::new(put.map_err(|_| Trouble::TooLong)?.map_err(of_server)?, hash))
}

impl Put {
    fn new(put: PutResult, hash: Sha256) -> Self {
        Self { sha256: STANDARD.encode(hash.finalize()), version: put.version }
    }
}

fn of_result(error: io::Error) -> Trouble {
    Trouble::Result(error.to_string())
}

fn of_server(error: object_store::Error) -> Trouble {
    use object_store::Error;
    let is_denied = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. });
    let hint = if is_denied {
        Some(
            "the node's key may not write there: have the operator see to publishers.s3 and the \
             bucket's policy",
        )
    } else {
        matches!(error, Error::NotFound { .. })
            .then_some("see that the bucket is there, and of that region")
    };
    Trouble::Server(innermost(&error), hint)
}

/// What the last in a chain of errors says: what is before it repeats it, at length.
fn innermost(error: &object_store::Error) -> String {
    let first: &(dyn std::error::Error + 'static) = error;
    let last = std::iter::successors(Some(first), |&e| e.source()).last();
    let text = last.map_or_else(String::new, ToString::to_string);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}
