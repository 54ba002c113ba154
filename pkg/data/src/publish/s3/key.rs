//! The key of a result in a bucket.

use gadus_model::{S3Form, S3Target};
use gadus_ports::Publication;
use jiff::Timestamp;

use super::ARCHIVE;
use crate::s3::place::check_key;

/// The key that a job asks for, its placeholders replaced; a tree's ends in a slash, an archive's
/// says what it is. Dates are of UTC.
///
/// # Errors
/// For what is no key, or one that clients could not write down.
pub(super) fn of(
    publication: &Publication,
    to: &S3Target,
    now: Timestamp,
) -> Result<String, String> {
    let mut key = to
        .key
        .replace("{nodeID}", &publication.node.to_string())
        .replace("{executionID}", &publication.execution.to_string())
        .replace("{jobID}", &publication.job.to_string())
        .replace("{date}", &now.strftime("%Y%m%d").to_string())
        .replace("{time}", &now.strftime("%H%M%S").to_string());
    let ending = match to.form {
        S3Form::Archive => ARCHIVE,
        S3Form::Tree => "/",
    };
    if !key.ends_with(ending) {
        key.push_str(ending);
    }
    check_key(&key)?;
    if key.starts_with('/') || key.contains("//") {
        return Err(format!("the key '{}' has an empty name in it", key.escape_debug()));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use gadus_model::PublisherSpec;

    use super::*;
    use crate::publish::s3::tests::publication;
    use crate::raw_cid;

    #[test]
    fn placeholders_and_endings() {
        let publication = publication(raw_cid(b""), PublisherSpec::Ipfs);
        let now = "2024-02-29T23:59:58Z".parse().unwrap();
        let key = |key: &str, form| {
            let to = S3Target {
                bucket: "b".to_owned(),
                key: key.to_owned(),
                endpoint: None,
                region: None,
                form,
            };
            of(&publication, &to, now)
        };
        let (job, execution) = (publication.job.to_string(), publication.execution.to_string());
        let node = publication.node.to_string();
        for (text, form, expected) in [
            ("a", S3Form::Archive, "a.tar.gz".to_owned()),
            ("a.tar.gz", S3Form::Archive, "a.tar.gz".to_owned()),
            ("a", S3Form::Tree, "a/".to_owned()),
            ("a/", S3Form::Tree, "a/".to_owned()),
            ("{date}/{time}", S3Form::Archive, "20240229/235958.tar.gz".to_owned()),
            ("{jobID}/{executionID}", S3Form::Tree, format!("{job}/{execution}/")),
            ("{nodeID}{nodeID}{other}", S3Form::Tree, format!("{node}{node}{{other}}/")),
        ] {
            assert_eq!(key(text, form).as_ref(), Ok(&expected), "{text}");
        }
        for text in ["/a", "a//b", "../a", "a/..", &"z".repeat(1_100)] {
            assert!(key(text, S3Form::Tree).is_err(), "{text}");
        }
    }
}
