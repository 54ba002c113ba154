//! Buckets and keys as URLs. All of it comes from strangers: a bucket or a region that could make
//! another host of a URL, and keys that a URL cannot hold, are refused.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Bytes of a key: what Amazon takes.
const KEY_BYTES_MAX: usize = 1_024;
/// The region that has no name in old URLs.
pub(crate) const REGION_DEFAULT: &str = "us-east-1";

/// What stays as it is in a URL that is signed.
const IN_QUERY: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const IN_PATH: AsciiSet = IN_QUERY.remove(b'/');

/// A server of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    url: Url,
    /// Buckets are names of hosts below it.
    virtual_hosts: bool,
}

impl Server {
    /// Amazon's own, of a region.
    ///
    /// # Errors
    /// For what is no name of a region.
    pub(crate) fn amazon(region: &str) -> Result<Self, String> {
        check_region(region)?;
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = format!("https://s3.{region}.amazonaws.com{china}");
        let url = url.parse().map_err(|_| format!("'{region}' is no region"))?;
        Ok(Self { url, virtual_hosts: true })
    }

    /// One by its URL.
    ///
    /// # Errors
    /// For what is no URL of a server.
    pub(crate) fn named(endpoint: &str, virtual_hosts: bool) -> Result<Self, String> {
        let url: Url = endpoint.parse().map_err(|e| format!("'{endpoint}' is no URL: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("'{endpoint}' is neither an http nor an https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a server's URL has no user and no password in it".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("'{endpoint}' has more to it than a server and a path"));
        }
        Ok(Self { url, virtual_hosts })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether both are the same server, however its buckets are named.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let place = |url: &Url| (url.origin(), url.path().trim_end_matches('/').to_owned());
        place(&self.url) == place(&other.url)
    }

    /// A bucket.
    pub(crate) fn bucket(&self, bucket: &str) -> Url {
        let mut url = self.url.clone();
        let host = url.host_str().map(|host| format!("{bucket}.{host}")).unwrap_or_default();
        let is_name = self.virtual_hosts && is_host_label(bucket);
        if !(is_name && url.set_host(Some(&host)).is_ok()) {
            let base = url.path().trim_end_matches('/');
            let path = format!("{base}/{bucket}");
            url.set_path(&path);
        }
        url
    }

    /// An object of a bucket, or what is asked of it.
    ///
    /// # Errors
    /// For keys that no URL can hold.
    pub(crate) fn object(
        &self,
        bucket: &str,
        key: &str,
        query: &[(&str, &str)],
    ) -> Result<Url, String> {
        check_key(key)?;
        let mut url = self.bucket(bucket);
        let base = url.path().trim_end_matches('/');
        let path = format!("{base}/{}", utf8_percent_encode(key, &IN_PATH));
        url.set_path(&path);
        set_query(&mut url, query);
        Ok(url)
    }

    /// What is asked of a bucket.
    pub(crate) fn ask(&self, bucket: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.bucket(bucket);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        set_query(&mut url, query);
        url
    }
}

/// Sorted, and encoded as a signature wants it.
fn set_query(url: &mut Url, query: &[(&str, &str)]) {
    let mut query: Vec<_> = query.to_vec();
    query.sort_unstable();
    let encoded = |text: &str| utf8_percent_encode(text, &IN_QUERY).to_string();
    let pairs = query.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value)));
    let text = pairs.collect::<Vec<_>>().join("&");
    url.set_query(Some(text.as_str()).filter(|text| !text.is_empty()));
}

/// Refuses what is no name of a bucket.
///
/// # Errors
/// Why.
pub(crate) fn check_bucket(bucket: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let starts_well = bucket.starts_with(|first: char| first.is_ascii_alphanumeric());
    let dots = bucket.contains("..");
    if (3..=255).contains(&bucket.len()) && bucket.bytes().all(is_plain) && starts_well && !dots {
        return Ok(());
    }
    Err(format!("'{}' is no name of a bucket", bucket.escape_debug()))
}

/// Refuses what is no name of a region.
///
/// # Errors
/// Why.
pub(crate) fn check_region(region: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&region.len()) && region.bytes().all(is_plain) {
        return Ok(());
    }
    Err(format!("'{}' is no region", region.escape_debug()))
}

/// Refuses keys that a URL would make another key of.
///
/// # Errors
/// Why.
pub(crate) fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(format!("a key has 1 to {KEY_BYTES_MAX} bytes"));
    }
    if key.split('/').any(|name| matches!(name, "." | "..")) {
        return Err(format!("the key '{}' has . or .. in it", key.escape_debug()));
    }
    Ok(())
}

/// Whether a certificate for all hosts below one holds for this one too.
fn is_host_label(bucket: &str) -> bool {
    bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && bucket.len() <= 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_urls() {
        let amazon = Server::amazon("eu-west-1").unwrap();
        let local = Server::named("http://127.0.0.1:9000/base/", false).unwrap();
        for (server, bucket, key, url) in [
            (&amazon, "data", "a/b c", "https://data.s3.eu-west-1.amazonaws.com/a/b%20c"),
            (&amazon, "my.data", "a", "https://s3.eu-west-1.amazonaws.com/my.data/a"),
            (&amazon, "Old_one", "a", "https://s3.eu-west-1.amazonaws.com/Old_one/a"),
            (&local, "data", "a?b#c%d+e", "http://127.0.0.1:9000/base/data/a%3Fb%23c%25d%2Be"),
            (&local, "data", "/a//é", "http://127.0.0.1:9000/base/data//a//%C3%A9"),
        ] {
            assert_eq!(server.object(bucket, key, &[]).unwrap().as_str(), url);
        }
        let list = local.ask("data", &[("prefix", "a/&="), ("list-type", "2")]);
        assert_eq!(list.as_str(), "http://127.0.0.1:9000/base/data/?list-type=2&prefix=a%2F%26%3D");
        let china = Server::amazon("cn-north-1").unwrap();
        assert_eq!(china.bucket("data").as_str(), "https://data.s3.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for bucket in ["", "ab", "a/b", "x@evil.org", "evil.org#", "a..b", "-ab", ".ab", "a\0bc"] {
            assert!(check_bucket(bucket).is_err(), "{bucket}");
        }
        for region in ["", "evil.org/", "eu west", "EU", "a@b", "x#"] {
            assert!(Server::amazon(region).is_err(), "{region}");
        }
        for key in ["", "..", "a/../b", "./a", "a/.", &"z".repeat(1_025)] {
            assert!(check_key(key).is_err(), "{key}");
        }
        for endpoint in ["", "host", "ftp://x", "http://x?y=z", "http://x#y", "http://a@x"] {
            assert!(Server::named(endpoint, false).is_err(), "{endpoint}");
        }
    }

    #[test]
    fn a_server_is_known_in_every_spelling() {
        let server = |url: &str| Server::named(url, false).unwrap();
        let own = server("https://s3.example.org");
        for same in ["https://s3.example.org/", "https://S3.example.org:443"] {
            assert!(own.is(&server(same)), "{same}");
        }
        for other in
            ["http://s3.example.org", "https://s3.example.org:444", "https://s3.example.org/x"]
        {
            assert!(!own.is(&server(other)), "{other}");
        }
    }
}
