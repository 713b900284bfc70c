//! The health port: liveness, readiness and metrics over plain HTTP, for the kubelet and Prometheus.

use std::panic::resume_unwind;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::certificates::Certificates;
use super::failure::Failure;
use super::handler::Readiness;
use crate::telemetry::{Exposition, Metrics};

/// The state that the health port reports.
pub(super) struct Health {
    pub(super) readiness: Arc<dyn Readiness>,
    pub(super) certificates: Arc<Certificates>,
    pub(super) draining: CancellationToken,
    pub(super) metrics: Arc<Metrics>,
    /// The metrics that were rendered last.
    pub(super) rendered: Arc<Mutex<Option<Rendered>>>,
}

/// Metrics as `OpenMetrics` text.
pub(super) struct Rendered {
    text: Arc<str>,
    begun: Instant,
    /// The next rendering begins after this time.
    rest_until: Instant,
}

/// The pause after a rendering is this many times as long as the rendering: scrapes take at most half of one core, however many there
/// are.
const REST: u32 = 1;

impl Health {
    /// Returns the metrics at a time after this call. One task at a time renders them, on a thread for blocking work: gauges are cleared
    /// and filled again, and the time grows with the cluster. Requests that wait get the same text.
    async fn rendered(self: Arc<Self>) -> Arc<str> {
        let arrived = Instant::now();
        // The thread has the lock, because a client may go away before the end.
        let mut last = Arc::clone(&self.rendered).lock_owned().await;
        if let Some(Rendered { text, begun, rest_until }) = &*last {
            if *begun >= arrived {
                return Arc::clone(text);
            }
            sleep_until(*rest_until).await;
        }
        let rendering = spawn_blocking(move || {
            let begun = Instant::now();
            let text: Arc<str> = self.render().into();
            let rest_until = Instant::now() + begun.elapsed() * REST;
            *last = Some(Rendered { text: Arc::clone(&text), begun, rest_until });
            text
        });
        // A panic is answered and counted by the layer of the port. Without one, the runtime ends.
        rendering
            .await
            .unwrap_or_else(|error| error.try_into_panic().map_or_else(|_| Arc::from(""), |panic| resume_unwind(panic)))
    }

    fn render(&self) -> String {
        self.metrics.show_readiness(self.missing().is_empty());
        self.metrics.show_rights(&self.readiness.rights());
        self.metrics.registration.show_fault(self.readiness.registration(&self.certificates.chain()).as_ref());
        self.metrics.registration.show_limits(&self.readiness.registration_limits());
        self.metrics.show_controllers(self.readiness.controllers());
        self.metrics.configuration.show_waivers(&self.readiness.waivers());
        self.metrics.show_reload_blocks(&self.readiness.reload_blocks());
        self.metrics.tasks.show(&self.readiness.tasks());
        let stored = self.readiness.stored();
        self.metrics.show_stored(stored.is_holder, stored.figures.as_deref());
        self.metrics.encode(&self.readiness.objects(), &self.readiness.watches())
    }

    /// Returns why `/readyz` fails, one line each.
    fn missing(&self) -> Vec<String> {
        let mut missing = self.readiness.missing();
        if self.draining.is_cancelled() {
            missing.insert(0, "draining".to_owned());
        }
        missing
    }
}

pub(super) fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "use GET")
        })
        .fallback(async || {
            Failure::new(StatusCode::NOT_FOUND, "NotFound", "not found; served paths: /livez /readyz /metrics")
        })
        .with_state(Arc::new(health))
}

/// A certificate that cannot be reloaded does not affect readiness, because the last valid one is still served. Removing every
/// replica from the Service would turn a warning into an outage.
async fn readyz(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let missing = health.missing();
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = String::from(if missing.is_empty() { "ready\n" } else { "not ready\n" });
    let registration = health.readiness.registration(&health.certificates.chain());
    let registration = registration.and_then(Result::err).map(|fault| fault.to_string());
    let limits = health.readiness.registration_limits().into_iter().map(|limit| limit.to_string());
    let registration = registration.into_iter().chain(limits);
    let tasks = health.readiness.tasks().notes();
    let recorder = health.metrics.is_recording_stopped().then(|| {
        "reviews are not recorded until the next start: the recorder stopped after an error, which is in the log"
            .to_owned()
    });
    let notes = health
        .readiness
        .notes()
        .into_iter()
        .chain(registration)
        .chain(health.certificates.troubles())
        .chain(tasks)
        .chain(recorder);
    for line in missing.into_iter().chain(notes) {
        body.push_str(&line);
        body.push('\n');
    }
    (status, body)
}

async fn metrics(State(health): State<Arc<Health>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Exposition::accepted(&accept.collect::<Vec<_>>().join(","));
    let text = health.rendered().await;
    ([(header::CONTENT_TYPE, format.content_type())], format.of(text.to_string())).into_response()
}
