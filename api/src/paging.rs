//! Tokens of pages: base64url without padding of `SortBy:Y|N:Limit:Offset`, as Bacalhau has them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::query::QueryString;
use crate::service::ServiceError;

/// Where the next page begins, and how the list was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageToken {
    /// `created_at` or `modified_at`; empty for a history.
    pub sort_by: String,
    /// The other way round.
    pub reverse: bool,
    /// Items of a page; 0 when none was asked for.
    pub limit: u32,
    /// Items to skip.
    pub offset: u32,
}

impl PageToken {
    /// The page that a request asks for: what its token says, else the first one, as its other
    /// parameters have it.
    ///
    /// # Errors
    /// `BadRequest` for a token or a parameter that makes no sense.
    pub(crate) fn asked(query: &QueryString) -> Result<Self, ServiceError> {
        match query.text("next_token") {
            "" => Ok(Self {
                sort_by: query.text("order_by").to_owned(),
                reverse: query.flag("reverse")?,
                limit: limit(query)?,
                offset: 0,
            }),
            token => Self::decode(token),
        }
    }

    /// The text of the token for the page that begins at an item; empty where there is none.
    pub(crate) fn next(self, begin: Option<usize>) -> String {
        let offset = begin.and_then(|begin| u32::try_from(begin).ok());
        offset.map(|offset| Self { offset, ..self }.encode()).unwrap_or_default()
    }

    /// The token's text.
    #[must_use]
    pub fn encode(&self) -> String {
        let Self { sort_by, reverse, limit, offset } = self;
        let reverse = if *reverse { "Y" } else { "N" };
        URL_SAFE_NO_PAD.encode(format!("{sort_by}:{reverse}:{limit}:{offset}"))
    }

    /// Reads a token.
    ///
    /// # Errors
    /// `BadRequest` for anything but a token.
    pub fn decode(text: &str) -> Result<Self, ServiceError> {
        let bad = |why: &str| {
            ServiceError::bad_request(format!("{why}: invalid paging token: {text}"))
                .with_hint("use the NextToken of the page before, as it is")
        };
        let bytes =
            URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("failed to decode paging token"))?;
        let raw = String::from_utf8(bytes).map_err(|_| bad("malformed token"))?;
        let parts: Vec<&str> = raw.split(':').collect();
        let [sort_by, reverse, limit, offset] = parts[..] else {
            return Err(bad("invalid number of parts"));
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| bad("malformed token"));
        Ok(Self {
            sort_by: sort_by.to_owned(),
            reverse: reverse == "Y",
            limit: number(limit)?,
            offset: number(offset)?,
        })
    }
}

/// Items of a page, as a request asks for them; 0 when it does not.
pub(crate) fn limit(query: &QueryString) -> Result<u32, ServiceError> {
    Ok(u32::try_from(query.number("limit")?).unwrap_or(u32::MAX))
}

/// Items of a page: as many as are asked for, and at most `max`.
pub(crate) fn page_len(asked: u32, max: usize) -> usize {
    if asked == 0 { max } else { max.min(asked as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_bacalhaus() {
        let jobs = PageToken { sort_by: "created_at".into(), reverse: false, limit: 5, offset: 5 };
        assert_eq!(jobs.encode(), "Y3JlYXRlZF9hdDpOOjU6NQ");
        let history = PageToken { limit: 10, offset: 7, ..PageToken::default() };
        assert_eq!(history.encode(), "Ok46MTA6Nw");
        for token in [jobs, history] {
            assert_eq!(PageToken::decode(&token.encode()), Ok(token));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let raw = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let bad = [
            "***".to_owned(),
            raw("a:N:5"),
            raw("a:N:5:5:5"),
            raw(":N:-1:0"),
            raw(":N:0:99999999999"),
            URL_SAFE_NO_PAD.encode([0xff, b':', b':', b':']),
        ];
        for text in bad {
            let error = PageToken::decode(&text).unwrap_err();
            assert!(error.message.contains("paging token"), "{}", error.message);
        }
    }
}
