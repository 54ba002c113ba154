//! The gate for clients of Bacalhau that are too old for this API.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::text;
use crate::convert::BACALHAU_VERSION;
use crate::json_out::Json;

/// The oldest version that may ask.
const OLDEST: [u64; 3] = [1, 4, 0];
/// What a client says that was not made from a release.
const DEVELOPMENT: [&str; 3] = ["", "unknown", "v0.0.0-xxxxxxx"];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Invalid {
    error: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outdated {
    error: &'static str,
    min_version: String,
    client_version: String,
    server_version: &'static str,
}

/// What a client is answered that names a version which is too old, or none; nothing to others.
pub(super) fn refuse(headers: &HeaderMap) -> Option<Response> {
    let said = text(headers, "x-bacalhau-git-version");
    if DEVELOPMENT.contains(&said) {
        return None;
    }
    let Some((numbers, release)) = parse(said) else {
        let error = format!("Invalid client version {said}");
        return Some((StatusCode::BAD_REQUEST, Json::new(&Invalid { error })).into_response());
    };
    // A pre-release comes before the release of its numbers.
    if numbers > OLDEST || (numbers == OLDEST && release) {
        return None;
    }
    let outdated = Outdated {
        error: "Client version is outdated. Update your client",
        min_version: OLDEST.map(|n| n.to_string()).join("."),
        client_version: said.trim_start_matches('v').to_owned(),
        server_version: BACALHAU_VERSION,
    };
    Some((StatusCode::FORBIDDEN, Json::new(&outdated)).into_response())
}

/// The numbers of a semantic version, those left out as 0, and whether it is a release.
fn parse(text: &str) -> Option<([u64; 3], bool)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, _) = text.split_once('+').unwrap_or((text, ""));
    let (core, release) = match text.split_once('-') {
        Some((_, "")) => return None,
        Some((core, _)) => (core, false),
        None => (text, true),
    };
    let mut numbers = [0; 3];
    let mut parts = core.split('.');
    for (number, part) in numbers.iter_mut().zip(&mut parts) {
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some((numbers, release))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(version: &str) -> Option<u16> {
        let mut headers = HeaderMap::new();
        headers.insert("x-bacalhau-git-version", version.parse().unwrap());
        refuse(&headers).map(|response| response.status().as_u16())
    }

    #[test]
    fn old_clients_are_refused_and_strange_ones_told() {
        assert!(refuse(&HeaderMap::new()).is_none());
        for version in ["v1.4.0", "1.9.3", "v1.4", "v2", "v0.0.0-xxxxxxx", "v1.5.0-rc1", "v1.9.3+x"]
        {
            assert_eq!(status(version), None, "{version}");
        }
        for version in ["v1.3.9", "v0.3.29", "v1", "v1.4.0-rc1"] {
            assert_eq!(status(version), Some(403), "{version}");
        }
        for version in ["latest", "v1.x", "1.2.3.4", "v1.4.0-"] {
            assert_eq!(status(version), Some(400), "{version}");
        }
    }
}
