//! Imports.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use futures::stream;
use serde_json::json;

use super::{Api, Reply};
use crate::fake::FakeService;
use crate::fake::sample::cid;
use crate::limits::ApiLimits;
use crate::service::ImportKind;
use crate::state::ApiConfig;
use gadus_ports::Layout;

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
