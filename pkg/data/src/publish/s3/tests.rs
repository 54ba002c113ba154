//! Results on their way to a server that says whatever a test wants.

use gadus_model::{Cid, ExecutionId, JobId, NodeId, PublisherSpec};
use gadus_ports::Publication;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::ContentConfig;
use crate::import::named::Named;

/// A store with one tree in it.
pub(in crate::publish) async fn content(
    files: &[(&str, &[u8])],
) -> (TempDir, EmbeddedContent, Cid) {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
    let files: Vec<_> = files
        .iter()
        .map(|(path, bytes)| {
            let path = path.split('/').map(str::to_owned).collect();
            let bytes = std::io::Cursor::new(bytes.to_vec());
            Ok(Named::File(path, Box::pin(bytes)))
        })
        .collect();
    let imported = content.import_named(futures::stream::iter(files).boxed()).await.unwrap();
    (dir, content, imported.root)
}

pub(in crate::publish) fn publication(result: Cid, to: PublisherSpec) -> Publication {
    Publication {
        execution: ExecutionId(Uuid::from_u128(2)),
        job: JobId(Uuid::from_u128(1)),
        node: NodeId([7; 32]),
        result,
        to,
    }
}

fn buckets(content: &EmbeddedContent, config: BucketsConfig, endpoint: &str) -> Buckets {
    let account = S3Config {
        endpoint: endpoint.to_owned(),
        access_key_id: "AKID".to_owned(),
        secret_access_key: "hush".into(),
        allow_http: true,
        ..S3Config::default()
    };
    let config = BucketsConfig { buckets: vec!["results".to_owned()], ..config };
    Buckets::new(content.clone(), &config, &account).unwrap().unwrap()
}

fn target(bucket: &str, endpoint: Option<&str>) -> S3Target {
    S3Target {
        bucket: bucket.to_owned(),
        key: "{executionID}".to_owned(),
        endpoint: endpoint.map(str::to_owned),
        region: None,
        form: S3Form::Archive,
    }
}

#[tokio::test]
async fn nothing_goes_where_the_operator_has_not_said() {
    let (_dir, content, result) = content(&[("stdout", b"hello")]).await;
    let buckets = buckets(&content, BucketsConfig::default(), "http://127.0.0.1:1");
    let publication = publication(result, PublisherSpec::Local);
    for (to, why) in [
        (target("others", None), "publishers.s3.buckets"),
        (target("results", Some("https://evil.org")), "publishers.s3.endpoint"),
    ] {
        let failure = buckets.publish(&publication, &to).await.unwrap_err();
        assert_eq!(buckets.target(&to).err(), Some(failure.clone()), "known before it is made");
        assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains(why)), "{failure:?}");
    }
    let signed = |bucket: &str, key: &str, endpoint: &str| {
        let params = [("Bucket", bucket), ("Key", key), ("Endpoint", endpoint)];
        let params = params.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let place = Place { kind: "s3".to_owned(), params: params.into() };
        let buckets = &buckets;
        async move { buckets.signed(&place).await }
    };
    assert!(signed("results", "a.tar.gz", "").await.is_some());
    assert!(signed("results", "a.tar.gz", "http://127.0.0.1:1/").await.is_some());
    for (bucket, key, endpoint) in [
        ("others", "a.tar.gz", ""),
        ("results", "a/", ""),
        ("results", "a.tar.gz", "https://evil.org"),
        ("results", "../a.tar.gz", ""),
    ] {
        assert!(signed(bucket, key, endpoint).await.is_none(), "{bucket} {key} {endpoint}");
    }
}

#[test]
fn what_does_not_fit_names_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
    let new = |bucket: &str, key: &str| {
        let config = BucketsConfig {
            buckets: vec![bucket.to_owned()],
            access_key_id: key.to_owned(),
            secret_access_key: key.into(),
            ..BucketsConfig::default()
        };
        Buckets::new(content.clone(), &config, &S3Config::default()).map(|some| some.is_some())
    };
    assert_eq!(new("results", "k"), Ok(true));
    assert!(new("a/b", "k").unwrap_err().contains("publishers.s3.buckets"));
    assert!(new("results", "").unwrap_err().contains("publishers.s3.access_key_id"));
    let none = Buckets::new(content.clone(), &BucketsConfig::default(), &S3Config::default());
    assert!(none.unwrap().is_none(), "without a bucket there is no such publisher");
}

/// Time moves on only when nothing else does.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_given_up() {
    let (_dir, content, result) = content(&[("stdout", b"hello")]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let config = BucketsConfig { total_ms: 5_000, ..BucketsConfig::default() };
    let buckets = buckets(&content, config, &endpoint);
    let publication = publication(result, PublisherSpec::Local);
    let failure = buckets.publish(&publication, &target("results", None)).await.unwrap_err();
    assert!(failure.message.contains("took too long"), "{failure:?}");
}
