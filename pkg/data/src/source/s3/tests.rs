//! Buckets of a server that says whatever a test wants. None of the operator's: it is asked without
//! a signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gadus_ports::{Content as _, Origin, Pinned, S3Origin, SourceError, Sources as _};

use crate::origin_server::{OriginServer, reply};
use crate::source::{NodeSources, SourceConfig};
use crate::{ContentConfig, EmbeddedContent, S3Config, raw_cid};

struct World {
    _dir: tempfile::TempDir,
    content: EmbeddedContent,
    sources: NodeSources,
    server: OriginServer,
}

async fn world(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> World {
    let server = OriginServer::start(answer).await;
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
    let config = SourceConfig {
        bytes_max: 1_000,
        objects_max: 4,
        allow_networks: vec!["127.0.0.1/32".parse().unwrap()],
        ..SourceConfig::default()
    };
    let sources = NodeSources::new(content.clone(), config, &S3Config::default()).unwrap();
    World { _dir: dir, content, sources, server }
}

impl World {
    async fn pin(&self, key: &str) -> Result<Pinned, SourceError> {
        let endpoint = Some(self.server.url(""));
        let (bucket, key) = ("data".to_owned(), key.to_owned());
        let origin = S3Origin { bucket, key, endpoint, ..S3Origin::default() };
        self.sources.pin(&Origin::S3(Box::new(origin))).await
    }

    /// What is told of a key; nothing of it is kept.
    async fn refused(&self, key: &str) -> String {
        let error = self.pin(key).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("s3://data/{key}")), "{error}");
        assert!(self.content.pins().await.unwrap().is_empty(), "{key}");
        error
    }
}

/// A page of a list.
fn page(objects: &[(&str, u64)], next: Option<&str>) -> Vec<u8> {
    let contents = objects
        .iter()
        .map(|(key, bytes)| format!("<Contents><Key>{key}</Key><Size>{bytes}</Size></Contents>"));
    let next = next.map(|token| {
        format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
        )
    });
    let body = contents.chain(next).collect::<String>();
    reply(200, &[], format!("<ListBucketResult>{body}</ListBucketResult>").as_bytes())
}

fn fault(status: u16, code: &str) -> Vec<u8> {
    reply(status, &[], format!("<Error><Code>{code}</Code></Error>").as_bytes())
}

#[tokio::test]
async fn a_list_and_its_objects_are_held_to_each_other() {
    let world = world(|path| match path {
        path if path.contains("prefix=good") => page(&[("good/a", 5), ("good/b/c", 5)], None),
        path if path.contains("prefix=long") => page(&[("long/a", 4)], None),
        path if path.contains("prefix=short") => page(&[("short/a", 6)], None),
        path if path.contains("prefix=gone") => page(&[("gone/a", 5), ("gone/b", 5)], None),
        path if path.contains("prefix=cut") => page(&[("cut/a", 9)], None),
        path if path.contains("prefix=big") => page(&[("big/a", 500), ("big/b", 501)], None),
        path if path.contains("prefix=huge") => page(&[("huge/a", u64::MAX), ("huge/b", 2)], None),
        path if path.contains("prefix=many") => page(&[("many/a", 1); 5], None),
        "/data/gone/b" => fault(404, "NoSuchKey"),
        "/data/cut/a" => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello".to_vec(),
        _ => reply(200, &[], b"hello"),
    })
    .await;
    for (key, why) in [
        ("long/", "(object 'long/a') cannot be had: it was told to have 4 bytes, and has more"),
        ("short/", "it was told to have 6 bytes, and has 5"),
        ("gone/", "the bucket has no such object"),
        ("cut/", "it broke off after 5 of 9 bytes"),
        ("big/", "more than 1000 bytes, the limit sources.bytes_max"),
        ("huge/", "more than 1000 bytes, the limit sources.bytes_max"),
        ("many/", "more than 4 objects, the limit sources.objects_max"),
    ] {
        let error = world.refused(key).await;
        assert!(error.contains(why), "{key}: {error}");
    }
    let good = world.pin("good/").await.unwrap();
    assert_eq!((good.files, good.bytes, good.name.as_deref()), (2, 10, Some("good")));
}

