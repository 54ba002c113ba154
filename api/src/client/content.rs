//! Content: imports, and reads through the gateway. Both stream.

use bytes::Bytes;
use futures::TryStream;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use gadus_ports::Profile;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method, Response};

use super::{Client, ClientError};
use crate::service::ImportKind;
use crate::types::{ImportResponse, Listing};

/// Bytes as they come.
pub type ContentStream = BoxStream<'static, Result<Bytes, ClientError>>;

/// Content that comes as a stream.
pub struct Reply {
    /// How many bytes, where the node knows.
    pub length: Option<u64>,
    /// The bytes.
    pub bytes: ContentStream,
}

impl Client {
    /// Imports a file, a tar of a tree, or a CAR.
    ///
    /// # Errors
    /// `Refused` with 400 for bytes that are not what they should be, 413 for too many, 507 when
    /// the node has no room left for them.
    pub async fn import<S>(&self, kind: ImportKind, bytes: S) -> Result<ImportResponse, ClientError>
    where
        S: TryStream + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        Bytes: From<S::Ok>,
    {
        let content_type = match kind {
            ImportKind::File(_) => "application/octet-stream",
            ImportKind::Tar(_) => "application/x-tar",
            ImportKind::Car => "application/vnd.ipld.car",
        };
        let mut query = Vec::new();
        if let ImportKind::File(layout) | ImportKind::Tar(layout) = kind {
            if layout.profile != Profile::default() {
                query.push(("profile", layout.profile.as_str()));
            }
            if layout.keep_modes {
                query.push(("preserve_mode", "true"));
            }
        }
        let request = self
            .request(Method::POST, self.url(&["api", "v1", "content"], &query))
            .header(CONTENT_TYPE, content_type)
            .body(Body::wrap_stream(bytes));
        self.read(request).await
    }

    /// Has the node fetch a file (or a directory of its own machine) from a URI, and import it.
    ///
    /// # Errors
    /// `Refused`, with what the node says of the URI or of what is there.
    pub async fn import_from(&self, uri: &str) -> Result<ImportResponse, ClientError> {
        let url = self.url(&["api", "v1", "content"], &[("from", uri)]);
        self.read(self.request(Method::POST, url)).await
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// `Refused` with 404 when nobody has it, or nothing stands at the path.
    pub async fn cat(&self, cid: &str, path: &str) -> Result<Reply, ClientError> {
        let url = self.content_url(cid, path, &[]);
        Ok(reply(self, self.send(self.request(Method::GET, url)).await?))
    }

    /// A node that is no UnixFS (DAG-CBOR, DAG-JSON), as DAG-JSON.
    ///
    /// # Errors
    /// `Refused` with 404 when nobody has it, 406 where it cannot be told so.
    pub async fn dag_json(&self, cid: &str, path: &str) -> Result<Reply, ClientError> {
        let url = self.content_url(cid, path, &[("format", "dag-json")]);
        Ok(reply(self, self.send(self.request(Method::GET, url)).await?))
    }

    /// One block, as it is.
    ///
    /// # Errors
    /// As [`Client::cat`].
    pub async fn block(&self, cid: &str) -> Result<Reply, ClientError> {
        let url = self.content_url(cid, "", &[("format", "raw")]);
        Ok(reply(self, self.send(self.request(Method::GET, url)).await?))
    }

    /// A tree as a tar stream; its one top-level entry is named by the last name of the path, or
    /// the CID.
    ///
    /// # Errors
    /// As [`Client::cat`]. A tree that cannot be read to its end breaks the stream.
    pub async fn tar(&self, cid: &str, path: &str) -> Result<Reply, ClientError> {
        let url = self.content_url(cid, path, &[("format", "tar")]);
        Ok(reply(self, self.send(self.request(Method::GET, url)).await?))
    }

    /// A tree as a CAR (v1), each block once.
    ///
    /// # Errors
    /// As [`Client::cat`]. A tree that cannot be read to its end breaks the stream.
    pub async fn car(&self, cid: &str, path: &str) -> Result<Reply, ClientError> {
        let url = self.content_url(cid, path, &[("format", "car")]);
        Ok(reply(self, self.send(self.request(Method::GET, url)).await?))
    }

    /// What stands at a path; of a directory, its entries.
    ///
    /// # Errors
    /// As [`Client::cat`].
    pub async fn list(&self, cid: &str, path: &str) -> Result<Listing, ClientError> {
        let url = self.content_url(cid, path, &[("format", "listing")]);
        self.read(self.request(Method::GET, url)).await
    }

    fn content_url(&self, cid: &str, path: &str, query: &[(&str, &str)]) -> reqwest::Url {
        let names = path.split('/').filter(|name| !name.is_empty());
        let segments: Vec<_> = ["ipfs", cid].into_iter().chain(names).collect();
        self.url(&segments, query)
    }
}

fn reply(client: &Client, response: Response) -> Reply {
    let base = client.base.clone();
    let length = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let bytes = response.bytes_stream().map_err(move |e| ClientError::sending(&base, &e)).boxed();
    Reply { length, bytes }
}
