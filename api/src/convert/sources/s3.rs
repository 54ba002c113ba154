//! Buckets as sources: Bacalhau's parameters, and `s3://` URIs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gadus_ports::S3Origin;
use serde_json::Value;

use super::super::percent_decode;
use super::super::supported::Problem;
use crate::types::SpecConfig;

/// What a source of the type `s3` may say.
const PARAMS: [&str; 8] =
    ["Bucket", "Key", "Filter", "Region", "Endpoint", "VersionID", "ChecksumSHA256", "Partition"];

/// What stands before a checksum at the end of a URI.
const CHECKSUM: &str = "#sha256=";

/// Reads the source of a task's input. `wrong` says which input it is.
pub(super) fn read(
    spec: &SpecConfig,
    wrong: impl Fn(String) -> Problem,
) -> Result<S3Origin, Problem> {
    if let Some(partition) = spec.param("Partition").filter(|partition| divides(partition)) {
        let kind = partition.get("Type").and_then(Value::as_str).unwrap_or("something else");
        return Err(Problem::Unsupported {
            what: format!("dividing the objects of a bucket among partitions ({kind})"),
            hint: "leave Partition out: each partition sees all objects, and BACALHAU_PARTITION_INDEX \
                   tells it which are its own",
        });
    }
    origin(spec).map_err(wrong)
}

/// Whether objects are to be divided.
fn divides(partition: &Value) -> bool {
    let kind = partition.get("Type").and_then(Value::as_str).unwrap_or_default();
    !partition.is_null() && !kind.is_empty() && !kind.eq_ignore_ascii_case("none")
}

/// Whether a source is one object, which goes into its target.
pub(in crate::convert) fn is_one_object(spec: &SpecConfig) -> bool {
    spec.is("s3") && origin(spec).is_ok_and(|origin| !origin.is_prefix())
}

/// What parameters say.
///
/// # Errors
/// What is wrong with them, for people.
pub(super) fn origin(spec: &SpecConfig) -> Result<S3Origin, String> {
    if let Some(key) = spec.unknown(&PARAMS) {
        return Err(format!("'{key}' is not known; a source of type s3 has {}", PARAMS.join(", ")));
    }
    let text = |key: &str| spec.text(key);
    let origin = S3Origin {
        bucket: text("Bucket")?.ok_or("missing 'Bucket'")?,
        key: text("Key")?.unwrap_or_default(),
        filter: text("Filter")?,
        endpoint: text("Endpoint")?,
        region: text("Region")?,
        version: text("VersionID")?,
        sha256: text("ChecksumSHA256")?.as_deref().map(checksum).transpose()?,
    };
    let alone =
        |what: &str| Err(format!("{what} goes with one object, and '{}' is a prefix", origin.key));
    match origin.is_prefix() {
        true if origin.version.is_some() => alone("VersionID"),
        true if origin.sha256.is_some() => alone("ChecksumSHA256"),
        false if origin.filter.is_some() => {
            Err("Filter goes with a prefix: a Key that ends in / or *".to_owned())
        }
        _ => Ok(origin),
    }
}

/// A SHA-256 as Amazon writes it, or in hexadecimal digits.
fn checksum(text: &str) -> Result<[u8; 32], String> {
    if let Ok(digest) = super::digest(text) {
        return Ok(digest);
    }
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or_else(|| {
        format!(
            "'{text}' is no SHA-256 of an object: that is 32 bytes in base 64, or 64 hexadecimal \
             digits"
        )
    })
}

/// The source that a URI names: `s3://BUCKET/KEY`, then `?` and any of `region`, `endpoint`,
/// `versionId` and `filter`, then `#sha256=` and the object's checksum. The key is as it is in the
/// bucket, nothing in it encoded.
///
/// # Errors
/// What is wrong with it, for people.
pub fn s3_source(uri: &str) -> Result<SpecConfig, String> {
    let rest = uri.strip_prefix("s3://").ok_or_else(|| format!("'{uri}' is no s3:// URI"))?;
    let (rest, checksum) = match rest.rsplit_once(CHECKSUM) {
        Some((rest, checksum)) => (rest, Some(checksum)),
        None => (rest, None),
    };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, query),
        None => (rest, ""),
    };
    let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
    let mut spec = SpecConfig::new("s3").with("Bucket", bucket).with("Key", key);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let names = ["Region", "Endpoint", "VersionID", "Filter"];
        let Some(name) = names.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            return Err(format!(
                "'{pair}' is not known in an s3:// URI; after ? there may be region=, endpoint=, \
                 versionId= and filter= (the Key of a job's input may have ? in it)"
            ));
        };
        let decoded = percent_decode(value).and_then(|bytes| String::from_utf8(bytes).ok());
        let value = decoded.ok_or_else(|| format!("'{value}' is no encoded text"))?;
        spec = spec.with(name, value);
    }
    if let Some(checksum) = checksum {
        spec = spec.with("ChecksumSHA256", checksum);
    }
    origin(&spec).map(|_| spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_objects_and_prefixes() {
        let read = |uri: &str| s3_source(uri).and_then(|spec| origin(&spec));
        let plain = |key: &str| S3Origin {
            bucket: "data".to_owned(),
            key: key.to_owned(),
            ..S3Origin::default()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("s3://data/a/b%20c d").unwrap(), plain("a/b%20c d"));
        assert_eq!(read("s3://data/a/#b").unwrap(), plain("a/#b"));
        assert!(read("s3://data").unwrap().is_prefix() && read("s3://data/").unwrap().is_prefix());
        let all = read(
            "s3://data/a*?region=eu-west-1&endpoint=http%3A%2F%2F127.0.0.1:9000&filter=%5C.csv$",
        );
        let expected = S3Origin {
            region: some("eu-west-1"),
            endpoint: some("http://127.0.0.1:9000"),
            filter: some("\\.csv$"),
            ..plain("a*")
        };
        assert_eq!(all.unwrap(), expected);
        let one = format!("s3://data/a?versionId=v1#sha256={}", "07".repeat(32));
        let expected = S3Origin { version: some("v1"), sha256: Some([7; 32]), ..plain("a") };
        assert_eq!(read(&one).unwrap(), expected);
        let base64 = format!("s3://data/a#sha256={}", STANDARD.encode([7; 32]));
        assert_eq!(read(&base64).unwrap().sha256, Some([7; 32]));
        for (uri, why) in [
            ("s3:///a", "missing 'Bucket'"),
            ("s3://data/a?b", "'b' is not known"),
            ("s3://data/a#sha256=abc", "no SHA-256"),
            ("s3://data/a/?versionId=x", "VersionID goes with one object"),
            ("s3://data/a/#sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "goes with one"),
            ("s3://data/a?filter=x", "Filter goes with a prefix"),
        ] {
            let error = read(uri).unwrap_err();
            assert!(error.contains(why), "{uri}: {error}");
        }
    }
}
