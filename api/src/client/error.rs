//! What goes wrong between a client and a node.

use reqwest::{Response, StatusCode, Url};

use crate::types::ErrorBody;

/// Bytes of an error's body that are read: it is small, or it is not ours.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address makes no sense.
    #[error("'{address}' is not an address of a node: {why}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers there.
    #[error("no node answers at {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The connection broke, or took too long.
    #[error("the connection to {url} failed: {why}")]
    Broken {
        /// Where.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The node refused.
    #[error("{}", .body.message)]
    Refused {
        /// Status, message, code, hint, details.
        body: Box<ErrorBody>,
    },
    /// The answer is not one of a node.
    #[error("{url} does not answer like a node: {why}")]
    Nonsense {
        /// Where.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ClientError {
    /// The HTTP status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { body } => Some(body.status),
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Nonsense { .. } => None,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Address { .. } => Some("give it as host:port, for example 127.0.0.1:1234".into()),
            Self::Unreachable { .. } => {
                Some("start a node with `gadus serve`, or name another with --api".into())
            }
            Self::Refused { body } if !body.hint.is_empty() => Some(body.hint.clone()),
            Self::Broken { .. } | Self::Refused { .. } | Self::Nonsense { .. } => None,
        }
    }

    pub(super) fn sending(url: &Url, error: &reqwest::Error) -> Self {
        let (url, why) = (url.to_string(), causes(error));
        if error.is_connect() { Self::Unreachable { url, why } } else { Self::Broken { url, why } }
    }

    /// The error that a node has answered with.
    pub(super) async fn from_answer(mut response: Response) -> Self {
        let status = response.status();
        let mut bytes = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ERROR_BYTES_MAX {
                break;
            }
        }
        Self::from_body(status, &bytes)
    }

    /// The same, from its status and body.
    fn from_body(status: StatusCode, bytes: &[u8]) -> Self {
        let body = match serde_json::from_slice::<ErrorBody>(bytes) {
            Ok(body) if !body.message.is_empty() => body,
            _ => ErrorBody {
                message: format!(
                    "the node answered {status}: {}",
                    String::from_utf8_lossy(bytes).trim()
                ),
                ..ErrorBody::default()
            },
        };
        Self::Refused { body: Box::new(ErrorBody { status: status.as_u16(), ..body }) }
    }
}

/// What lies behind an error of reqwest's: its own words only repeat the URL.
fn causes(error: &reqwest::Error) -> String {
    let first = std::error::Error::source(error);
    let hyper = first.filter(|cause| cause.to_string().starts_with("client error"));
    match hyper.and_then(std::error::Error::source).or(first) {
        Some(cause) => chain(cause),
        None => error.to_string(),
    }
}

/// An error and its causes: reqwest's own text leaves out what happened.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_words_are_kept_and_strange_answers_are_told() {
        let body = br#"{"Status":404,"Message":"job not found: x","Code":"NotFound","Hint":"h"}"#;
        let error = ClientError::from_body(StatusCode::NOT_FOUND, body);
        assert_eq!(error.to_string(), "job not found: x");
        assert_eq!((error.status(), error.hint().as_deref()), (Some(404), Some("h")));

        let error = ClientError::from_body(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(error.to_string(), "the node answered 502 Bad Gateway: <html>");
    }
}
