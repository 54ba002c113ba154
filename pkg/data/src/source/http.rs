//! Files at URLs.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use gadus_ports::{Content as _, Layout, Pinned, SourceError};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use tokio_util::io::StreamReader;
use url::Url;

use super::guard::{Guard, NotPublic};
use super::{SourceConfig, stored};
use crate::EmbeddedContent;
use crate::unixfs::name;

/// Fetches files.
pub(super) struct Http {
    client: Client,
    guard: Guard,
    config: SourceConfig,
}

/// One download, for messages and limits.
#[derive(Clone)]
struct Download {
    /// As it was asked for.
    origin: String,
    bytes_max: u64,
    stall: Duration,
    deadline: Instant,
}

impl Http {
    pub(super) fn new(config: &SourceConfig) -> Result<Self, String> {
        let guard = Guard::new(&config.allow_networks);
        let client = client()
            .dns_resolver(guard.clone())
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
        let download = Download {
            origin: url.to_owned(),
            bytes_max: self.config.bytes_max,
            stall: Duration::from_millis(self.config.stall_ms),
            deadline: Instant::now() + Duration::from_millis(self.config.total_ms),
        };
        let (response, name) = self.open(url, &download).await?;
        if response.content_length().is_some_and(|bytes| bytes > download.bytes_max) {
            return Err(download.too_large());
        }
        let verdict = Arc::new(OnceLock::new());
        let bytes = checked(response, &download, sha256.copied(), verdict.clone());
        let reader = StreamReader::new(Box::pin(bytes));
        match content.import_file(Box::pin(reader), Layout::default()).await {
            Ok(imported) => Ok(Pinned {
                cid: imported.root,
                name,
                bytes: imported.bytes,
                files: imported.files,
            }),
            Err(error) => {
                Err(verdict.get().cloned().unwrap_or_else(|| stored(&download.origin, error)))
            }
        }
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
            let request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity").send();
            let response =
                timeout_at(download.deadline.min(Instant::now() + download.stall), request)
                    .await
                    .map_err(|_| download.unreachable("nothing came for too long".to_owned()))?
                    .map_err(|e| download.of_request(&url, &e))?;
            match redirect(&response) {
                None => return download.accept(response, redirects > 0),
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

impl Download {
    fn accept(
        &self,
        response: Response,
        was_redirected: bool,
    ) -> Result<(Response, Option<String>), SourceError> {
        if response.status() != StatusCode::OK {
            return Err(self.wrong(format!("the server says {}", response.status())));
        }
        let encoding = response.headers().get(CONTENT_ENCODING);
        if let Some(encoding) = encoding.filter(|encoding| *encoding != "identity") {
            let encoding = encoding.to_str().unwrap_or("something");
            return Err(self.wrong(format!("the server encodes it ({encoding}), unasked")));
        }
        let name = file_name(&response, was_redirected);
        Ok((response, name))
    }

    fn wrong(&self, why: String) -> SourceError {
        SourceError::Wrong { origin: self.origin.clone(), why }
    }

    fn unreachable(&self, why: String) -> SourceError {
        SourceError::Unreachable { origin: self.origin.clone(), why }
    }

    fn too_large(&self) -> SourceError {
        SourceError::TooLarge { origin: self.origin.clone(), bytes_max: self.bytes_max }
    }

    /// The address itself is not told: whoever asks may not know it.
    fn refused(&self, url: &Url, why: String) -> SourceError {
        let host = url.host_str().unwrap_or_default();
        let why = if self.origin.contains(host) { why } else { format!("{host}: {why}") };
        SourceError::Refused {
            origin: self.origin.clone(),
            why,
            hint: "fetch it yourself and add it with `gadus add`, or have the operator allow its \
                   network in sources.allow_networks"
                .to_owned(),
        }
    }

    fn of_request(&self, url: &Url, error: &reqwest::Error) -> SourceError {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        let mut last = String::new();
        while let Some(error) = cause {
            if let Some(NotPublic(_)) = error.downcast_ref() {
                return self.refused(url, "its name leads to no public address".to_owned());
            }
            last = error.to_string();
            cause = error.source();
        }
        self.unreachable(last)
    }
}

/// A client that goes where it is sent, and nowhere else: no proxy, which would dial for us
/// whatever the address, and no redirects.
pub(crate) fn client() -> ClientBuilder {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .user_agent(concat!("gadus/", env!("CARGO_PKG_VERSION")))
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

/// The bytes as they come, within the limits; they end with an error when they are not what was
/// asked for. What is wrong is also left in `verdict`.
fn checked(
    response: Response,
    download: &Download,
    sha256: Option<[u8; 32]>,
    verdict: Arc<OnceLock<SourceError>>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let download = download.clone();
    let told = response.content_length();
    let start = (response.bytes_stream().boxed(), Sha256::new(), 0_u64);
    let bytes = stream::try_unfold(start, move |(mut body, mut hash, seen)| {
        let download = download.clone();
        async move {
            let until = download.deadline.min(Instant::now() + download.stall);
            let next = timeout_at(until, body.next()).await.map_err(|_| {
                download.unreachable("it stood still, or took too long in all".to_owned())
            })?;
            let next = next.transpose().map_err(|e| {
                let why = match told {
                    Some(told) => format!("it broke off after {seen} of {told} bytes"),
                    None => format!("it broke off after {seen} bytes: {}", innermost(&e)),
                };
                download.unreachable(why)
            })?;
            let Some(chunk) = next else {
                return match sha256 {
                    Some(expected) => compare(&download, expected, hash.finalize().into()),
                    None => Ok(()),
                }
                .map(|()| None);
            };
            let seen = seen + chunk.len() as u64;
            if seen > download.bytes_max {
                return Err(download.too_large());
            }
            if sha256.is_some() {
                hash.update(&chunk);
            }
            Ok(Some((chunk, (body, hash, seen))))
        }
    });
    bytes.map_err(move |error| {
        let text = error.to_string();
        // The first to be wrong is what is told.
        let _ = verdict.set(error);
        io::Error::other(text)
    })
}

fn compare(download: &Download, expected: [u8; 32], actual: [u8; 32]) -> Result<(), SourceError> {
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if expected == actual {
        return Ok(());
    }
    let origin = download.origin.clone();
    Err(SourceError::Mismatch { origin, expected: hex(expected), actual: hex(actual) })
}

fn innermost(error: &reqwest::Error) -> String {
    let first: &(dyn Error + 'static) = error;
    let last = std::iter::successors(Some(first), |&e| e.source()).last();
    last.map_or_else(String::new, ToString::to_string)
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
