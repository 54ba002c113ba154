//! Blocks of an IPFS Trustless Gateway
//! (<https://specs.ipfs.tech/http-gateways/trustless-gateway/>).

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use gadus_model::Cid;
use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode, Url};

use super::Upstream;
use crate::block::BLOCK_BYTES_MAX;

const RAW_BLOCK: &str = "application/vnd.ipld.raw";

/// One gateway.
pub(super) struct Gateway {
    name: String,
    base: Url,
    client: Client,
}

impl Gateway {
    pub(super) fn new(name: &str, url: &str, wait: Duration) -> Result<Self, String> {
        let base: Url = url.parse().map_err(|e| format!("it is no URL: {e}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err("a gateway has an http or https URL".to_owned());
        }
        let client = crate::source::client().timeout(wait).build();
        let client = client.map_err(|e| e.to_string())?;
        Ok(Self { name: name.to_owned(), base, client })
    }

    fn url_of(&self, cid: &Cid) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["ipfs", &cid.to_string()]);
        }
        url.set_query(Some("format=raw"));
        url
    }
}

#[async_trait]
impl Upstream for Gateway {
    fn name(&self) -> &str {
        &self.name
    }

    async fn block(&self, cid: &Cid) -> Result<Option<Bytes>, String> {
        let request = self.client.get(self.url_of(cid)).header(ACCEPT, RAW_BLOCK).send();
        let mut response = request.await.map_err(without_url)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND
            | StatusCode::GONE
            | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => {
                return Ok(None);
            }
            // What it gives up on, it may not have.
            StatusCode::GATEWAY_TIMEOUT => return Ok(None),
            other => return Err(format!("it says {other}")),
        }
        let mut block = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(without_url)? {
            if block.len() + chunk.len() > BLOCK_BYTES_MAX {
                return Err(format!("it sent more than the {BLOCK_BYTES_MAX} bytes of a block"));
            }
            block.extend_from_slice(&chunk);
        }
        Ok(Some(block.freeze()))
    }
}

fn without_url(error: reqwest::Error) -> String {
    error.without_url().to_string()
}
