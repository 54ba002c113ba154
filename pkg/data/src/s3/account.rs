//! A server that the operator has named, and the credentials that are for it alone. Whoever
//! submits a job may name another server: that one is asked anonymously, and never signed for.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential, AwsCredentialProvider};
use object_store::client::HttpRequestBody;
use object_store::{BackoffConfig, RetryConfig, StaticCredentialProvider};
use reqwest::Client;
use url::Url;

use super::S3Config;
use super::place::{REGION_DEFAULT, Server, check_region};
use super::wire::OwnClient;

/// How long asking the machine for its key may take in all.
const LENDING_MAX: Duration = Duration::from_secs(5);

/// A server of the operator's choice.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// None: Amazon's of the region.
    server: Option<Server>,
    region: String,
    credentials: Option<AwsCredentialProvider>,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) region: String,
    /// Whether it is a server that the operator has named. No other is shown credentials.
    pub(crate) is_own: bool,
}

impl Target {
    /// Whether it is Amazon's, which needs no name.
    pub(crate) fn is_amazon(&self) -> bool {
        Server::amazon(&self.region).is_ok_and(|amazon| amazon == self.server)
    }
}

impl Account {
    /// The account of a section of the config.
    ///
    /// # Errors
    /// For what does not fit, with the section's keys in it.
    pub(crate) fn new(section: &str, config: &S3Config, client: &Client) -> Result<Self, String> {
        let region = Some(config.region.clone()).filter(|region| !region.is_empty());
        let region = region.unwrap_or_else(|| REGION_DEFAULT.to_owned());
        check_region(&region).map_err(|why| format!("{section}.region: {why}"))?;
        let server = match config.endpoint.as_str() {
            "" => None,
            url => {
                let server = Server::named(url, config.virtual_hosts)
                    .map_err(|why| format!("{section}.endpoint: {why}"))?;
                if server.url().scheme() == "http" && !config.allow_http {
                    return Err(format!(
                        "{section}.endpoint: '{url}' has no TLS; {section}.allow_http = true \
                         allows that"
                    ));
                }
                Some(server)
            }
        };
        let credentials = credentials(section, config, &region, client)?;
        Ok(Self { server, region, credentials })
    }

    /// Where a request goes for whom no more than this is known.
    ///
    /// # Errors
    /// For what is no region or no URL.
    pub(crate) fn target(
        &self,
        endpoint: Option<&str>,
        region: Option<&str>,
    ) -> Result<Target, String> {
        let region = region.unwrap_or(&self.region);
        check_region(region)?;
        let region = region.to_owned();
        let own = match &self.server {
            Some(server) => server.clone(),
            None => Server::amazon(&region)?,
        };
        let named = endpoint.map(|endpoint| Server::named(endpoint, false)).transpose()?;
        Ok(match named.filter(|named| !own.is(named)) {
            Some(server) => Target { server, region, is_own: false },
            None => Target { server: own, region, is_own: true },
        })
    }

    /// Whether requests to the operator's server are signed.
    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    pub(crate) fn credentials(&self) -> Option<&AwsCredentialProvider> {
        self.credentials.as_ref()
    }

    /// What goes with a request of a URL: its signature, for a server of the operator's alone.
    ///
    /// # Errors
    /// Why there are no credentials.
    pub(crate) async fn sign(&self, url: &Url, target: &Target) -> Result<HeaderMap, String> {
        let Some(credentials) = self.credentials.as_ref().filter(|_| target.is_own) else {
            return Ok(HeaderMap::new());
        };
        let credential = credentials.get_credential().await.map_err(|e| e.to_string())?;
        let request = http::Request::get(url.as_str()).body(HttpRequestBody::empty());
        let mut request = request.map_err(|e| e.to_string())?;
        let authorizer = AwsAuthorizer::new(&credential, "s3", &target.region);
        authorizer.try_authorize(&mut request, None).map_err(|e| e.to_string())?;
        Ok(request.into_parts().0.headers)
    }
}

