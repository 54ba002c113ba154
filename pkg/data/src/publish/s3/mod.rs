//! Results go into buckets: those that the operator has named, of one server, with one key.

mod key;
#[cfg(test)]
pub(super) mod tests;
mod upload;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use gadus_model::{Failure, Place, S3Form, S3Target};
use gadus_ports::{ContentError, Node, Publication};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{Method, Signer as _};
use object_store::{BackoffConfig, RetryConfig};
use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::upload::{Trouble, upload};
use super::archive::{archive, counted};
use super::{BucketsConfig, failed, walk};
use crate::s3::account::{Account, Target};
use crate::s3::place::check_bucket;
use crate::s3::wire::OwnClient;
use crate::{EmbeddedContent, S3Config};

/// How often a request is made again that met a passing trouble.
const RETRIES: usize = 6;
/// For how long.
const RETRY_MAX: Duration = Duration::from_secs(120);
/// Files of one result that are on their way at once.
const FILES_AT_ONCE: usize = 4;
/// The longest that a link may be good.
const PRESIGN_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
const ARCHIVE: &str = ".tar.gz";

/// The buckets that a node may write to.
pub(super) struct Buckets {
    content: EmbeddedContent,
    config: BucketsConfig,
    account: Account,
    client: Client,
    /// Results on their way at once; more wait their turn.
    room: Semaphore,
}

impl Buckets {
    /// None where no bucket is named.
    ///
    /// # Errors
    /// For what does not fit, with its key.
    pub(super) fn new(
        content: EmbeddedContent,
        config: &BucketsConfig,
        base: &S3Config,
    ) -> Result<Option<Self>, String> {
        if config.buckets.is_empty() {
            return Ok(None);
        }
        for bucket in &config.buckets {
            check_bucket(bucket).map_err(|why| format!("publishers.s3.buckets: {why}"))?;
        }
        let client = crate::source::client()
            .connect_timeout(Duration::from_millis(config.connect_ms))
            .read_timeout(Duration::from_millis(config.answer_ms))
            .build()
            .map_err(|e| e.to_string())?;
        let account = Account::new("publishers.s3", &config.account(base), &client)?;
        if !account.has_credentials() {
            return Err("publishers.s3.buckets: nothing can be written there without a key: set \
                        publishers.s3.access_key_id, or s3.access_key_id"
                .to_owned());
        }
        let room = Semaphore::new(config.uploads_max);
        Ok(Some(Self { content, config: config.clone(), account, client, room }))
    }

    /// Brings a result into a bucket.
    ///
    /// # Errors
    /// `PublishFailed`.
    pub(super) async fn publish(
        &self,
        publication: &Publication,
        to: &S3Target,
    ) -> Result<Place, Failure> {
        let target = self.target(to)?;
        let now = jiff::Timestamp::now();
        let key = key::of(publication, to, now).map_err(failed)?;
        let store = self.store(&to.bucket, &target).map_err(failed)?;
        // It is never closed.
        let _place = self.room.acquire().await;
        let deadline = Instant::now() + Duration::from_millis(self.config.total_ms);
        let mut place = place(to, &target, &key);
        match to.form {
            S3Form::Archive => {
                let path = Path::parse(&key).map_err(|e| failed(e.to_string()))?;
                let bytes = archive(&self.content, publication.result);
                let put = upload(&store, &path, bytes, deadline).await;
                let put = put.map_err(|trouble| told(to, trouble))?;
                place.params.insert("ChecksumSHA256".to_owned(), put.sha256);
                place.params.insert("VersionID".to_owned(), put.version.unwrap_or_default());
            }
            S3Form::Tree => {
                let done = self.tree(publication, &store, &key, deadline).await;
                done.map_err(|trouble| told(to, trouble))?;
            }
        }
        Ok(place)
    }

    async fn tree(
        &self,
        publication: &Publication,
        store: &AmazonS3,
        prefix: &str,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        let entries = walk::entries(&self.content, publication.result).map_err(of_content);
        let entries = entries.try_for_each_concurrent(FILES_AT_ONCE, |(path, node)| async move {
            match node {
                // A bucket has none.
                Node::Directory { .. } => Ok(()),
                Node::Symlink { .. } => Err(Trouble::Result(format!(
                    "'{path}' is a link, which a bucket cannot hold: publish an archive \
                     (Encoding gzip)"
                ))),
                Node::File { size, reader, .. } => {
                    let key = Path::parse(format!("{prefix}{path}"));
                    let key = key.map_err(|e| Trouble::Result(e.to_string()))?;
                    let bytes = counted(path, size, reader.read(0, size));
                    let bytes = bytes.map_err(std::io::Error::other).boxed();
                    upload(store, &key, bytes, deadline).await.map(|_| ())
                }
            }
        });
        entries.await
    }

