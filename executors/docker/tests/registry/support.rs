//! A registry on loopback whose answers are a function.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use gadus_docker::{Registries, RegistryLimits};
use gadus_model::Failure;
use gadus_ports::ImageResolver as _;
use parking_lot::Mutex;

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A registry; it ends with the test's runtime.
pub(crate) struct Fake {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(crate) async fn start<F>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (answer, heard) = (Arc::new(answer), Arc::clone(&asked));
        let handle = move |request: Request| {
            let (answer, heard) = (Arc::clone(&answer), Arc::clone(&heard));
            async move {
                let asked = Asked {
                    method: request.method().clone(),
                    path: request.uri().to_string(),
                    headers: request.headers().clone(),
                };
                heard.lock().push(asked.clone());
                answer(asked).await
            }
        };
        let serving = axum::serve(listener, Router::new().fallback(handle));
        tokio::spawn(async move { serving.await });
        Self { address, asked }
    }

    /// Resolves `team/tool:v1` of this registry.
    pub(crate) async fn resolve(&self, limits: RegistryLimits) -> Result<String, Failure> {
        let name = format!("{}/team/tool:v1", self.address);
        Registries::new(limits).resolve_image(&name).await
    }

    /// `METHOD path` of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock();
        asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }
}

/// What a registry has of an image.
pub(crate) fn manifest(digest: &str) -> Response {
    answer(StatusCode::OK, &[("content-type", INDEX), ("docker-content-digest", digest)], "{}")
}

pub(crate) fn answer(
    status: StatusCode,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}

pub(crate) fn status(status: u16) -> Response {
    answer(StatusCode::from_u16(status).unwrap(), &[], "")
}

/// `sha256:` and the same digit 64 times.
pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}
