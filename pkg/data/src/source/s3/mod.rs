//! Objects of buckets: one as a file, or all below a prefix as a tree.
//!
//! | | |
//! |---|---|
//! | `ask` | requests, signed for the operator's server alone, and what is said instead of an answer |
//! | `list` | the list of a bucket, page by page |
//! | `select` | which objects of it are wanted, and their places in the tree; pure |

mod ask;
mod list;
mod select;
#[cfg(test)]
mod tests;

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use gadus_ports::{Pinned, S3Origin, SourceError};
use regex::Regex;
use tokio_util::io::StreamReader;
use tokio_util::task::AbortOnDropHandle;

use self::ask::{Ask, From};
use self::list::Object;
use self::select::{Place, select};
use super::SourceConfig;
use super::download::{Download, Verdict, import};
use crate::EmbeddedContent;
use crate::import::named::Named;
use crate::s3::S3Config;
use crate::s3::place::check_bucket;
use crate::unixfs::name;

/// Objects up to this size are fetched before their turn.
const AHEAD_BYTES_MAX: u64 = 256 << 10;
/// So many of them at once.
const AHEAD_MAX: usize = 16;

/// Fetches objects.
pub(super) struct S3 {
    ask: Ask,
    config: SourceConfig,
}

impl S3 {
    pub(super) fn new(config: &SourceConfig, account: &S3Config) -> Result<Self, String> {
        Ok(Self { ask: Ask::new(config, account)?, config: config.clone() })
    }

    /// Fetches what is wanted of a bucket and imports it as it comes.
    pub(super) async fn pin(
        &self,
        content: &EmbeddedContent,
        origin: &S3Origin,
    ) -> Result<Pinned, SourceError> {
        let shown = format!("s3://{}/{}", origin.bucket, origin.key);
        let download = Download::begin(shown, &self.config);
        check_bucket(&origin.bucket).map_err(|why| download.wrong(why))?;
        let from = self.ask.from(origin, &download)?;
        if origin.is_prefix() {
            self.tree(content, origin, &from).await
        } else {
            self.file(content, origin, &from).await
        }
    }

    async fn file(
        &self,
        content: &EmbeddedContent,
        origin: &S3Origin,
        from: &From,
    ) -> Result<Pinned, SourceError> {
        let download = &from.download;
        let version = origin.version.as_deref().map(|version| ("versionId", version));
        let last = origin.key.rsplit('/').next().unwrap_or_default();
        name::check(last).map_err(|e| download.wrong(e.to_string()))?;
        let url = from.object(&origin.key, version.as_slice())?;
        let response = self.ask.get(from, &url).await?;
        import(content, response, download, origin.sha256, Some(last.to_owned())).await
    }

    /// The list is looked at as a whole before anything of it is fetched.
    async fn tree(
        &self,
        content: &EmbeddedContent,
        origin: &S3Origin,
        from: &From,
    ) -> Result<Pinned, SourceError> {
        let download = &from.download;
        let filter = select::filter(origin).map_err(|why| download.wrong(why))?;
        let objects = self.list(origin, from, filter.as_ref()).await?;
        let places = select(origin.prefix(), objects).map_err(|why| download.wrong(why))?;
        let bytes = places.iter().map(|place| place.bytes).fold(0, u64::saturating_add);
        if bytes > download.bytes_max {
            return Err(download.too_large());
        }
        let verdict = Verdict::default();
        let named = self.named(from.clone(), places, verdict.clone());
        let imported = content.import_named(named.boxed()).await;
        let imported = imported.map_err(|error| verdict.of(&download.origin, error))?;
        let name = origin.prefix().split('/').rev().find(|name| !name.is_empty());
        let name = Some(name.unwrap_or(&origin.bucket).to_owned());
        Ok(Pinned { cid: imported.root, name, bytes: imported.bytes, files: imported.files })
    }

    /// The objects that are wanted, as many as there may be.
    async fn list(
        &self,
        origin: &S3Origin,
        from: &From,
        filter: Option<&Regex>,
    ) -> Result<Vec<Object>, SourceError> {
        let (download, prefix) = (&from.download, origin.prefix());
        let objects_max = self.config.objects_max;
        let mut wanted = Vec::new();
        let mut token = None;
        loop {
            let page = self.ask.page(from, prefix, token.as_deref()).await?;
            wanted.extend(page.objects.into_iter().filter(|object| {
                let rest = object.key.strip_prefix(prefix).unwrap_or(&object.key);
                filter.is_none_or(|filter| filter.is_match(rest))
            }));
            if wanted.len() > objects_max {
                let origin = download.origin.clone();
                return Err(SourceError::TooMany { origin, objects_max });
            }
            match page.next {
                None => break,
                next if next == token => {
                    return Err(download.wrong("its list does not go on".to_owned()));
                }
                next => token = next,
            }
        }
        Ok(wanted)
    }

    /// Files with their bytes. Small ones are fetched before their turn; large ones when they are
    /// read.
    fn named(
        &self,
        from: From,
        places: Vec<Place>,
        verdict: Verdict,
    ) -> impl Stream<Item = io::Result<Named>> + Send + use<> {
        let ask = self.ask.clone();
        let fetch = move |place: Place| {
            let (ask, from, verdict) = (ask.clone(), from.clone(), verdict.clone());
            async move {
                let Place { path, key, bytes } = place;
                let Some(key) = key else { return Ok(Named::Directory(path)) };
                let body = ask.body(from, key, bytes).map_err(move |e| verdict.pass(e));
                if bytes > AHEAD_BYTES_MAX {
                    return Ok(Named::File(path, Box::pin(StreamReader::new(Box::pin(body)))));
                }
                // A task of its own: it goes on while a large one before it is read.
                let task = tokio::spawn(body.try_collect::<Vec<Bytes>>());
                let chunks = AbortOnDropHandle::new(task).await.map_err(io::Error::other)??;
                let chunks = stream::iter(chunks.into_iter().map(io::Result::Ok));
                Ok(Named::File(path, Box::pin(StreamReader::new(chunks))))
            }
        };
        stream::iter(places).map(fetch).buffered(AHEAD_MAX)
    }
}
