//! Amazon's own variables of the environment. They say what a node may be told of buckets, and are
//! weaker than all that is said to gadus alone.

use toml::Value;

use super::layers::{Origin, Setting};

/// A key and its halves: they hold together or not at all.
const KEY: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "s3.access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "s3.secret_access_key"),
    ("AWS_SESSION_TOKEN", "s3.session_token"),
];
/// Where buckets are; the later ones are stronger.
const PLACE: [(&str, &str); 4] = [
    ("AWS_DEFAULT_REGION", "s3.region"),
    ("AWS_REGION", "s3.region"),
    ("AWS_ENDPOINT_URL", "s3.endpoint"),
    ("AWS_ENDPOINT_URL_S3", "s3.endpoint"),
];

/// What the variables say, where nothing `stronger` says who we are.
pub(super) fn read(variables: &[(String, String)], stronger: &[Setting]) -> Vec<Setting> {
    let value = |wanted: &str| {
        let found = variables.iter().find(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let set = |(name, key): &(&str, &str)| {
        let value = Value::from(value(name)?);
        Some(Setting {
            key: (*key).to_owned(),
            value,
            origin: Origin::Variable((*name).to_owned()),
        })
    };
    let is_told = |key: &str| stronger.iter().any(|setting| setting.key == key);
    let mut settings = Vec::new();
    let is_whole = KEY[..2].iter().all(|(name, _)| value(name).is_some());
    if is_whole && !KEY.iter().any(|(_, key)| is_told(key)) {
        settings.extend(KEY.iter().filter_map(set));
    }
    settings.extend(PLACE.iter().filter_map(set));
    // Whoever names a server without TLS there has no other way to say that it may be one.
    let endpoint = settings.iter().rfind(|setting| setting.key == "s3.endpoint").cloned();
    if let Some(Setting { value: Value::String(url), origin, .. }) = endpoint
        && url.starts_with("http://")
        && !is_told("s3.endpoint")
    {
        settings.push(Setting { key: "s3.allow_http".to_owned(), value: true.into(), origin });
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)], stronger: &[&str]) -> Vec<String> {
        let variables: Vec<_> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let stronger: Vec<_> = stronger
            .iter()
            .map(|key| Setting {
                key: (*key).to_owned(),
                value: "x".into(),
                origin: Origin::Flag("x".to_owned()),
            })
            .collect();
        let settings = read(&variables, &stronger);
        settings.iter().map(|setting| format!("{}={}", setting.key, setting.value)).collect()
    }

    #[test]
    fn amazons_variables_are_read() {
        let key = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let both = ["s3.access_key_id=\"id\"", "s3.secret_access_key=\"secret\""];
        assert_eq!(told(&key, &[]), both);
        assert!(told(&key, &["s3.access_key_id"]).is_empty(), "keys are not mixed");
        assert!(told(&key[..1], &[]).is_empty(), "half a key is none");
        let place = [("AWS_REGION", "eu"), ("AWS_DEFAULT_REGION", "us")];
        assert_eq!(told(&place, &[]), ["s3.region=\"us\"", "s3.region=\"eu\""]);
        let endpoint = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"), ("AWS_PROFILE", "x")];
        let expected = ["s3.endpoint=\"http://127.0.0.1:9000\"", "s3.allow_http=true"];
        assert_eq!(told(&endpoint, &[]), expected);
        assert_eq!(told(&endpoint, &["s3.endpoint"]).len(), 1);
    }
}
