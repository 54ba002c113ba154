//! Requests to servers of buckets. The operator's server gets the node's signature. Any other is a
//! stranger's word: it is asked anonymously, and only where its address may be dialled.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use gadus_ports::{S3Origin, SourceError};
use reqwest::header::ACCEPT_ENCODING;
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::list::{self, PAGE_BYTES_MAX, Page};
use crate::s3::S3Config;
use crate::s3::account::{Account, Target};
use crate::s3::fault::{self, Fault};
use crate::source::SourceConfig;
use crate::source::download::{Download, Expected, checked, gathered};
use crate::source::guard::Guard;
use crate::source::http::client;

/// How often a server is asked that says it cannot right now.
const TRIES: u32 = 4;
/// The wait before the second time; doubled for each further one.
const PAUSE: Duration = Duration::from_millis(200);

/// Who asks.
#[derive(Clone)]
pub(super) struct Ask {
    account: Account,
    /// Dials whatever the operator has named.
    own: Client,
    /// Dials what is public or allowed.
    guarded: Client,
    guard: Guard,
}

/// Which bucket of which server is asked, for which download.
#[derive(Clone)]
pub(super) struct From {
    target: Target,
    bucket: String,
    pub(super) download: Download,
}

impl From {
    pub(super) fn object(&self, key: &str, query: &[(&str, &str)]) -> Result<Url, SourceError> {
        let url = self.target.server.object(&self.bucket, key, query);
        url.map_err(|why| self.download.wrong(why))
    }
}

impl Ask {
    pub(super) fn new(config: &SourceConfig, account: &S3Config) -> Result<Self, String> {
        let guard = Guard::new(&config.allow_networks);
        let connect = Duration::from_millis(config.connect_ms);
        let plain = || client().connect_timeout(connect);
        let own = plain().build().map_err(|e| e.to_string())?;
        let guarded = plain().dns_resolver(guard.clone()).build().map_err(|e| e.to_string())?;
        let account = Account::new("s3", account, &own)?;
        Ok(Self { account, own, guarded, guard })
    }

    /// The server that an origin means.
    ///
    /// # Errors
    /// For what is none, and for one that may not be dialled.
    pub(super) fn from(&self, origin: &S3Origin, download: &Download) -> Result<From, SourceError> {
        let (endpoint, region) = (origin.endpoint.as_deref(), origin.region.as_deref());
        let target = self.account.target(endpoint, region).map_err(|why| download.wrong(why))?;
        if !target.is_own {
            let url = target.server.url();
            self.guard.check(url).map_err(|why| download.refused(url, why))?;
        }
        Ok(From { target, bucket: origin.bucket.clone(), download: download.clone() })
    }

    /// The answer to a request, if it is one; a server that is busy is asked again.
    pub(super) async fn get(&self, from: &From, url: &Url) -> Result<Response, SourceError> {
        let mut tries = 1;
        loop {
            let (error, is_passing) = match self.try_get(from, url).await? {
                Ok(response) => return Ok(response),
                Err(fault) => (self.told(from, &fault), fault.is_passing()),
            };
            if !is_passing || tries == TRIES {
                return Err(error);
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
            tries += 1;
        }
    }

    async fn try_get(
        &self,
        from: &From,
        url: &Url,
    ) -> Result<Result<Response, Fault>, SourceError> {
        let From { target, download, .. } = from;
        let signature = self.account.sign(url, target).await.map_err(|why| {
            download.unreachable(format!("there is no key to sign requests with: {why}"))
        })?;
        let client = if target.is_own { &self.own } else { &self.guarded };
        let request =
            client.get(url.clone()).headers(signature).header(ACCEPT_ENCODING, "identity");
        let response = download.send(url, request).await?;
        if response.status() == StatusCode::OK {
            return Ok(Ok(response));
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = gathered(response, download, fault::BYTES_MAX).await.unwrap_or_default();
        Ok(Err(Fault::new(status, &headers, &body)))
    }

    fn told(&self, from: &From, fault: &Fault) -> SourceError {
        let download = &from.download;
        if fault.is_passing() {
            return download.unreachable(fault.why());
        }
        if !fault.is_denied() {
            return download.wrong(fault.why());
        }
        let hint = if !from.target.is_own {
            "the node's key is shown to the operator's own server alone (s3.endpoint): any other is \
             asked without; have the operator set that, or fetch it yourself and use `gadus add`"
        } else if self.account.has_credentials() {
            "the node's key may not read it: see that it is spelled right, and have the operator \
             see to the section [s3]"
        } else {
            "the node has no key for it: have the operator set s3.access_key_id and \
             s3.secret_access_key"
        };
        SourceError::Refused {
            origin: download.origin.clone(),
            why: format!("access is denied ({})", fault.why()),
            hint: hint.to_owned(),
        }
    }

    /// A page of the list of all objects below a prefix.
    pub(super) async fn page(
        &self,
        from: &From,
        prefix: &str,
        token: Option<&str>,
    ) -> Result<Page, SourceError> {
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)];
        query.extend(token.map(|token| ("continuation-token", token)));
        let url = from.target.server.ask(&from.bucket, &query);
        let response = self.get(from, &url).await?;
        let body = gathered(response, &from.download, PAGE_BYTES_MAX).await?;
        list::parse(&body).map_err(|why| from.download.wrong(why))
    }

    /// An object's bytes; it is asked for when they are read.
    pub(super) fn body(
        &self,
        from: From,
        key: String,
        bytes: u64,
    ) -> impl Stream<Item = Result<Bytes, SourceError>> + Send + use<> {
        let ask = self.clone();
        let open = async move {
            let url = from.object(&key, &[])?;
            let response = ask.get(&from, &url).await?;
            let download = from.download.of_part(&key);
            let expected = Expected { sha256: None, bytes: Some(bytes) };
            Ok(checked(response, &download, expected))
        };
        stream::once(open).try_flatten()
    }
}
