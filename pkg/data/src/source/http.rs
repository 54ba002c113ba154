//! Files at URLs.

use std::time::Duration;

use gadus_ports::{Pinned, SourceError};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use url::Url;

use super::SourceConfig;
use super::download::{Download, import};
use super::guard::Guard;
use crate::EmbeddedContent;
use crate::unixfs::name;

/// Fetches files.
pub(super) struct Http {
    client: Client,
    guard: Guard,
    config: SourceConfig,
}

impl Http {
    pub(super) fn new(config: &SourceConfig) -> Result<Self, String> {
        let guard = Guard::new(&config.allow_networks);
        let client = client()
            .dns_resolver(guard.clone())
            // A connection that was kept may be gone when a redirect leads back over it.
            .pool_max_idle_per_host(0)
            .connect_timeout(Duration::from_millis(config.connect_ms))
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self { client, guard, config: config.clone() })
    }

    /// Fetches a file and imports it as it comes.
    pub(super) async fn pin(
        &self,
        content: &EmbeddedContent,
        url: &str,
        sha256: Option<&[u8; 32]>,
    ) -> Result<Pinned, SourceError> {
        let download = Download::begin(url.to_owned(), &self.config);
        let (response, name) = self.open(url, &download).await?;
        import(content, response, &download, sha256.copied(), name).await
    }

    /// Follows redirects to a response with a body, and to the file's name.
    async fn open(
        &self,
        url: &str,
        download: &Download,
    ) -> Result<(Response, Option<String>), SourceError> {
        let mut url = Url::parse(url).map_err(|e| download.wrong(format!("it is no URL: {e}")))?;
        for redirects in 0..=self.config.redirects_max {
            self.guard.check(&url).map_err(|why| download.refused(&url, why))?;
            let request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            let response = download.send(&url, request).await?;
            match redirect(&response) {
                None => return accept(download, response, redirects > 0),
                Some(Err(why)) => return Err(download.wrong(why)),
                Some(Ok(next)) if url.scheme() == "https" && next.scheme() == "http" => {
                    let why = "it redirects from https to http".to_owned();
                    return Err(download.refused(&next, why));
                }
                Some(Ok(next)) => url = next,
            }
        }
        let max = self.config.redirects_max;
        Err(download.wrong(format!("it redirects more than {max} times")))
    }
}

/// What a response holds, if it holds what was asked for, and the file's name.
fn accept(
    download: &Download,
    response: Response,
    was_redirected: bool,
) -> Result<(Response, Option<String>), SourceError> {
    if response.status() != StatusCode::OK {
        return Err(download.wrong(format!("the server says {}", response.status())));
    }
    let encoding = response.headers().get(CONTENT_ENCODING);
    if let Some(encoding) = encoding.filter(|encoding| *encoding != "identity") {
        let encoding = encoding.to_str().unwrap_or("something");
        return Err(download.wrong(format!("the server encodes it ({encoding}), unasked")));
    }
    let name = file_name(&response, was_redirected);
    Ok((response, name))
}

/// A client that goes where it is sent, and nowhere else: no proxy, which would dial for us
/// whatever the address, and no redirects.
pub(crate) fn client() -> ClientBuilder {
    gadus_http::client().no_proxy().redirect(Policy::none())
}

/// Where a response sends us, if it does.
fn redirect(response: &Response) -> Option<Result<Url, String>> {
    let leads = [301, 302, 303, 307, 308];
    if !leads.contains(&response.status().as_u16()) {
        return None;
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(location) = location else {
        return Some(Err("it redirects to nowhere".to_owned()));
    };
    let next = response.url().join(location);
    Some(next.map_err(|e| format!("it redirects to what is no URL: {e}")))
}

/// What the file is called: by the URL it came from, or, after a redirect, by the server; a name
/// that is no plain name of a file is none.
fn file_name(response: &Response, was_redirected: bool) -> Option<String> {
    let told = response.headers().get(CONTENT_DISPOSITION).filter(|_| was_redirected);
    let told = told.and_then(|value| value.to_str().ok()).and_then(disposition);
    let last = || {
        let last = response.url().path_segments()?.next_back()?;
        let bytes = percent_encoding::percent_decode_str(last);
        bytes.decode_utf8().ok().map(String::from)
    };
    told.or_else(last).filter(|name| name::check(name).is_ok())
}

/// The file name of a `Content-Disposition` (RFC 6266), in its plain form.
fn disposition(header: &str) -> Option<String> {
    let parameters = header.split(';').skip(1);
    let name = parameters.filter_map(|parameter| parameter.trim().split_once('=')).find_map(
        |(key, value)| key.eq_ignore_ascii_case("filename").then(|| value.trim_matches('"')),
    )?;
    // Some send a path.
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Some(last.to_owned())
}
