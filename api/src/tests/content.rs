//! Imports.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use futures::stream;
use gadus_ports::{Layout, Origin, Profile};
use serde_json::json;

use super::{Api, Reply};
use crate::fake::FakeService;
use crate::fake::sample::cid;
use crate::limits::ApiLimits;
use crate::service::ImportKind;
use crate::state::ApiConfig;

async fn post(api: &Api, content_type: &str, body: Body) -> Reply {
    let request = Request::post("/api/v1/content").header("content-type", content_type);
    api.send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn the_type_says_what_the_bytes_are() {
    let api = Api::empty();
    let cases = [
        ("application/x-tar", ImportKind::Tar(Layout::default())),
        ("application/vnd.ipld.car; version=1", ImportKind::Car),
        ("application/octet-stream", ImportKind::File(Layout::default())),
        ("application/x-www-form-urlencoded", ImportKind::File(Layout::default())),
    ];
    for (content_type, kind) in cases {
        let reply = post(&api, content_type, Body::from("data")).await;
        let root = cid("data").to_string();
        let expected = json!({"CID": root, "Roots": [root], "Bytes": 4, "Files": 1});
        assert_eq!((reply.status, reply.value()), (200, expected));
        assert_eq!(api.fake.inner().imports.pop(), Some((kind, b"data".to_vec())));
    }
    let reply = post(&api, "multipart/form-data; boundary=x", Body::from("data")).await;
    assert_eq!(reply.error().0, 415);
}

#[tokio::test]
async fn uploads_are_limited_and_larger_than_other_bodies() {
    let limits = ApiLimits { content_bytes_max: 5000, body_bytes_max: 10, ..ApiLimits::default() };
    let config = ApiConfig { limits, ..ApiConfig::default() };
    let api = Api::with(Arc::new(FakeService::default()), config);
    let chunks = |n: usize| {
        Body::from_stream(stream::iter((0..n).map(|_| Ok::<_, std::io::Error>("x".repeat(1000)))))
    };
    assert_eq!(post(&api, "", chunks(5)).await.status, 200);
    let (status, _, message) = post(&api, "", chunks(6)).await.error();
    assert_eq!((status, message.as_str()), (413, "the content is larger than 5000 bytes"));
    assert_eq!(post(&api, "", Body::from("x".repeat(5001))).await.error().0, 413);
    assert_eq!(api.fake.inner().imports.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_off_or_stands_still_fails() {
    let api = Api::empty();
    let broken = stream::iter([Ok("x"), Err(std::io::Error::other("cable cut"))]);
    let (status, code, message) = post(&api, "", Body::from_stream(broken)).await.error();
    assert_eq!((status, code.as_str()), (500, "IOError"));
    assert!(message.contains("cable cut"), "{message}");
    let still = Body::from_stream(stream::pending::<Result<String, std::io::Error>>());
    let (_, _, message) = post(&api, "", still).await.error();
    assert!(message.contains("stood still"), "{message}");
    assert!(api.fake.inner().imports.is_empty());
}

async fn ask(api: &Api, query: &str) -> Reply {
    let request = Request::post(format!("/api/v1/content?{query}"));
    api.send(request.body(Body::from("data")).unwrap()).await
}

#[tokio::test]
async fn how_blocks_are_made_may_be_told() {
    let api = Api::empty();
    for (query, profile, keep_modes) in [
        ("", Profile::V1, false),
        ("profile=unixfs-v1-2025&preserve_mode=true", Profile::V1, true),
        ("profile=unixfs-v0-2015", Profile::V0, false),
    ] {
        assert_eq!(ask(&api, query).await.status, 200, "{query}");
        let kind = ImportKind::File(Layout { profile, keep_modes });
        assert_eq!(api.fake.inner().imports.pop(), Some((kind, b"data".to_vec())), "{query}");
    }
    let (status, _, message) = ask(&api, "profile=unixfs-v2").await.error();
    assert_eq!(status, 400);
    assert!(message.contains("unixfs-v0-2015"), "{message}");
}

#[tokio::test]
async fn content_may_be_fetched_from_elsewhere() {
    let api = Api::empty();
    let reply = ask(&api, "from=https%3A%2F%2Fexample.org%2Fa%3Fx%3D1").await;
    let url = "https://example.org/a?x=1".to_owned();
    let root = cid(&url).to_string();
    assert_eq!((reply.status, reply.value()["CID"].as_str()), (200, Some(root.as_str())));
    assert_eq!(ask(&api, "from=file%3A%2F%2F%2Fsrv%2Fa").await.status, 200);
    let expected = [Origin::Url { url, sha256: None }, Origin::Path("/srv/a".into())];
    assert_eq!(api.fake.inner().pinned, expected);
    for (uri, why) in [
        ("ftp%3A%2F%2Fx%2Fy", "neither an http nor an https URL"),
        ("file%3A%2F%2Frelative", "no absolute path"),
        ("", "is no URL"),
    ] {
        let (status, _, message) = ask(&api, &format!("from={uri}")).await.error();
        assert_eq!(status, 400, "{uri}");
        assert!(message.contains(why), "{uri}: {message}");
    }
    assert!(api.fake.inner().imports.is_empty());
}
