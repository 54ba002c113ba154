//! One download: its limits, its words, and its bytes as they come.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use gadus_ports::{Content as _, ContentError, Layout, Pinned, SourceError};
use reqwest::{RequestBuilder, Response};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use tokio_util::io::StreamReader;
use url::Url;

use super::guard::NotPublic;
use super::{SourceConfig, stored};
use crate::EmbeddedContent;

/// One download, for messages and limits.
#[derive(Clone)]
pub(super) struct Download {
    /// As it was asked for.
    pub(super) origin: String,
    pub(super) bytes_max: u64,
    stall: Duration,
    deadline: Instant,
}

/// What is known of bytes before they come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expected {
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) bytes: Option<u64>,
}

/// What went wrong first. An import only sees that a stream has ended with an error.
#[derive(Clone, Default)]
pub(super) struct Verdict(Arc<OnceLock<SourceError>>);

impl Verdict {
    /// An error on its way through an import.
    pub(super) fn pass(&self, error: SourceError) -> io::Error {
        let text = error.to_string();
        // The first to be wrong is what is told.
        let _ = self.0.set(error);
        io::Error::other(text)
    }

    /// What is to be told of an import that failed.
    pub(super) fn of(&self, origin: &str, error: ContentError) -> SourceError {
        self.0.get().cloned().unwrap_or_else(|| stored(origin, error))
    }
}

impl Download {
    /// One that begins now.
    pub(super) fn begin(origin: String, config: &SourceConfig) -> Self {
        Self {
            origin,
            bytes_max: config.bytes_max,
            stall: Duration::from_millis(config.stall_ms),
            deadline: Instant::now() + Duration::from_millis(config.total_ms),
        }
    }

    /// The same, of which one object is told about.
    pub(super) fn of_part(&self, key: &str) -> Self {
        let shown: String = key.chars().take(200).flat_map(char::escape_debug).collect();
        Self { origin: format!("{} (object '{shown}')", self.origin), ..self.clone() }
    }

    /// Until when the next thing must have come.
    pub(super) fn until(&self) -> Instant {
        self.deadline.min(Instant::now() + self.stall)
    }

    /// The head of an answer.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
    ) -> Result<Response, SourceError> {
        let answer = timeout_at(self.until(), request.send()).await;
        answer
            .map_err(|_| self.unreachable("nothing came for too long".to_owned()))?
            .map_err(|e| self.of_request(url, &e))
    }

    pub(super) fn wrong(&self, why: String) -> SourceError {
        SourceError::Wrong { origin: self.origin.clone(), why }
    }

    pub(super) fn unreachable(&self, why: String) -> SourceError {
        SourceError::Unreachable { origin: self.origin.clone(), why }
    }

    pub(super) fn too_large(&self) -> SourceError {
        SourceError::TooLarge { origin: self.origin.clone(), bytes_max: self.bytes_max }
    }

    /// The address itself is not told: whoever asks may not know it.
    pub(super) fn refused(&self, url: &Url, why: String) -> SourceError {
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

/// The bytes as they come, within the limits; they end with an error when they are not what was
/// asked for.
pub(super) fn checked(
    response: Response,
    download: &Download,
    expected: Expected,
) -> impl Stream<Item = Result<Bytes, SourceError>> + Send + use<> {
    let download = download.clone();
    let told = response.content_length();
    let start = (response.bytes_stream().boxed(), Sha256::new(), 0_u64);
    stream::try_unfold(start, move |(mut body, mut hash, seen)| {
        let download = download.clone();
        async move {
            let next = timeout_at(download.until(), body.next()).await.map_err(|_| {
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
                return whole(&download, expected, seen, hash).map(|()| None);
            };
            let seen = seen + chunk.len() as u64;
            if seen > download.bytes_max {
                return Err(download.too_large());
            }
            if let Some(bytes) = expected.bytes.filter(|bytes| seen > *bytes) {
                let why = format!("it was told to have {bytes} bytes, and has more");
                return Err(download.wrong(why));
            }
            if expected.sha256.is_some() {
                hash.update(&chunk);
            }
            Ok(Some((chunk, (body, hash, seen))))
        }
    })
}

/// Imports an answer as a file, as it comes.
pub(super) async fn import(
    content: &EmbeddedContent,
    response: Response,
    download: &Download,
    sha256: Option<[u8; 32]>,
    name: Option<String>,
) -> Result<Pinned, SourceError> {
    if response.content_length().is_some_and(|bytes| bytes > download.bytes_max) {
        return Err(download.too_large());
    }
    let verdict = Verdict::default();
    let passed = verdict.clone();
    let bytes = checked(response, download, Expected { sha256, bytes: None });
    let reader = StreamReader::new(Box::pin(bytes.map_err(move |e| passed.pass(e))));
    let imported = content.import_file(Box::pin(reader), Layout::default()).await;
    let imported = imported.map_err(|error| verdict.of(&download.origin, error))?;
    Ok(Pinned { cid: imported.root, name, bytes: imported.bytes, files: imported.files })
}

/// Whether what came is what was asked for.
fn whole(
    download: &Download,
    expected: Expected,
    seen: u64,
    hash: Sha256,
) -> Result<(), SourceError> {
    if let Some(bytes) = expected.bytes.filter(|bytes| seen != *bytes) {
        return Err(download.wrong(format!("it was told to have {bytes} bytes, and has {seen}")));
    }
    match expected.sha256 {
        Some(expected) => compare(download, expected, hash.finalize().into()),
        None => Ok(()),
    }
}

/// All bytes of an answer that is no content, within a limit.
pub(super) async fn gathered(
    response: Response,
    download: &Download,
    bytes_max: usize,
) -> Result<Vec<u8>, SourceError> {
    let no_content = Download { bytes_max: u64::MAX, ..download.clone() };
    let mut body = Box::pin(checked(response, &no_content, Expected::default()));
    let mut gathered = Vec::new();
    while let Some(chunk) = body.try_next().await? {
        gathered.extend_from_slice(&chunk);
        if gathered.len() > bytes_max {
            return Err(download.wrong(format!("the server's answer exceeds {bytes_max} bytes")));
        }
    }
    Ok(gathered)
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
