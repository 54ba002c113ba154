//! Where results go besides the stores of nodes.

use gadus_model::{PublisherSpec, S3Form, S3Target};

use super::supported::Problem;
use crate::types::{SpecConfig, Task};

/// What the publisher `s3` may say.
const S3_PARAMS: [&str; 5] = ["Bucket", "Key", "Endpoint", "Region", "Encoding"];

/// Reads a task's publisher.
pub(super) fn read(task: &Task) -> Result<PublisherSpec, Problem> {
    let spec = &task.publisher;
    let wrong = |what: String| Problem::task(task, format!("invalid publisher: {what}"));
    if spec.kind.trim().is_empty() || spec.is("ipfs") {
        return Ok(PublisherSpec::Ipfs);
    }
    if spec.is("local") {
        return match spec.params.keys().next() {
            Some(key) => Err(wrong(format!("'{key}' is not known; local has no parameters"))),
            None => Ok(PublisherSpec::Local),
        };
    }
    if spec.is("s3") {
        let target = s3(spec).map_err(|why| wrong(format!("invalid s3 params. {why}")))?;
        return Ok(PublisherSpec::S3(Box::new(target)));
    }
    Err(Problem::Unsupported {
        what: format!("the publisher {}", spec.kind),
        hint: if spec.is("s3managed") {
            "use the publisher s3 with a bucket that the node's operator has named, or ipfs"
        } else {
            "use the publisher ipfs (results are CIDs, and `gadus get` reads them), local or s3"
        },
    })
}

fn s3(spec: &SpecConfig) -> Result<S3Target, String> {
    if let Some(key) = spec.unknown(&S3_PARAMS) {
        return Err(format!("'{key}' is not known; there are {}", S3_PARAMS.join(", ")));
    }
    let text = |key: &str| spec.text(key);
    let endpoint = text("Endpoint")?;
    let is_url = |text: &String| text.starts_with("http://") || text.starts_with("https://");
    if let Some(endpoint) = endpoint.as_ref().filter(|endpoint| !is_url(endpoint)) {
        return Err(format!("endpoint '{endpoint}' is neither an http nor an https URL"));
    }
    let form = match text("Encoding")?.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "gzip" => S3Form::Archive,
        "plain" => S3Form::Tree,
        other => return Err(format!("encoding '{other}' is not known; use gzip or plain")),
    };
    Ok(S3Target {
        bucket: text("Bucket")?.ok_or("bucket cannot be empty")?,
        key: text("Key")?.ok_or("key cannot be empty")?,
        endpoint,
        region: text("Region")?,
        form,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(publisher: Value) -> Result<PublisherSpec, Problem> {
        let publisher = serde_json::from_value(publisher).unwrap();
        read(&Task { publisher, ..Task::default() })
    }

    #[test]
    fn publishers_are_read_as_bacalhau_has_them() {
        let target = |form| S3Target {
            bucket: "b".to_owned(),
            key: "{jobID}/r".to_owned(),
            endpoint: Some("http://127.0.0.1:9000".to_owned()),
            region: Some("eu".to_owned()),
            form,
        };
        let spec = |encoding: &str| {
            json!({"Type": " S3 ", "Params": {
                "bucket": "b", "Key": "{jobID}/r", "Endpoint": "http://127.0.0.1:9000",
                "Region": "eu", "Encoding": encoding,
            }})
        };
        for (encoding, form) in
            [("", S3Form::Archive), ("gzip", S3Form::Archive), ("plain", S3Form::Tree)]
        {
            let expected = PublisherSpec::S3(Box::new(target(form)));
            assert_eq!(of(spec(encoding)), Ok(expected), "{encoding}");
        }
        for (text, expected) in [
            (json!({}), PublisherSpec::Ipfs),
            (json!({"Type": "ipfs"}), PublisherSpec::Ipfs),
            (json!({"Type": "Local"}), PublisherSpec::Local),
        ] {
            assert_eq!(of(text), Ok(expected));
        }
    }

    #[test]
    fn what_is_wrong_is_told_apart_from_what_is_not_there() {
        let s3 = |params: Value| json!({"Type": "s3", "Params": params});
        for (text, why) in [
            (s3(json!({"Key": "k"})), "invalid s3 params. bucket cannot be empty"),
            (s3(json!({"Bucket": "b", "Key": " "})), "invalid s3 params. key cannot be empty"),
            (s3(json!({"Bucket": "b", "Key": "k", "Compress": "x"})), "'Compress' is not known"),
            (s3(json!({"Bucket": "b", "Key": 7})), "'Key' is no text"),
            (s3(json!({"Bucket": "b", "Key": "k", "Encoding": "zip"})), "use gzip or plain"),
            (s3(json!({"Bucket": "b", "Key": "k", "Endpoint": "host:1"})), "neither an http"),
            (json!({"Type": "local", "Params": {"a": 1}}), "'a' is not known"),
        ] {
            let Err(Problem::Invalid(errors)) = of(text) else { panic!("{why}") };
            assert!(errors[0].contains(why), "{errors:?}");
        }
        for kind in ["s3managed", "estuary"] {
            let Err(Problem::Unsupported { what, hint }) = of(json!({"Type": kind})) else {
                panic!("{kind}")
            };
            assert!(what.contains(kind) && hint.contains("s3"), "{what} {hint}");
        }
    }
}
