//! The requests of the library `object_store` over our own client: no proxy, no redirects, one
//! TLS library.

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::Client;

/// A client that is there already.
#[derive(Clone, Debug)]
pub(crate) struct OwnClient(pub(crate) Client);

impl HttpConnector for OwnClient {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}
