//! Query strings as Bacalhau's server reads them: names in any case, unknown names ignored, empty
//! values as good as none, Go's spellings of true and false.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;

use crate::service::ServiceError;

/// Pairs of a query, names lower-case.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryString(Vec<(String, String)>);

impl QueryString {
    pub(crate) fn parse(raw: &str) -> Self {
        let pairs = pairs(raw).into_iter().map(|(name, value)| (name.to_lowercase(), value));
        Self(pairs.collect())
    }

    /// Whether a name is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// The first value of a name; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// Every value of a name that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A number; 0 when it is not there or empty.
    pub(crate) fn number(&self, name: &str) -> Result<u64, ServiceError> {
        Ok(self.number_if_any(name)?.unwrap_or_default())
    }

    /// A number; none when it is not there or empty.
    pub(crate) fn number_if_any<T: FromStr>(&self, name: &str) -> Result<Option<T>, ServiceError> {
        match self.text(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ServiceError::bad_request(format!("'{name}' must be a whole number, not '{text}'"))
            }),
        }
    }

    /// A truth value in Go's spellings; false when it is not there or empty.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ServiceError> {
        match self.text(name) {
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            text => Err(ServiceError::bad_request(format!(
                "'{name}' must be true or false, not '{text}'"
            ))),
        }
    }
}

/// The pairs of a query, as they were written.
pub(crate) fn pairs(raw: &str) -> Vec<(String, String)> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    pairs.collect()
}

/// How long a request asks to wait, in milliseconds; 0 where it does not say, or says nonsense.
pub(crate) fn wait_ms(uri: &Uri) -> u64 {
    let query = QueryString::parse(uri.query().unwrap_or_default());
    query.number("wait_ms").unwrap_or_default()
}

/// Undoes form encoding; what is broken stays as it is.
fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    match crate::convert::percent_decode(&spaced) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => spaced,
    }
}

impl<S: Sync> FromRequestParts<S> for QueryString {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_tolerated() {
        let query =
            QueryString::parse("Limit=5&reverse=False&next_token=&labels=a%3Db&x&labels=c+d");
        assert_eq!(query.number("limit"), Ok(5));
        assert_eq!(query.number("missing"), Ok(0));
        assert_eq!(query.number("next_token"), Ok(0));
        assert_eq!(query.flag("reverse"), Ok(false));
        assert_eq!(query.all("labels").collect::<Vec<_>>(), ["a=b", "c d"]);
        assert!(query.has("x") && !query.has("y"));
        assert_eq!(QueryString::parse("a=%zz&b=%ff").text("a"), "%zz");
    }

    #[test]
    fn bad_numbers_and_flags_are_refused() {
        let query = QueryString::parse("limit=five&reverse=maybe&n=-1");
        assert!(query.number("limit").is_err() && query.number("n").is_err());
        assert!(query.flag("reverse").is_err());
        assert_eq!(QueryString::parse("r=True").flag("r"), Ok(true));
    }
}
