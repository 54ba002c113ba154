//! Verdicts of other requesters.

use reqwest::Method;

use super::{Client, ClientError};
use crate::types::{BundleInfo, CountRequest, CountResponse, ListVerdictsResponse};

const VERDICTS: [&str; 4] = ["api", "v1", "orchestrator", "verdicts"];

impl Client {
    /// Has the node count the verdicts of a bundle.
    ///
    /// # Errors
    /// `Refused` with 400 where something does not hold, 403 where too few voters are trusted, 404
    /// where nobody has all of it.
    pub async fn count_verdicts(&self, bundle: &str) -> Result<CountResponse, ClientError> {
        let body = CountRequest { cid: bundle.to_owned() };
        self.read(self.request(Method::POST, self.url(&VERDICTS, &[])).json(&body)).await
    }

    /// All bundles that are counted, read page by page.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn verdicts(&self) -> Result<Vec<BundleInfo>, ClientError> {
        let url = |token: &str, _: usize| self.url(&VERDICTS, &[("next_token", token)]);
        self.pages::<ListVerdictsResponse>(usize::MAX, url).await
    }

    /// Has the node count a bundle no longer.
    ///
    /// # Errors
    /// `Refused` with 404 where it is not counted.
    pub async fn forget_verdicts(&self, bundle: &str) -> Result<(), ClientError> {
        let url = self.url(&[&VERDICTS[..], &[bundle]].concat(), &[]);
        self.read::<CountRequest>(self.request(Method::DELETE, url)).await.map(|_| ())
    }
}
