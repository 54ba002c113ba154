//! An archive that this node serves at its API, for as long as it keeps the result. Nothing is
//! written for it: the archive is made as it is read, and its URL says what it is.

use std::net::SocketAddr;

use gadus_model::{Failure, Place};
use gadus_ports::{Content as _, Publication, archive_path};
use url::Url;

use super::{LocalConfig, failed};
use crate::EmbeddedContent;

/// Serves archives.
pub(super) struct Local {
    content: EmbeddedContent,
    /// What is before the path, without a slash at its end.
    base: String,
}

impl Local {
    /// None where it is switched off, and where nobody could know where to look.
    ///
    /// # Errors
    /// For an address that is no URL.
    pub(super) fn new(
        content: EmbeddedContent,
        config: &LocalConfig,
        api: SocketAddr,
    ) -> Result<Option<Self>, String> {
        if !config.enabled {
            return Ok(None);
        }
        let base = match config.address.as_str() {
            "" if api.ip().is_unspecified() => {
                tracing::info!(
                    "the publisher local is not offered: the API listens on every address, and \
                     publishers.local.address does not say which of them clients can reach"
                );
                return Ok(None);
            }
            "" => format!("http://{api}"),
            address => base(address)?,
        };
        Ok(Some(Self { content, base }))
    }

    pub(super) fn publish(&self, publication: &Publication) -> Result<Place, Failure> {
        let Publication { result, execution, .. } = publication;
        if !self.content.has(result) {
            return Err(failed(format!("the result {result} is not here")));
        }
        let url = format!("{}{}", self.base, archive_path(result, execution));
        let params = [("URL".to_owned(), url)].into();
        Ok(Place { kind: "urlDownload".to_owned(), params })
    }
}

/// `host:port` or a URL.
fn base(address: &str) -> Result<String, String> {
    let text = match address.contains("://") {
        true => address.to_owned(),
        false => format!("http://{address}"),
    };
    let wrong = |why: &str| format!("publishers.local.address: '{address}' {why}");
    let url: Url = text.parse().map_err(|e| wrong(&format!("is no address: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("is neither an http nor an https URL"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::s3::tests::{content, publication};

    #[tokio::test]
    async fn a_result_is_where_the_api_is_or_where_the_operator_says() {
        let (_dir, content, result) = content(&[("stdout", b"hello")]).await;
        let publication = publication(result, gadus_model::PublisherSpec::Local);
        let path = archive_path(&result, &publication.execution);
        let local = |address: &str, api: &str| {
            let config = LocalConfig { enabled: true, address: address.to_owned() };
            Local::new(content.clone(), &config, api.parse().unwrap())
        };
        for (address, api, base) in [
            ("", "127.0.0.1:1234", "http://127.0.0.1:1234"),
            ("", "[::1]:1234", "http://[::1]:1234"),
            ("node.example.org:80", "0.0.0.0:1234", "http://node.example.org:80"),
            ("https://example.org/gadus/", "0.0.0.0:1", "https://example.org/gadus"),
        ] {
            let local = local(address, api).unwrap().unwrap();
            let place = local.publish(&publication).unwrap();
            assert_eq!(place.kind, "urlDownload");
            assert_eq!(place.params["URL"], format!("{base}{path}"));
        }
        assert!(local("", "0.0.0.0:1234").unwrap().is_none(), "nobody could reach that");
        assert!(local("", "[::]:1234").unwrap().is_none());
        let error = local("ftp://x", "127.0.0.1:1").err().unwrap();
        assert!(error.contains("publishers.local.address"), "{error}");
        let other = Publication { result: crate::raw_cid(b"other"), ..publication };
        let error = local("", "127.0.0.1:1").unwrap().unwrap().publish(&other).unwrap_err();
        assert!(error.message.contains("is not here"), "{}", error.message);
    }
}
