//! What a node keeps.

use reqwest::Method;

use super::{Client, ClientError};
use crate::types::{
    CheckResponse, CollectResponse, ListPinsResponse, PinInfo, PinRequest, PinResponse,
    StoreStatResponse, UnpinResponse,
};

const STORE: [&str; 3] = ["api", "v1", "store"];

impl Client {
    /// Figures of its content store.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn store_stat(&self) -> Result<StoreStatResponse, ClientError> {
        self.read(self.request(Method::GET, self.url(&path(&["stat"]), &[]))).await
    }

    /// All pins, read page by page.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn pins(&self) -> Result<Vec<PinInfo>, ClientError> {
        let url = |token: &str, _: usize| self.url(&path(&["pins"]), &[("next_token", token)]);
        self.pages::<ListPinsResponse>(usize::MAX, url).await
    }

    /// Keeps a tree, for so many milliseconds or, with 0, until it is unpinned.
    ///
    /// # Errors
    /// `Refused` with 400 for what is no CID, 404 where nobody has all of it, 507 where there is
    /// no room for it.
    pub async fn pin(&self, cid: &str, retention_ms: u64) -> Result<PinResponse, ClientError> {
        let body = PinRequest { cid: cid.to_owned(), retention_ms };
        let url = self.url(&path(&["pins"]), &[]);
        self.read(self.request(Method::POST, url).json(&body)).await
    }

    /// Keeps a tree no longer.
    ///
    /// # Errors
    /// `Refused` with 404 where it is not pinned, 409 where it is kept for a job.
    pub async fn unpin(&self, cid: &str) -> Result<UnpinResponse, ClientError> {
        self.read(self.request(Method::DELETE, self.url(&path(&["pins", cid]), &[]))).await
    }

    /// Has it free what nothing keeps.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn collect(&self) -> Result<CollectResponse, ClientError> {
        self.read(self.request(Method::POST, self.url(&path(&["gc"]), &[]))).await
    }

    /// Has it check all that it keeps, and forget what is damaged where it is to `repair`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn verify(&self, repair: bool) -> Result<CheckResponse, ClientError> {
        let repair = if repair { "true" } else { "" };
        let url = self.url(&path(&["verify"]), &[("repair", repair)]);
        self.read(self.request(Method::POST, url)).await
    }
}

fn path<'a>(below: &[&'a str]) -> Vec<&'a str> {
    [&STORE[..], below].concat()
}
