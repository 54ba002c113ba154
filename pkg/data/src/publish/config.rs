//! Where results may go, and what bringing them there may cost.

use serde::{Deserialize, Serialize};

use crate::{S3Config, Secret};

/// Where results may go besides the stores of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    /// Archives that this node serves.
    pub local: LocalConfig,
    /// Buckets.
    pub s3: BucketsConfig,
}

/// Archives that this node serves at its API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalConfig {
    /// Whether it does.
    pub enabled: bool,
    /// What is before the path in the URLs of archives. Empty: the API's own address.
    pub address: String,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self { enabled: true, address: String::new() }
    }
}

/// Buckets that results may go into. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BucketsConfig {
    /// Their names; no other bucket is written to.
    pub buckets: Vec<String>,
    /// Their server. Empty: as in `[s3]`.
    pub endpoint: String,
    /// Their region, where a job names none. Empty: as in `[s3]`.
    pub region: String,
    /// The name of the key to write with. Empty: the key of `[s3]`.
    pub access_key_id: String,
    /// That key.
    pub secret_access_key: Secret,
    /// What goes with a key that was lent for a while.
    pub session_token: Secret,
    /// For how long a link to a result is good.
    pub presign_ms: u64,
    /// Results that are brought there at once; more wait their turn.
    pub uploads_max: usize,
    /// How long connecting may take.
    pub connect_ms: u64,
    /// How long the server may take for one request: for a part of 8 MiB, say.
    pub answer_ms: u64,
    /// How long a result may take in all.
    pub total_ms: u64,
}

impl Default for BucketsConfig {
    fn default() -> Self {
        Self {
            buckets: Vec::new(),
            endpoint: String::new(),
            region: String::new(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            session_token: Secret::default(),
            presign_ms: 1_800_000,
            uploads_max: 2,
            connect_ms: 10_000,
            answer_ms: 120_000,
            total_ms: 3_600_000,
        }
    }
}

impl BucketsConfig {
    /// The account to write with: what is not said here is as it is for reading. A key is taken
    /// from one place as a whole.
    pub(super) fn account(&self, base: &S3Config) -> S3Config {
        let or = |own: &String, base: &String| if own.is_empty() { base } else { own }.clone();
        let mut account = S3Config {
            endpoint: or(&self.endpoint, &base.endpoint),
            region: or(&self.region, &base.region),
            ..base.clone()
        };
        if !self.access_key_id.is_empty() || !self.secret_access_key.reveal().is_empty() {
            account.access_key_id.clone_from(&self.access_key_id);
            account.secret_access_key = self.secret_access_key.clone();
            account.session_token = self.session_token.clone();
        }
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_for_reading_and_keys_are_not_mixed() {
        let base = S3Config {
            endpoint: "https://a".to_owned(),
            region: "eu".to_owned(),
            access_key_id: "reader".to_owned(),
            secret_access_key: "r".into(),
            session_token: "t".into(),
            ..S3Config::default()
        };
        assert_eq!(BucketsConfig::default().account(&base), base);
        let own = BucketsConfig {
            endpoint: "https://b".to_owned(),
            access_key_id: "writer".to_owned(),
            secret_access_key: "w".into(),
            ..BucketsConfig::default()
        };
        let expected = S3Config {
            endpoint: "https://b".to_owned(),
            region: "eu".to_owned(),
            access_key_id: "writer".to_owned(),
            secret_access_key: "w".into(),
            ..S3Config::default()
        };
        assert_eq!(own.account(&base), expected);
    }
}
