//! What the operator says of a server of buckets.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A server of buckets, and who we are there. What is empty is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3Config {
    /// Its URL. Empty: Amazon's.
    pub endpoint: String,
    /// The region of buckets for which none is named.
    pub region: String,
    /// The name of the key that requests are signed with. Empty: they are anonymous.
    pub access_key_id: String,
    /// That key.
    pub secret_access_key: Secret,
    /// What goes with a key that was lent for a while.
    pub session_token: Secret,
    /// Take the key that Amazon's machine lends to those who run on it. Asked for by this alone:
    /// elsewhere nobody answers, and that takes long.
    pub instance_credentials: bool,
    /// Whether the endpoint may be one without TLS.
    pub allow_http: bool,
    /// Whether its buckets are names of hosts below it, and not paths.
    pub virtual_hosts: bool,
}

/// A text that is shown to nobody.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "hidden" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_to_nobody() {
        let config = S3Config { secret_access_key: "hush".into(), ..S3Config::default() };
        let shown = format!("{config:?}");
        assert!(shown.contains("hidden") && !shown.contains("hush"), "{shown}");
    }
}