fn credentials(
    section: &str,
    config: &S3Config,
    region: &str,
    client: &Client,
) -> Result<Option<AwsCredentialProvider>, String> {
    let S3Config { access_key_id, secret_access_key, session_token, .. } = config;
    let (secret, token) = (secret_access_key.reveal(), session_token.reveal());
    match (access_key_id.as_str(), secret) {
        ("", "") => {}
        ("", _) | (_, "") => {
            return Err(format!(
                "{section}.access_key_id and {section}.secret_access_key go together"
            ));
        }
        (id, secret) => {
            let is_text = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
            if ![id, secret, token].into_iter().all(is_text) {
                return Err(format!("{section}: a key is no plain text without blanks"));
            }
            let token = Some(token.to_owned()).filter(|token| !token.is_empty());
            let credential =
                AwsCredential { key_id: id.to_owned(), secret_key: secret.to_owned(), token };
            return Ok(Some(Arc::new(StaticCredentialProvider::new(credential))));
        }
    }
    if !config.instance_credentials {
        return Ok(None);
    }
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 2,
        retry_timeout: LENDING_MAX,
    };
    // Its own bucket is never asked: it only knows how to ask the machine.
    let lender = AmazonS3Builder::new()
        .with_bucket_name("none")
        .with_region(region)
        .with_retry(retry)
        .with_http_connector(OwnClient(client.clone()))
        .build()
        .map_err(|e| format!("{section}: {e}"))?;
    Ok(Some(lender.credentials().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(config: S3Config) -> Result<Account, String> {
        Account::new("s3", &config, &crate::source::client().build().unwrap())
    }

    fn keyed(endpoint: &str) -> S3Config {
        S3Config {
            endpoint: endpoint.to_owned(),
            access_key_id: "AKID".to_owned(),
            secret_access_key: "hush".into(),
            session_token: "token".into(),
            ..S3Config::default()
        }
    }

    #[tokio::test]
    async fn nobody_but_the_operators_server_is_shown_credentials() {
        let own = account(keyed("https://s3.example.org")).unwrap();
        let amazon = account(keyed("")).unwrap();
        for (account, endpoint, is_signed) in [
            (&own, None, true),
            (&own, Some("https://S3.example.org:443/"), true),
            (&own, Some("http://s3.example.org"), false),
            (&own, Some("https://evil.org"), false),
            (&own, Some("https://s3.us-east-1.amazonaws.com"), false),
            (&own, Some("https://s3.example.org.evil.org"), false),
            (&amazon, None, true),
            (&amazon, Some("https://s3.us-east-1.amazonaws.com"), true),
            (&amazon, Some("http://s3.us-east-1.amazonaws.com"), false),
            (&amazon, Some("https://x.execute-api.us-east-1.amazonaws.com"), false),
        ] {
            let target = account.target(endpoint, None).unwrap();
            assert_eq!(target.is_own, is_signed, "{endpoint:?}");
            let url = target.server.object("data", "a b", &[]).unwrap();
            let headers = account.sign(&url, &target).await.unwrap();
            assert_eq!(headers.contains_key("authorization"), is_signed, "{endpoint:?}");
            assert_eq!(headers.contains_key("x-amz-security-token"), is_signed, "{endpoint:?}");
        }
        assert!(own.target(Some("https://s3.example.org@evil.org"), None).is_err());
    }

    #[tokio::test]
    async fn without_credentials_requests_are_anonymous() {
        let account = account(S3Config::default()).unwrap();
        let target = account.target(None, Some("eu-west-1")).unwrap();
        let url = target.server.object("data", "a", &[]).unwrap();
        assert!(account.sign(&url, &target).await.unwrap().is_empty());
        assert!(!account.has_credentials());
        assert_eq!(url.as_str(), "https://data.s3.eu-west-1.amazonaws.com/a");
        assert!(account.target(None, Some("evil.org/")).is_err());
    }

    #[test]
    fn what_does_not_fit_names_its_key() {
        let half = S3Config { access_key_id: "AKID".to_owned(), ..S3Config::default() };
        for (config, why) in [
            (half, "s3.secret_access_key go together"),
            (keyed("http://10.0.0.1:9000"), "s3.allow_http"),
            (keyed("nowhere"), "s3.endpoint: 'nowhere' is no URL"),
            (S3Config { region: "EU".to_owned(), ..S3Config::default() }, "s3.region"),
            (S3Config { access_key_id: "A\nB".to_owned(), ..keyed("") }, "no plain text"),
        ] {
            let error = account(config).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(account(S3Config { allow_http: true, ..keyed("http://10.0.0.1") }).is_ok());
    }
}
