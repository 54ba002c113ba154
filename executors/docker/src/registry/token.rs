//! What a registry says it takes to be answered, and the token for it.

use http_auth::parse_challenges;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use super::place::{Place, is_local, is_secure};

/// Where to get a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// The one for a token among those of an answer. `None` where only a password would do.
    pub(super) fn find(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok());
        texts.filter_map(|text| parse_challenges(text).ok()).flatten().find_map(|challenge| {
            let param = |wanted: &str| {
                let params = challenge.params.iter();
                let mut found = params.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
                found.next().map(|(_, value)| value.to_unescaped())
            };
            let bearer = challenge.scheme.eq_ignore_ascii_case("bearer");
            let realm = param("realm").filter(|_| bearer)?;
            Some(Self { realm, service: param("service"), scope: param("scope") })
        })
    }

    /// The address of a token that lets anybody pull an image.
    ///
    /// # Errors
    /// Why we do not go there.
    pub(super) fn token_url(&self, place: &Place) -> Result<Url, String> {
        let shown = self.realm.escape_debug();
        let mut url = Url::parse(&self.realm)
            .map_err(|e| format!("it sends us for a token to '{shown}': {e}"))?;
        if !(is_secure(&url) || (is_local(&url) && is_local(&place.manifest))) {
            return Err(format!("it sends us for a token to '{shown}', which is not encrypted"));
        }
        let scope = self.scope.clone().unwrap_or_else(|| format!("repository:{}:pull", place.path));
        if let Some(service) = &self.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        url.query_pairs_mut().append_pair("scope", &scope);
        Ok(url)
    }
}

/// The token in an answer, fit for a header.
pub(super) fn of(body: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    // One name is docker's, the other OAuth's; servers give either, or both.
    let token = ["token", "access_token"].iter().find_map(|name| answer.get(name)?.as_str())?;
    let fit = !token.is_empty() && HeaderValue::from_str(token).is_ok();
    fit.then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(texts: &[&'static str]) -> Option<Challenge> {
        let values = texts.iter().map(|text| (WWW_AUTHENTICATE, HeaderValue::from_static(text)));
        let mut headers = HeaderMap::new();
        values.for_each(|(name, value)| _ = headers.append(name, value));
        Challenge::find(&headers)
    }

    fn url(challenge: &Challenge) -> Result<String, String> {
        let place = Place::of("docker.io/library/busybox", "latest").unwrap();
        challenge.token_url(&place).map(|url| url.to_string())
    }

    #[test]
    fn the_hubs_challenge_leads_to_its_token() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull""#;
        let expected = "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fbusybox%3Apull";
        assert_eq!(url(&find(&[hub]).unwrap()).unwrap(), expected);
        let short = find(&["Basic realm=\"x\"", r#"bearer realm="https://a.b/t?x=1""#]).unwrap();
        let expected = "https://a.b/t?x=1&scope=repository%3Alibrary%2Fbusybox%3Apull";
        assert_eq!(url(&short).unwrap(), expected);
    }

    #[test]
    fn no_token_without_a_realm() {
        for text in ["Basic realm=\"x\"", "Bearer service=\"x\"", "Bearer", "\"", ""] {
            assert_eq!(find(&[text]), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_only_fetched_where_nobody_listens() {
        for realm in ["http://a.b/t", "http://127.0.0.1/t", "file:///etc/passwd", "/token", ""] {
            let challenge = Challenge { realm: realm.into(), service: None, scope: None };
            assert!(url(&challenge).is_err(), "{realm}");
        }
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        assert_eq!(of(br#"{"token":"a.b-c"}"#).as_deref(), Some("a.b-c"));
        assert_eq!(of(br#"{"access_token":"x","expires_in":300}"#).as_deref(), Some("x"));
        for bad in
            ["", "[]", "{}", "\"x\"", r#"{"token":7}"#, r#"{"token":""}"#, r#"{"token":"a\nb"}"#]
        {
            assert_eq!(of(bad.as_bytes()), None, "{bad}");
        }
    }
}
