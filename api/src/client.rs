//! A typed client of the API: what the CLI, tests and other programs stand on.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

mod agent;
mod content;
mod error;
mod jobs;
mod logs;
mod nodes;
mod pages;
mod socket;
mod store;
mod verdicts;

pub use content::{ContentStream, Reply};
pub use error::ClientError;
pub use jobs::{JobFilter, PutOptions};
pub use logs::{LogOptions, LogOutput};

/// What stands in a URL as it is: the unreserved characters of RFC 3986. All others are encoded, the
/// tabs and line breaks that a URL's parser would drop among them.
const IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How long a plain request may take, the server's own limit and the way included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept: less than the server keeps it, or a request could meet
/// its end.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Talks to one node. Cheap to clone; connections are kept and shared.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    /// A client of the node at `address`: `127.0.0.1:1234`, `http://host:port` or `https://…`.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// `Address` when that is no address.
    pub fn new(address: &str) -> Result<Self, ClientError> {
        let bad = |why: String| ClientError::Address { address: address.to_owned(), why };
        let text =
            if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let mut base = Url::parse(&text).map_err(|e| bad(e.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(bad("it must be host:port, or begin with http:// or https://".to_owned()));
        }
        // Given with the API's own path, as other clients of it want it.
        if let Some(before) = base.path().trim_end_matches('/').strip_suffix("/api/v1") {
            let before = before.to_owned();
            base.set_path(&before);
        }
        let mut builder = match base.scheme() {
            "http" => gadus_http::client_without_tls(),
            // Websockets are opened by an upgrade, which HTTP/2 does not have.
            _ => gadus_http::client().http1_only(),
        };
        builder = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if base.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|e| bad(error::chain(&e)))?;
        Ok(Self { http, base })
    }

    /// The address, as a URL.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The URL of a path, each segment escaped, with a query. Empty values are left out.
    fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        let mut path = url.path().trim_end_matches('/').to_owned();
        // `.` and `..` are not names, and a URL has no way to say that they are.
        for name in segments.iter().filter(|name| !matches!(**name, "." | "..")) {
            path.push('/');
            path.extend(percent_encoding::utf8_percent_encode(name, IN_NAMES));
        }
        url.set_path(&path);
        let given: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request and turns what is no success into an error.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|e| ClientError::sending(&self.base, &e))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(ClientError::from_answer(response).await)
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, ClientError> {
        self.read(self.request(Method::GET, url).timeout(REQUEST_TIMEOUT)).await
    }

    async fn call<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: &B,
    ) -> Result<T, ClientError> {
        self.read(self.request(method, url).timeout(REQUEST_TIMEOUT).json(body)).await
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        let bytes = response.bytes().await.map_err(|e| ClientError::sending(&self.base, &e))?;
        serde_json::from_slice(&bytes)
            .map_err(|e| ClientError::Nonsense { url: self.base.to_string(), why: e.to_string() })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_as_it_is_whatever_is_in_it() {
        let client = Client::new("http://127.0.0.1:1/below/").unwrap();
        let url = |name: &str| client.url(&["ipfs", "CID", name], &[("format", "raw")]).to_string();
        for (name, written) in [
            ("a\tb\nc\rd", "a%09b%0Ac%0Dd"),
            ("a b?c#d%e", "a%20b%3Fc%23d%25e"),
            ("a/b", "a%2Fb"),
            ("ü\u{7f}", "%C3%BC%7F"),
            ("plain-1.0_x~", "plain-1.0_x~"),
        ] {
            let expected = format!("http://127.0.0.1:1/below/ipfs/CID/{written}?format=raw");
            assert_eq!(url(name), expected);
        }
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let base = |text: &str| Client::new(text).map(|c| c.base().to_string()).ok();
        assert_eq!(base("127.0.0.1:1234").as_deref(), Some("http://127.0.0.1:1234/"));
        assert_eq!(base("https://example.org").as_deref(), Some("https://example.org/"));
        assert_eq!(base("[::1]:1234").as_deref(), Some("http://[::1]:1234/"));
        assert_eq!(base("ftp://x"), None);
        assert_eq!(base("http://"), None);
        assert_eq!(base("not an address"), None);
    }

    #[test]
    fn segments_are_escaped_and_empty_values_left_out() {
        let client = Client::new("host:1").unwrap();
        let url = client.url(&["api", "a b/c?#..", ".."], &[("x", "1&2"), ("y", "")]);
        assert_eq!(url.as_str(), "http://host:1/api/a%20b%2Fc%3F%23..?x=1%262");
    }
}
