//! A Kubo daemon beside the node, spoken to by its RPC
//! (<https://docs.ipfs.tech/reference/kubo/rpc/>): blocks come from the IPFS network through it, and
//! trees go to it, which it pins and provides.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use gadus_model::Cid;
use gadus_ports::ByteStream;
use ipfs_api_backend_hyper::{IpfsApi as _, IpfsClient, TryFromUri as _};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, Url};
use serde::Deserialize;
use tokio::time::timeout;

use super::Upstream;
use crate::block::BLOCK_BYTES_MAX;
use crate::config::ContentConfig;

/// One daemon.
#[derive(Clone)]
pub struct Kubo {
    name: String,
    base: Url,
    rpc: IpfsClient,
    /// For what the RPC's crate has no call.
    http: Client,
    wait: Duration,
}

/// A line of the answer to `dag/import`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImportLine {
    root: Option<ImportedRoot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImportedRoot {
    cid: Slash,
    #[serde(default)]
    pin_error_msg: String,
}

/// A CID in Kubo's JSON.
#[derive(Deserialize)]
struct Slash {
    #[serde(rename = "/")]
    cid: String,
}

/// Why a tree is not with a daemon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It cannot be reached: it may be back later.
    #[error("it cannot be reached: {0}")]
    Away(String),
    /// It does not take it.
    #[error("{0}")]
    Refused(String),
}

impl Kubo {
    /// A daemon by the URL of its RPC, such as `http://127.0.0.1:5001`; a block that it has not
    /// found after `wait` is one that it has not.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(url: &str, wait: Duration) -> Result<Self, String> {
        let base: Url = url.parse().map_err(|e| format!("it is no URL: {e}"))?;
        if base.scheme() != "http" || base.host().is_none() {
            return Err("a Kubo daemon has an http URL, such as http://127.0.0.1:5001".to_owned());
        }
        let rpc = IpfsClient::from_str(url).map_err(|e| format!("it is no URL: {e}"))?;
        let http = crate::source::client().build().map_err(|e| e.to_string())?;
        Ok(Self { name: format!("kubo:{url}"), base, rpc, http, wait })
    }

    /// The daemon of a config, where it names one.
    ///
    /// # Errors
    /// What is wrong with its URL.
    pub fn of_config(config: &ContentConfig) -> Result<Option<Self>, String> {
        let wait = Duration::from_millis(config.upstream_wait_ms);
        Some(&config.ipfs).filter(|url| !url.is_empty()).map(|url| Self::new(url, wait)).transpose()
    }

    /// Its URL.
    pub(super) fn url(&self) -> &str {
        self.base.as_str()
    }

    /// Gives it a tree as a CAR; it is pinned when this returns.
    ///
    /// # Errors
    /// Why it is not there.
    pub async fn import(&self, root: &Cid, car: ByteStream) -> Result<(), NotTaken> {
        let mut url = self.base.clone();
        url.set_path("/api/v0/dag/import");
        url.set_query(Some("pin-roots=true"));
        let part = Part::stream(Body::wrap_stream(car)).file_name("tree.car");
        let answer = self.http.post(url).multipart(Form::new().part("file", part)).send().await;
        let answer = answer.map_err(|e| match e.is_connect() {
            true => NotTaken::Away(e.without_url().to_string()),
            false => NotTaken::Refused(e.without_url().to_string()),
        })?;
        let status = answer.status();
        let text = answer.text().await;
        let text = text.map_err(|e| NotTaken::Refused(e.without_url().to_string()))?;
        let refused = |why: String| Err(NotTaken::Refused(why));
        if !status.is_success() {
            return refused(format!("it says {status}: {}", text.trim()));
        }
        let lines = text.lines().filter_map(|line| serde_json::from_str::<ImportLine>(line).ok());
        let wanted = root.to_string();
        match lines.filter_map(|line| line.root).find(|found| found.cid.cid == wanted) {
            Some(found) if found.pin_error_msg.is_empty() => Ok(()),
            Some(found) => refused(format!("it could not pin it: {}", found.pin_error_msg)),
            None => refused("it took the CAR, and says nothing of its root".to_owned()),
        }
    }

    async fn get(&self, cid: &Cid) -> Result<Option<Bytes>, String> {
        let mut chunks = self.rpc.block_get(&cid.to_string());
        let mut block = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                // It answers, and has not got it.
                Err(ipfs_api_backend_hyper::Error::Api(why)) => {
                    tracing::debug!(%cid, %why, "Kubo has no such block");
                    return Ok(None);
                }
                Err(error) => return Err(error.to_string()),
            };
            if block.len() + chunk.len() > BLOCK_BYTES_MAX {
                return Err(format!("it sent more than the {BLOCK_BYTES_MAX} bytes of a block"));
            }
            block.extend_from_slice(&chunk);
        }
        Ok(Some(block.freeze()))
    }
}

#[async_trait]
impl Upstream for Kubo {
    fn name(&self) -> &str {
        &self.name
    }

    async fn block(&self, cid: &Cid) -> Result<Option<Bytes>, String> {
        // It looks for a block as long as one lets it.
        timeout(self.wait, self.get(cid)).await.unwrap_or(Ok(None))
    }
}
