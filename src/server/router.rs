//! The webhook port, which serves `POST /validate` and `POST /impact`, and the layers around the application of each port.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{BoxError, Extension, Router};
use hyper::body::Incoming;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceBuilder};
use tower_http::body::UnsyncBoxBody;
use tower_http::catch_panic::CatchPanicLayer;

use super::body::{BodyBudget, BodyError, Held};
use super::connections::Activity;
use super::failure::{Failure, JSON};
use super::fast::FastPlaces;
use super::handler::{Endpoint, ReviewHandler};
use super::limits::Limits;
use super::slow::{Author, SlowPlaces};
use crate::admission::{Place, Preview, Rejection, Reviewed};
use crate::model::REVIEW_PATH;
use crate::telemetry::{Metrics, Trace, log_review};

/// The body of a response behind the panic layer.
type LayeredBody = UnsyncBoxBody<Bytes, BoxError>;

/// The reviews of one path.
struct Webhook<H> {
    endpoint: Endpoint,
    handler: Arc<H>,
    bodies: BodyBudget,
    body_time: Duration,
    large_bytes: usize,
    fast: FastPlaces,
    slow: SlowPlaces,
    review_wait: Duration,
    metrics: Arc<Metrics>,
}

/// The reason why a request got no verdict, as an extension of its response.
#[derive(Clone)]
struct Refusal {
    reason: &'static str,
    message: String,
}

/// Sets its flag when it is dropped: the client has gone, or the review has ended.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A review without an answer so far. If its client goes first, the API server applies its `failurePolicy`, and nothing else here
/// would show that.
struct Unanswered<'a>(Option<&'a Metrics>);

impl Unanswered<'_> {
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        // A panic is answered and counted by its layer.
        if let Some(metrics) = self.0.filter(|_| !std::thread::panicking()) {
            metrics.rejected("ClientGone");
            tracing::warn!("the client has gone before its review was answered");
        }
    }
}

/// Returns the application of the webhook port. Each path has places and memory of its own. Slow reviews run on the runtime within
/// which it is called.
///
/// # Panics
/// If it is called outside a tokio runtime.
pub fn webhook<H: ReviewHandler>(handler: Arc<H>, limits: &Limits, metrics: Arc<Metrics>) -> Router {
    let validate = Webhook::new(Endpoint::Validate, Arc::clone(&handler), limits, Arc::clone(&metrics));
    let impact = Webhook::new(Endpoint::Impact, handler, &limits.impact(), metrics);
    Router::new()
        .route(REVIEW_PATH, post(answer::<H>).with_state(Arc::new(validate)))
        .route("/impact", post(answer::<H>).with_state(Arc::new(impact)))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "use POST")
        })
        .fallback(async || {
            Failure::new(StatusCode::NOT_FOUND, "NotFound", "not found; reviews are served at /validate and /impact")
        })
}

/// Puts the policy of a connection around the application of its port, the outermost layer first. Once `closing` is cancelled,
/// responses ask the client to reconnect; this includes responses after a panic. Limits that depend on a body are in
/// [`Webhook::answer`].
pub(super) fn layered(
    app: Router,
    metrics: Arc<Metrics>,
    activity: Arc<Activity>,
    closing: Option<CancellationToken>,
) -> impl Service<Request<Incoming>, Response = Response<LayeredBody>, Error = Infallible, Future: Send> + Clone {
    let panics = Arc::clone(&metrics);
    ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(Body::new))
        // Limits: a connection with a request in progress is not closed.
        .map_future(move |response| {
            let in_progress = activity.begin();
            async move {
                let response = response.await;
                drop(in_progress);
                response
            }
        })
        // Drain.
        .map_response(move |mut response: Response<LayeredBody>| {
            if closing.as_ref().is_some_and(CancellationToken::is_cancelled) {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        })
        // Metrics and trace.
        .map_response(move |response: Response<LayeredBody>| {
            if let Some(refusal) = response.extensions().get::<Refusal>() {
                metrics.rejected(refusal.reason);
                tracing::debug!(
                    status = response.status().as_u16(),
                    refusal.reason,
                    refusal.message,
                    "request refused"
                );
            }
            response
        })
        // Panics.
        .layer(CatchPanicLayer::custom(move |_panic| {
            panics.panics.inc();
            Failure::panicked().into_response()
        }))
        .service(app)
}

async fn answer<H: ReviewHandler>(State(webhook): State<Arc<Webhook<H>>>, request: Request) -> Response {
    match webhook.answer(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(failure) => {
            let refusal = Refusal { reason: failure.reason, message: failure.message.clone() };
            (Extension(refusal), failure).into_response()
        }
    }
}

impl<H: ReviewHandler> Webhook<H> {
    fn new(endpoint: Endpoint, handler: Arc<H>, limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            endpoint,
            handler,
            bodies: BodyBudget::new(limits),
            body_time: limits.body,
            large_bytes: limits.large_bytes,
            fast: FastPlaces::new(limits.reviews, limits.review_wait),
            slow: SlowPlaces::new(limits, Arc::clone(&metrics)),
            review_wait: limits.review_wait,
            metrics,
        }
    }

    async fn answer(&self, request: Request) -> Result<Vec<u8>, Failure> {
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
        let started = Instant::now();
        let unanswered = Unanswered(Some(&self.metrics));
        let reviewed = self.review(complete).await;
        unanswered.end();
        let reviewed = reviewed?;
        let took = started.elapsed();
        if reviewed.record.panicked {
            self.metrics.panics.inc();
        }
        let trace = head.headers.get("traceparent").and_then(|value| Trace::parse(value.to_str().ok()?));
        self.metrics.reviewed(&reviewed.record, took, trace.as_ref());
        log_review(&reviewed.record, took, trace.as_ref());
        Ok(reviewed.body)
    }

    async fn review(&self, body: Held) -> Result<Reviewed, Failure> {
        match self.fast(&body).await? {
            Some(reviewed) => Ok(reviewed),
            None => self.slow(body).await,
        }
    }

    /// Reviews a small body on this thread. Returns `None` for a large body, for a review that exceeds its allowance, and for one
    /// whose author has to use slow places.
    async fn fast(&self, body: &Held) -> Result<Option<Reviewed>, Failure> {
        if body.bytes.len() >= self.large_bytes || !self.fast.admit(&body.bytes) {
            return Ok(None);
        }
        let Some(_place) = self.fast.enter().await else {
            return Err(overloaded("too many reviews in progress"));
        };
        let reviewed = self.handler.review(self.endpoint, &body.bytes, Place::Fast).await?;
        self.fast.count(&body.bytes, &reviewed);
        Ok((!reviewed.exceeded_allowance).then_some(reviewed))
    }

    /// Reviews a body on a thread for slow reviews, from the beginning: the verdict does not depend on the place.
    async fn slow(&self, body: Held) -> Result<Reviewed, Failure> {
        let author = Author::of(&Preview::of(&body.bytes));
        let cancel = Cancel(Arc::default());
        let (endpoint, handler, place) = (self.endpoint, Arc::clone(&self.handler), Place::Slow(Arc::clone(&cancel.0)));
        let review = async move { handler.review(endpoint, &body.bytes, place).await };
        match self.slow.run(author, self.review_wait, review).await {
            Some(reviewed) => Ok(reviewed?),
            None => Err(overloaded("too many slow reviews in progress")),
        }
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
