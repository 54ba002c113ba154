//! Routes that Bacalhau or an IPFS gateway has and this release has not: refused by name.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::error::ApiError;
use crate::service::ServiceError;
use crate::state::ApiState;

/// Method, path, what it does, what to do instead.
const LATER: [(MethodFilter, &str, &str, &str); 12] = [
    (
        MethodFilter::PUT,
        "/api/v1/orchestrator/jobs/diff",
        "comparing a job with the one of its name",
        "it comes with job updates, in full Bacalhau compatibility",
    ),
    (
        MethodFilter::PUT,
        "/api/v1/orchestrator/jobs/{id}/rerun",
        "running a job again",
        "submit the job again under another name; it comes with full Bacalhau compatibility",
    ),
    (
        MethodFilter::GET,
        "/api/v1/orchestrator/jobs/{id}/versions",
        "listing the versions of a job",
        "it comes with job updates, in full Bacalhau compatibility",
    ),
    (
        MethodFilter::PUT,
        "/api/v1/orchestrator/nodes/{id}",
        "approving and rejecting nodes",
        "it comes with full Bacalhau compatibility",
    ),
    (MethodFilter::POST, "/api/v1/orchestrator/nodes", "approving and rejecting nodes", FULL),
    (MethodFilter::GET, "/api/v1/auth", "authentication", NO_AUTH),
    (MethodFilter::GET, "/api/v1/auth/{method}", "authentication", NO_AUTH),
    (MethodFilter::POST, "/api/v1/auth/{method}", "authentication", NO_AUTH),
    (MethodFilter::GET, "/api/v1/agent/authconfig", "authentication", NO_AUTH),
    (MethodFilter::GET, "/api/v1/agent/config", "showing the node's configuration", CONFIG),
    (MethodFilter::GET, "/api/v1/agent/debug", "debugging facts", FULL),
    (
        MethodFilter::GET,
        "/ipns/{*path}",
        "resolving IPNS names",
        "resolve the name with an IPFS node, and ask for /ipfs/CID",
    ),
];

const FULL: &str = "it comes with full Bacalhau compatibility";
const NO_AUTH: &str = "the API needs no authentication yet: send requests without it; it comes with \
                       full Bacalhau compatibility";
const CONFIG: &str = "see `gadus config`; it comes with full Bacalhau compatibility";

/// Adds them.
pub(super) fn routes(router: Router<ApiState>) -> Router<ApiState> {
    LATER.iter().fold(router, |router, &(method, path, what, hint)| {
        router.route(path, on(method, move || async move { refuse(what, hint) }))
    })
}

fn refuse(what: &str, hint: &str) -> Response {
    ApiError::from(ServiceError::not_implemented(what, hint)).into_response()
}