#[tokio::test]
async fn lists_that_are_none_are_refused() {
    let world = world(|path| match path {
        path if path.contains("prefix=html") => reply(200, &[], b"<html>hello</html>"),
        path if path.contains("prefix=round") => page(&[("round/a", 1)], Some("again")),
        path if path.contains("prefix=up") => page(&[("up/../../etc/passwd", 1)], None),
        path if path.contains("prefix=other") => page(&[("elsewhere/a", 1)], None),
        path if path.contains("prefix=both") => page(&[("both/a", 1), ("both/a/b", 1)], None),
        path if path.contains("prefix=none") => page(&[], None),
        path if path.contains("prefix=flood") => reply(200, &[], &vec![b' '; 9 << 20]),
        _ => panic!("{path}"),
    })
    .await;
    for (key, why) in [
        ("html/", "no list of a bucket"),
        ("round/", "its list does not go on"),
        ("up/", "'up/../../etc/passwd' is no path"),
        ("other/", "'elsewhere/a' does not begin as it was asked to"),
        ("both/", "'both/a' is a file, and a directory too"),
        ("none/", "the bucket has nothing there"),
        ("flood/", "answer exceeds 8388608 bytes"),
    ] {
        let error = world.refused(key).await;
        assert!(error.contains(why), "{key}: {error}");
    }
}

#[tokio::test]
async fn one_object_is_a_file_and_a_fault_is_put_into_words() {
    let region = [("x-amz-bucket-region", "eu-west-1")];
    let world = world(move |path| match path {
        "/data/d/a%20b" => reply(200, &[("content-encoding", "gzip")], b"as it is stored"),
        "/data/short" => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello".to_vec(),
        "/data/big" => reply(200, &[], &[7; 1_001]),
        "/data/far" => reply(301, &region, b""),
        "/data/hop" => reply(302, &[("location", "http://169.254.169.254/")], b""),
        "/data/shut" => fault(403, "AccessDenied"),
        _ => fault(404, "NoSuchBucket"),
    })
    .await;
    let pinned = world.pin("d/a b").await.unwrap();
    assert_eq!((pinned.cid, pinned.name.as_deref()), (raw_cid(b"as it is stored"), Some("a b")));
    world.content.unpin(&gadus_ports::PinReason::User).await.unwrap();
    for (key, why) in [
        ("short", "it broke off after 5 of 9 bytes"),
        ("big", "more than 1000 bytes"),
        ("far", "the bucket is in the region eu-west-1"),
        ("hop", "the server sends us elsewhere (302)"),
        ("shut", "access is denied"),
        ("any", "there is no such bucket"),
        ("a/../b", "has . or .. in it"),
        ("..", "it names another directory"),
    ] {
        let error = world.refused(key).await;
        assert!(error.contains(why), "{key}: {error}");
    }
    let SourceError::Refused { hint, .. } = world.pin("shut").await.unwrap_err() else {
        panic!("it is no refusal")
    };
    assert!(hint.contains("s3.endpoint"), "{hint}");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_but_not_for_ever() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let world = world(move |path| match (path, counter.fetch_add(1, Ordering::Relaxed)) {
        ("/data/busy", 0..2) => fault(503, "SlowDown"),
        ("/data/down", _) => fault(500, "InternalError"),
        _ => reply(200, &[], b"hello"),
    })
    .await;
    assert_eq!(world.pin("busy").await.unwrap().cid, raw_cid(b"hello"));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let error = world.pin("down").await.unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 3 + 4);
}

#[tokio::test]
async fn servers_that_may_not_be_dialled_are_not() {
    let world = world(|path| panic!("{path}")).await;
    for (endpoint, why) in [
        ("http://127.0.0.2:1", "127.0.0.2 is no public address"),
        ("http://169.254.169.254", "no public address"),
        ("http://user:password@example.org", "no password in it"),
        ("ftp://example.org", "neither an http nor an https URL"),
        ("", "no URL"),
    ] {
        for key in ["a", "d/"] {
            let origin = S3Origin {
                bucket: "data".to_owned(),
                key: key.to_owned(),
                endpoint: Some(endpoint.to_owned()),
                ..S3Origin::default()
            };
            let error = world.sources.pin(&Origin::S3(Box::new(origin))).await.unwrap_err();
            assert!(error.to_string().contains(why), "{endpoint}: {error}");
        }
    }
    for (bucket, region) in [("a/b", None), ("x@evil.org", None), ("data", Some("evil.org/"))] {
        let region = region.map(str::to_owned);
        let (bucket, key) = (bucket.to_owned(), "a".to_owned());
        let origin = S3Origin { bucket, key, region, ..S3Origin::default() };
        let error = world.sources.pin(&Origin::S3(Box::new(origin))).await.unwrap_err();
        assert!(matches!(error, SourceError::Wrong { .. }), "{error}");
    }
}
