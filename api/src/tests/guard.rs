//! Who may ask, how many at once, and for how long.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use tokio_util::sync::CancellationToken;

use super::{Api, Reply};
use crate::fake::FakeService;
use crate::fake::sample::{DOCKER_JOB, job, job_id, new_view};
use crate::limits::ApiLimits;
use crate::serve::app;
use crate::state::ApiConfig;

const ALIVE: &str = "/api/v1/agent/alive";
const JOBS: &str = "/api/v1/orchestrator/jobs";

async fn asked(api: &Api, method: &str, uri: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::from(format!("{{\"Job\":{DOCKER_JOB}}}"))).unwrap()).await
}

#[tokio::test]
async fn strange_names_are_not_answered_to_on_loopback() {
    let config = ApiConfig { hosts: vec!["gadus.example".into()], ..ApiConfig::default() };
    let fake = Arc::new(FakeService::default());
    let api = Api::with(fake.clone(), config.clone());
    for host in ["127.0.0.1:1234", "localhost", "[::1]:1234", "gadus.example:1234"] {
        assert_eq!(asked(&api, "GET", ALIVE, &[("host", host)]).await.status, 200, "{host}");
    }
    let (status, code, _) = asked(&api, "GET", ALIVE, &[("host", "evil.example")]).await.error();
    assert_eq!((status, code.as_str()), (403, "Forbidden"));
    // Bound to the world, a node may have any name.
    let open = Api { app: app(fake.clone(), config, false, CancellationToken::new()), fake };
    assert_eq!(asked(&open, "GET", ALIVE, &[("host", "evil.example")]).await.status, 200);
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let api = Api::empty();
    let json = ("content-type", "application/json");
    let host = ("host", "127.0.0.1:1234");
    for origin in ["http://evil.example", "null", "http://127.0.0.1:8000", "file://"] {
        let reply = asked(&api, "PUT", JOBS, &[host, json, ("origin", origin)]).await;
        assert_eq!(reply.error().0, 403, "{origin}");
        let reply = asked(&api, "POST", "/api/v1/content", &[host, ("origin", origin)]).await;
        assert_eq!(reply.error().0, 403, "{origin}");
        let upgrade = [host, ("origin", origin), ("upgrade", "websocket")];
        let reply = asked(&api, "GET", &format!("{JOBS}/x/logs"), &upgrade).await;
        assert_eq!(reply.error().0, 403, "{origin}");
    }
    assert!(api.fake.inner().submitted.is_empty() && api.fake.inner().imports.is_empty());
    let same = [host, json, ("origin", "http://127.0.0.1:1234")];
    assert_eq!(asked(&api, "PUT", JOBS, &same).await.status, 200);
    // Reading is left to the browser, which finds no leave in the answer.
    let reply = asked(&api, "GET", JOBS, &[host, ("origin", "http://evil.example")]).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn old_clients_are_told_in_bacalhaus_shape() {
    let api = Api::empty();
    let old = asked(&api, "GET", ALIVE, &[("x-bacalhau-git-version", "v1.3.2")]).await;
    assert_eq!(old.status, 403);
    assert_eq!(
        old.text(),
        "{\"Error\":\"Client version is outdated. Update your client\",\"MinVersion\":\"1.4.0\",\
         \"ClientVersion\":\"1.3.2\",\"ServerVersion\":\"1.9.3\"}\n"
    );
    let strange = asked(&api, "GET", ALIVE, &[("x-bacalhau-git-version", "banana")]).await;
    let expected = "{\"Error\":\"Invalid client version banana\"}\n";
    assert_eq!((strange.status, strange.text().as_str()), (400, expected));
    let reply = asked(&api, "GET", ALIVE, &[("x-bacalhau-git-version", "v1.9.3")]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-bacalhau-git-version"), "v1.9.3+gadus.0.1.0");
    assert_eq!(reply.header("x-bacalhau-git-commit"), "abc123");
    assert_eq!(reply.header("x-bacalhau-build-date"), "2026-08-01T00:00:00Z");
    assert_eq!(reply.header("x-bacalhau-build-os"), "linux");
    assert_eq!(reply.header("x-bacalhau-arch"), "amd64");
}

fn slow(limits: ApiLimits) -> Api {
    let fake = FakeService::with_job(new_view(job(job_id(1))));
    Api::with(fake, ApiConfig { limits, ..ApiConfig::default() })
}

#[tokio::test(start_paused = true)]
async fn requests_are_limited_in_number() {
    let api = slow(ApiLimits { requests_max: 2, ..ApiLimits::default() });
    let wait = || api.get("/api/v1/orchestrator/jobs/hello?wait_ms=1000");
    let (a, b, c) = tokio::join!(wait(), wait(), async {
        tokio::task::yield_now().await;
        api.get(ALIVE).await
    });
    assert_eq!((a.status, b.status), (200, 200));
    assert_eq!((c.error().0, c.error().1.as_str()), (429, "ResourceExhausted"));
    assert_eq!(api.get(ALIVE).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn requests_are_limited_in_time() {
    let limits = ApiLimits { request_ms: 1000, ..ApiLimits::default() };
    let api = slow(limits);
    // A body that never comes.
    let body = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let request = Request::put(JOBS).header("content-type", "application/json");
    let reply = api.send(request.body(body).unwrap()).await;
    assert_eq!((reply.status, reply.text().as_str()), (503, "Server Timeout!"));
    // A wait is not slow.
    let reply = api.get("/api/v1/orchestrator/jobs/hello?wait_ms=60000").await;
    assert_eq!(reply.status, 200);
}
