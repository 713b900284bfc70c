//! The webhook port: `POST /validate` and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::Level;

use super::body::{BodyError, Held, Room};
use super::failure::{Failure, JSON};
use super::handler::Judge;
use super::limits::Limits;
use crate::admission::{Record, Rejection};
use crate::telemetry::Metrics;

struct Webhook<J> {
    judge: Arc<J>,
    room: Room,
    body_time: Duration,
    reviews: Semaphore,
    large_bytes: usize,
    large_reviews: Semaphore,
    review_wait: Duration,
    metrics: Arc<Metrics>,
}

/// The application behind the webhook port.
pub fn webhook<J: Judge>(judge: Arc<J>, limits: &Limits, metrics: Arc<Metrics>) -> Router {
    let webhook = Webhook {
        judge,
        room: Room::new(limits.body_bytes, limits.bodies_bytes),
        body_time: limits.body,
        reviews: Semaphore::new(limits.reviews),
        large_bytes: limits.large_bytes,
        large_reviews: Semaphore::new(limits.large_reviews),
        review_wait: limits.review_wait,
        metrics,
    };
    Router::new()
        .route("/validate", post(validate::<J>))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "reviews are sent with POST")
        })
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "NotFound", "reviews are sent to /validate"))
        .with_state(Arc::new(webhook))
}

async fn validate<J: Judge>(State(webhook): State<Arc<Webhook<J>>>, request: Request) -> Response {
    match webhook.validate(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(failure) => {
            webhook.metrics.rejected(failure.reason);
            tracing::debug!(status = failure.status.as_u16(), failure.reason, failure.message, "request refused");
            failure.into_response()
        }
    }
}

impl<J: Judge> Webhook<J> {
    async fn validate(&self, request: Request) -> Result<Vec<u8>, Failure> {
        let (head, mut body) = request.into_parts();
        let complete = match self.body(&head.headers, &mut body).await {
            Ok(body) => body,
            Err(failure) => {
                // Nothing more is coming in time from a client that has just been too slow.
                if failure.status != StatusCode::REQUEST_TIMEOUT {
                    self.room.discard(&mut body).await;
                }
                return Err(failure);
            }
        };
        // First, so that those who wait for it take no place that others could have.
        let is_large = complete.bytes.len() >= self.large_bytes;
        let _large = if is_large {
            Some(self.place(&self.large_reviews, "too many large reviews at once").await?)
        } else {
            None
        };
        let _place = self.place(&self.reviews, "too many reviews at once").await?;
        let started = Instant::now();
        let reviewed = self.judge.review(&complete.bytes).await.map_err(Failure::from)?;
        let took = started.elapsed();
        self.metrics.reviewed(&reviewed.record, took);
        log(&reviewed.record, took);
        Ok(reviewed.body)
    }

    async fn body(&self, headers: &HeaderMap, body: &mut Body) -> Result<Held, Failure> {
        if !is_json(headers) {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "the content type of a review is application/json",
            ));
        }
        let Ok(read) = timeout(self.body_time, self.room.read(body)).await else {
            let message = format!("the body was not complete after {:?}", self.body_time);
            return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "Timeout", message));
        };
        read.map_err(|error| match error {
            BodyError::TooLarge => Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                format!("the body is larger than {} bytes", self.room.each),
            ),
            BodyError::NoRoom => overloaded("there is no room for so many large bodies at once"),
            BodyError::Broken => Failure::new(StatusCode::BAD_REQUEST, "IncompleteBody", "the body ended early"),
        })
    }

    async fn place<'a>(&self, places: &'a Semaphore, none: &str) -> Result<SemaphorePermit<'a>, Failure> {
        match timeout(self.review_wait, places.acquire()).await {
            Ok(place) => Ok(place.expect("the semaphore is never closed")),
            Err(_) => Err(overloaded(none)),
        }
    }
}

fn overloaded(message: &str) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Overloaded", message)
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let status = StatusCode::from_u16(rejection.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, rejection.reason, rejection.message)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// One line per review. On the path of every request: nothing is allocated unless there are findings.
fn log(record: &Record, took: Duration) {
    if !tracing::enabled!(target: "review", Level::INFO) {
        return;
    }
    let mut codes = String::new();
    for (code, _) in &record.findings {
        if codes.contains(code) {
            continue;
        }
        if !codes.is_empty() {
            codes.push(',');
        }
        codes.push_str(code);
    }
    tracing::info!(
        target: "review",
        uid = record.uid,
        namespace = record.namespace,
        name = record.name,
        operation = record.operation,
        dryRun = record.dry_run,
        user = record.user,
        fieldManager = record.field_manager,
        verdict = record.verdict,
        codes,
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "reviewed",
    );
}
