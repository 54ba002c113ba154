//! What a server that refuses says, and what it means.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// Bytes of an answer that are looked at.
pub(crate) const BYTES_MAX: usize = 64 << 10;
const REGION: &str = "x-amz-bucket-region";

/// An answer that is no success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    /// Amazon's word for it; empty where the server has none.
    pub(crate) code: String,
    /// Where the bucket is, if it is elsewhere.
    pub(crate) region: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    code: String,
    region: Option<String>,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let told: Body = quick_xml::de::from_str(&text).unwrap_or_default();
        let region = headers.get(REGION).and_then(|value| value.to_str().ok());
        let code = told.code.chars().take(100).filter(char::is_ascii_alphanumeric).collect();
        let region = region.map(str::to_owned).or(told.region);
        let region = region.filter(|region| super::place::check_region(region).is_ok());
        Self { status: status.as_u16(), code, region }
    }

    /// Whether it may be gone in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
            || matches!(self.code.as_str(), "SlowDown" | "InternalError" | "RequestTimeout")
    }

    /// Whether we may not.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// What is wrong, after "cannot be had: ".
    pub(crate) fn why(&self) -> String {
        let status = self.status;
        let code = match self.code.as_str() {
            "" => String::new(),
            code => format!(" {code}"),
        };
        match (self.code.as_str(), &self.region) {
            ("NoSuchBucket", _) => "there is no such bucket".to_owned(),
            ("NoSuchKey", _) => "the bucket has no such object".to_owned(),
            ("NoSuchVersion", _) => "the object has no such version".to_owned(),
            (
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect",
                Some(r),
            ) => {
                format!("the bucket is in the region {r}: name that one")
            }
            _ if (300..400).contains(&status) => {
                let region = self.region.as_deref();
                region.map_or_else(
                    || format!("the server sends us elsewhere ({status}{code})"),
                    |region| format!("the bucket is in the region {region}: name that one"),
                )
            }
            _ => format!("the server says {status}{code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, body: &str) -> Fault {
        Fault::new(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn faults_are_put_into_words() {
        let body = |code: &str, more: &str| {
            format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>{more}</Error>")
        };
        let region = "<Region>eu-west-1</Region><Message>x</Message>";
        for (status, body, why) in [
            (404, body("NoSuchKey", ""), "the bucket has no such object"),
            (404, body("NoSuchBucket", ""), "there is no such bucket"),
            (301, body("PermanentRedirect", region), "in the region eu-west-1"),
            (400, body("AuthorizationHeaderMalformed", region), "in the region eu-west-1"),
            (301, body("PermanentRedirect", "<Region>evil\norg</Region>"), "elsewhere (301"),
            (418, "<html>".to_owned(), "the server says 418"),
            (503, body("SlowDown", ""), "the server says 503 SlowDown"),
        ] {
            let fault = fault(status, &body);
            assert!(fault.why().contains(why), "{body}: {}", fault.why());
        }
        assert!(fault(503, "").is_passing() && !fault(404, "").is_passing());
        assert!(fault(403, "").is_denied());
    }
}
