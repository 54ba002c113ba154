//! The one place where errors become HTTP.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::json_out::Json;
use crate::service::{ErrorCode, ServiceError};
use crate::types::ErrorBody;

/// The status of a code: Bacalhau's table, and a status of its own for what is not in it.
#[must_use]
pub fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest | ErrorCode::ValidationError => StatusCode::BAD_REQUEST,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorCode::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::InsufficientStorage => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::ResourceInUse => StatusCode::CONFLICT,
        ErrorCode::MultipleJobsFound
        | ErrorCode::ConflictJobState
        | ErrorCode::TimeOut
        | ErrorCode::NetworkFailure
        | ErrorCode::DatastoreFailure
        | ErrorCode::IOError
        | ErrorCode::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What a route answers when it cannot do what it was asked: an error, sometimes with a status
/// that its code alone does not tell.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    error: ServiceError,
}

impl ApiError {
    /// An error with a status of its own (413, 415, 431).
    #[must_use]
    pub fn with_status(status: StatusCode, error: ServiceError) -> Self {
        Self { status, error }
    }

    /// A body that is larger than it may be.
    #[must_use]
    pub fn too_large(what: &str, max: u64) -> Self {
        let error = ServiceError::bad_request(format!("{what} is larger than {max} bytes"));
        Self::with_status(StatusCode::PAYLOAD_TOO_LARGE, error)
    }

    /// The error as JSON, for websocket frames and bodies.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        let ServiceError { code, message, hint, component, details } = &self.error;
        ErrorBody {
            status: self.status.as_u16(),
            message: message.clone(),
            request_id: String::new(),
            code: code.as_str().to_owned(),
            component: (*component).to_owned(),
            hint: hint.clone().unwrap_or_default(),
            details: details.clone(),
        }
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self { status: status(error.code), error }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED {
            tracing::warn!(status = self.status.as_u16(), error = %self.error, "request failed");
        }
        let body = self.body();
        let mut response = (self.status, Json::new(&body)).into_response();
        // The guard writes the request's id into it.
        response.extensions_mut().insert(body);
        response
    }
}
