//! Browsers: a page of another site must not reach the API through the browser of somebody who
//! can.
//!
//! No answer carries CORS headers, so that such a page can read nothing. It could still change
//! something, so requests that do and that come from another origin are refused. And a name that
//! its owner points to 127.0.0.1 (DNS rebinding) would make the page's origin ours, so a node that
//! is bound to loopback answers to loopback names alone.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{Method, header};

use super::text;
use crate::error::ApiError;
use crate::service::{ErrorCode, ServiceError};
use crate::state::ApiState;

/// Refuses what only a tricked browser sends.
pub(super) fn check(api: &ApiState, request: &Request) -> Result<(), ApiError> {
    let host = text(request.headers(), header::HOST.as_str());
    let host =
        if host.is_empty() { request.uri().authority().map_or("", |a| a.as_str()) } else { host };
    if api.loopback && !host.is_empty() && !is_ours(host, &api.config.hosts) {
        let error = ServiceError::new(
            ErrorCode::Forbidden,
            format!("this node does not answer to the name '{host}'"),
        )
        .with_hint("ask for 127.0.0.1 or localhost, or add the name to the node's allowed hosts");
        return Err(error.into());
    }
    if !changes_something(request) {
        return Ok(());
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("null");
    let same = origin.split_once("://").is_some_and(|(_, place)| place.eq_ignore_ascii_case(host));
    if same {
        return Ok(());
    }
    let message = format!("a page of '{origin}' may not use this API");
    Err(ServiceError::new(ErrorCode::Forbidden, message).into())
}

/// Whether a request does more than read; a websocket is not bound to its origin by the browser,
/// so that it counts too.
fn changes_something(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    !reads || request.headers().contains_key(header::UPGRADE)
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || allowed.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_are_ours() {
        let allowed = ["gadus.example".to_owned()];
        let ours = |host: &str| is_ours(host, &allowed);
        for host in [
            "localhost",
            "LOCALHOST:1234",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
            "gadus.example:1234",
            "Gadus.Example",
        ] {
            assert!(ours(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1234",
            "10.0.0.1",
            "[::2]:1",
            "0.0.0.0",
            ":80",
            "localhost:80:80",
        ] {
            assert!(!ours(host), "{host}");
        }
    }
}
