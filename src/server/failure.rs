//! An answer that is no verdict, in the shape in which Kubernetes itself says no: a `Status` object.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// One word for machines; from a bounded set, as it becomes a metric label.
    pub(super) reason: &'static str,
    /// What is wrong, for a human.
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    /// What a client gets when a handler panicked; the log has the details.
    pub(super) fn panicked() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the request could not be handled, see the log")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    kind: &'static str,
    api_version: &'static str,
    status: &'static str,
    code: u16,
    reason: &'a str,
    message: &'a str,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        let answer = Answer {
            kind: "Status",
            api_version: "v1",
            status: "Failure",
            code: self.status.as_u16(),
            reason: self.reason,
            message: &self.message,
        };
        let body = serde_json::to_vec(&answer).expect("a struct of strings and a number is always JSON");
        (self.status, [(header::CONTENT_TYPE, JSON)], body).into_response()
    }
}
