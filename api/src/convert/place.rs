//! Places where results are, as Bacalhau's API has them.

use gadus_model::Place;
use serde_json::{Map, Value, json};

use crate::types::SpecConfig;

/// A published result.
#[must_use]
pub fn place(place: &Place) -> SpecConfig {
    let text = |key: &str| place.params.get(key).cloned().unwrap_or_default();
    match place.kind.as_str() {
        "s3" => SpecConfig { kind: place.kind.clone(), params: object(place) },
        "s3PreSigned" => SpecConfig::new(&place.kind)
            .with("Managed", text("Managed") == "true")
            .with("PreSignedURL", text("PreSignedURL"))
            .with("SourceSpec", object(place)),
        _ => place.params.iter().fold(SpecConfig::new(&place.kind), |spec, (key, value)| {
            spec.with(key, value.as_str())
        }),
    }
}

/// All that Bacalhau's `s3` has, in the order of its names; what is not said is empty.
fn object(place: &Place) -> Map<String, Value> {
    let text = |key: &str| Value::from(place.params.get(key).cloned().unwrap_or_default());
    let partition =
        json!({"DateFormat": "", "EndIndex": 0, "Pattern": "", "StartIndex": 0, "Type": ""});
    [
        ("Bucket", text("Bucket")),
        ("ChecksumSHA256", text("ChecksumSHA256")),
        ("Endpoint", text("Endpoint")),
        ("Filter", text("Filter")),
        ("Key", text("Key")),
        ("Partition", partition),
        ("Region", text("Region")),
        ("VersionID", text("VersionID")),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_look_as_bacalhaus_do() {
        let of = |kind: &str, params: &[(&str, &str)]| {
            let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            let spec = place(&Place { kind: kind.to_owned(), params: params.collect() });
            serde_json::to_string(&spec).unwrap()
        };
        assert_eq!(
            of("urlDownload", &[("URL", "http://127.0.0.1:1234/x.tar.gz")]),
            r#"{"Type":"urlDownload","Params":{"URL":"http://127.0.0.1:1234/x.tar.gz"}}"#
        );
        let source = r#"{"Bucket":"b","ChecksumSHA256":"","Endpoint":"","Filter":"","Key":"k/x.tar.gz","Partition":{"DateFormat":"","EndIndex":0,"Pattern":"","StartIndex":0,"Type":""},"Region":"eu-west-1","VersionID":""}"#;
        let params = [("Bucket", "b"), ("Key", "k/x.tar.gz"), ("Region", "eu-west-1")];
        assert_eq!(of("s3", &params), format!(r#"{{"Type":"s3","Params":{source}}}"#));
        let signed = [&params[..], &[("PreSignedURL", "https://l"), ("Managed", "false")]].concat();
        assert_eq!(
            of("s3PreSigned", &signed),
            format!(
                r#"{{"Type":"s3PreSigned","Params":{{"Managed":false,"PreSignedURL":"https://l","SourceSpec":{source}}}}}"#
            )
        );
    }
}
