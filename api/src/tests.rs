//! Tests of the whole face over a fake node: what a client sends, what it gets back.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::fake::FakeService;
use crate::serve::app;
use crate::state::ApiConfig;

mod archives;
mod content;
mod errors;
mod evidence;
mod gateway;
mod golden;
mod guard;
mod jobs;
mod lists;
mod nodes;
mod openapi;
mod receipts;
mod sockets;
mod store;
mod submit;
mod tasks;
mod verdicts;

/// The face over a fake.
struct Api {
    fake: Arc<FakeService>,
    app: Router,
}

impl Api {
    fn new(fake: Arc<FakeService>) -> Self {
        Self::with(fake, ApiConfig::default())
    }

    fn with(fake: Arc<FakeService>, config: ApiConfig) -> Self {
        let app = app(fake.clone(), config, true, CancellationToken::new());
        Self { fake, app }
    }

    fn empty() -> Self {
        Self::new(Arc::new(FakeService::default()))
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.map(|b| b.to_vec());
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            broke_off: body.is_err(),
            body: body.unwrap_or_default(),
        }
    }

    async fn get(&self, uri: &str) -> Reply {
        self.send(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    /// Sends JSON text.
    async fn json(&self, method: &str, uri: &str, body: &str) -> Reply {
        let request = Request::builder().method(method).uri(uri);
        let request = request.header("content-type", "application/json; charset=utf-8");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn put(&self, job: &str) -> Reply {
        let body = format!("{{\"Job\":{job}}}");
        self.json("PUT", "/api/v1/orchestrator/jobs", &body).await
    }
}

/// What came back.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    broke_off: bool,
}

impl Reply {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, code and message of an error.
    fn error(&self) -> (u16, String, String) {
        let value = self.value();
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(value["Status"], self.status, "{value}");
        (self.status, text("Code"), text("Message"))
    }
}
