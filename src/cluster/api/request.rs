//! Requests with typed answers. Responses with a Secret never reach the log.

use std::time::Duration;

use http_body_util::BodyExt as _;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::pages::ApiError;

/// The time limit of one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A response of the API server.
pub(crate) struct Answer<T> {
    pub(crate) object: T,
    /// The clock of the API server.
    pub(crate) server_time: Option<Timestamp>,
}

/// The reason why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such object.
    #[error("it does not exist")]
    Absent,
    /// RBAC refuses the request.
    #[error("no permission: {0}")]
    Forbidden(String),
    /// The object has another resourceVersion.
    #[error("it was changed meanwhile")]
    Conflict,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    message: String,
}

/// Sends a request and reads an object from the response.
pub(crate) async fn send<T: DeserializeOwned>(
    client: &Client,
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Answer<T>, Failure> {
    let request = request.map_err(|error| Failure::Other(error.to_string()))?.map(Body::from);
    let answered = async {
        let (head, body) = client.send(request).await?.into_parts();
        Ok::<_, kube::Error>((head, body.collect().await?.to_bytes()))
    };
    let answered = timeout(PATIENCE, answered).await.map_err(|_| ApiError::Silence);
    let answered = answered.and_then(|answered| Ok(answered?));
    let (head, body) = answered.map_err(|error| Failure::Other(error.to_string()))?;
    if !head.status.is_success() {
        let message =
            serde_json::from_slice(&body).map_or_else(|_| head.status.to_string(), |Message { message }| message);
        return Err(match head.status.as_u16() {
            404 => Failure::Absent,
            401 | 403 => Failure::Forbidden(message),
            409 => Failure::Conflict,
            _ => Failure::Other(message),
        });
    }
    let date = head.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    // The form of HTTP is one of RFC 2822.
    let server_time = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    // The error of serde_json would quote the content.
    let unreadable = |_| Failure::Other("the response of the API server cannot be parsed".to_owned());
    Ok(Answer { object: serde_json::from_slice(&body).map_err(unreadable)?, server_time })
}