    /// Where a job's result may go.
    ///
    /// # Errors
    /// `PublishFailed`: not there.
    pub(super) fn target(&self, to: &S3Target) -> Result<Target, Failure> {
        if !self.config.buckets.contains(&to.bucket) {
            return Err(failed(format!("this node may not publish into the bucket {}", to.bucket))
                .with_hint("have the operator name it in publishers.s3.buckets"));
        }
        let target = self.account.target(to.endpoint.as_deref(), to.region.as_deref());
        let target = target.map_err(failed)?;
        if !target.is_own {
            let named = to.endpoint.as_deref().unwrap_or_default();
            return Err(failed(format!("this node does not publish to the server {named}"))
                .with_hint(
                    "leave Endpoint out, or have the operator name it in publishers.s3.endpoint",
                ));
        }
        Ok(target)
    }

    fn store(&self, bucket: &str, target: &Target) -> Result<AmazonS3, String> {
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: RETRY_MAX,
        };
        let url = target.server.bucket(bucket);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&target.region)
            // The bucket is in it: where, the URL says.
            .with_endpoint(url.as_str().trim_end_matches('/'))
            .with_virtual_hosted_style_request(true)
            .with_retry(retry)
            .with_http_connector(OwnClient(self.client.clone()));
        if let Some(credentials) = self.account.credentials() {
            builder = builder.with_credentials(credentials.clone());
        }
        builder.build().map_err(|e| e.to_string())
    }

    /// A link to an archive, for whoever has no key; none where there can be none.
    pub(super) async fn signed(&self, place: &Place) -> Option<Place> {
        let param = |key: &str| place.params.get(key).filter(|text| !text.is_empty());
        let (bucket, key) = (param("Bucket")?, param("Key")?);
        if place.kind != "s3" || !key.ends_with(ARCHIVE) || !self.config.buckets.contains(bucket) {
            return None;
        }
        let (endpoint, region) = (param("Endpoint"), param("Region"));
        let target = self.account.target(endpoint.map(String::as_str), region.map(String::as_str));
        let target = target.ok().filter(|target| target.is_own)?;
        let path = Path::parse(key).ok()?;
        let expires = Duration::from_millis(self.config.presign_ms).min(PRESIGN_MAX);
        let store = self.store(bucket, &target).ok()?;
        let url = match store.signed_url(Method::GET, &path, expires).await {
            Ok(url) => url,
            Err(error) => {
                tracing::warn!(%error, bucket, "no link to a result could be signed");
                return None;
            }
        };
        let mut params = place.params.clone();
        params.insert("PreSignedURL".to_owned(), url.into());
        params.insert("Managed".to_owned(), "false".to_owned());
        Some(Place { kind: "s3PreSigned".to_owned(), params })
    }
}

/// A result as Bacalhau's `s3` names it.
fn place(to: &S3Target, target: &Target, key: &str) -> Place {
    let endpoint = match to.endpoint.as_deref() {
        Some(endpoint) => endpoint,
        None if target.is_amazon() => "",
        None => target.server.url().as_str().trim_end_matches('/'),
    };
    let params = [
        ("Bucket", to.bucket.as_str()),
        ("Key", key),
        ("Endpoint", endpoint),
        ("Region", target.region.as_str()),
    ];
    let params: BTreeMap<_, _> =
        params.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Place { kind: "s3".to_owned(), params }
}

fn of_content(error: ContentError) -> Trouble {
    Trouble::Result(error.to_string())
}

fn told(to: &S3Target, trouble: Trouble) -> Failure {
    let bucket = &to.bucket;
    match trouble {
        Trouble::Result(why) => failed(format!("the result could not be published: {why}")),
        Trouble::TooLong => failed(format!("publishing into the bucket {bucket} took too long"))
            .with_hint("publish less, or have the operator raise publishers.s3.total_ms"),
        Trouble::Server(why, hint) => {
            let failure = failed(format!("publishing into the bucket {bucket} failed: {why}"));
            match hint {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        }
    }
}
