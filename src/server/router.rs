//! The webhook port, which serves `POST /validate`, and the layers around the application of each port.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{BoxError, Router};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceBuilder};
use tower_http::body::UnsyncBoxBody;
use tower_http::catch_panic::CatchPanicLayer;

use super::body::{BodyBudget, BodyError, Held};
use super::failure::{Failure, JSON};
use super::handler::ReviewHandler;
use super::limits::Limits;
use crate::admission::Rejection;
use crate::telemetry::{Metrics, log_review};

/// The body of a response behind the panic layer.
type LayeredBody = UnsyncBoxBody<Bytes, BoxError>;

struct Webhook<H> {
    handler: Arc<H>,
    bodies: BodyBudget,
    body_time: Duration,
    reviews: Semaphore,
    large_bytes: usize,
    large_reviews: Semaphore,
    review_wait: Duration,
    metrics: Arc<Metrics>,
}

/// Returns the application of the webhook port.
pub fn webhook<H: ReviewHandler>(handler: Arc<H>, limits: &Limits, metrics: Arc<Metrics>) -> Router {
    let webhook = Webhook {
        handler,
        bodies: BodyBudget::new(limits.body_bytes, limits.bodies_bytes),
        body_time: limits.body,
        reviews: Semaphore::new(limits.reviews),
        large_bytes: limits.large_bytes,
        large_reviews: Semaphore::new(limits.large_reviews),
        review_wait: limits.review_wait,
        metrics,
    };
    Router::new()
        .route("/validate", post(validate::<H>))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "use POST")
        })
        .fallback(async || {
            Failure::new(StatusCode::NOT_FOUND, "NotFound", "not found; reviews are served at /validate")
        })
        .with_state(Arc::new(webhook))
}

/// Puts the layers of a connection around the application of its port, the outermost first. Each request sets `seen`. Once
/// `closing` is cancelled, responses ask the client to reconnect; this includes responses after a panic.
pub(super) fn layered(
    app: Router,
    metrics: Arc<Metrics>,
    seen: Arc<AtomicBool>,
    closing: Option<CancellationToken>,
) -> impl Service<Request<Incoming>, Response = Response<LayeredBody>, Error = Infallible, Future: Send> + Clone {
    ServiceBuilder::new()
        .map_request(move |request: Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            request.map(Body::new)
        })
        .map_response(move |mut response: Response<LayeredBody>| {
            if closing.as_ref().is_some_and(CancellationToken::is_cancelled) {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        })
        .layer(CatchPanicLayer::custom(move |_panic| {
            metrics.panics.inc();
            Failure::panicked().into_response()
        }))
        .service(app)
}

async fn validate<H: ReviewHandler>(State(webhook): State<Arc<Webhook<H>>>, request: Request) -> Response {
    match webhook.validate(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(failure) => {
            webhook.metrics.rejected(failure.reason);
            tracing::debug!(status = failure.status.as_u16(), failure.reason, failure.message, "request refused");
            failure.into_response()
        }
    }
}

impl<H: ReviewHandler> Webhook<H> {
    async fn validate(&self, request: Request) -> Result<Vec<u8>, Failure> {
        let (head, mut body) = request.into_parts();
        let complete = match self.body(&head.headers, &mut body).await {
            Ok(body) => body,
            Err(failure) => {
                // After a timeout the rest of the body is not expected in time either.
                if failure.status != StatusCode::REQUEST_TIMEOUT {
                    self.bodies.discard(&mut body).await;
                }
                return Err(failure);
            }
        };
        // Acquired first: a large review that waits does not hold a permit that a small one could use.
        let is_large = complete.bytes.len() >= self.large_bytes;
        let _large = if is_large {
            Some(self.place(&self.large_reviews, "too many large reviews in progress").await?)
        } else {
            None
        };
        let _place = self.place(&self.reviews, "too many reviews in progress").await?;
        let started = Instant::now();
        let reviewed = self.handler.review(&complete.bytes).await.map_err(Failure::from)?;
        let took = started.elapsed();
        self.metrics.reviewed(&reviewed.record, took);
        log_review(&reviewed.record, took);
        Ok(reviewed.body)
    }

    async fn body(&self, headers: &HeaderMap, body: &mut Body) -> Result<Held, Failure> {
        if !is_json(headers) {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "the content type must be application/json",
            ));
        }
        let Ok(read) = timeout(self.body_time, self.bodies.read(body)).await else {
            let message = format!("the body was incomplete after {:?}", self.body_time);
            return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "Timeout", message));
        };
        read.map_err(|error| match error {
            BodyError::TooLarge => Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                format!("the body is larger than {} bytes", self.bodies.each),
            ),
            BodyError::OverBudget => overloaded("request bodies exceed the memory limit"),
            BodyError::Broken => Failure::new(
                StatusCode::BAD_REQUEST,
                "IncompleteBody",
                "the connection closed before the body was complete",
            ),
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
