//! Error responses, as a Kubernetes `Status` object.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The error response to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// One word for programs. It is a metric label, so the set of reasons is bounded.
    pub(super) reason: &'static str,
    /// The error in words.
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    /// The response after a panic; the log has the details.
    pub(super) fn panicked() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "internal error, see the log of ingress-guard")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        let status = Status {
            status: Some("Failure".to_owned()),
            code: Some(self.status.as_u16().into()),
            reason: Some(self.reason.to_owned()),
            message: Some(self.message),
            ..Status::default()
        };
        let body = serde_json::to_vec(&status).expect("a Status always serialises");
        (self.status, [(header::CONTENT_TYPE, JSON)], body).into_response()
    }
}
