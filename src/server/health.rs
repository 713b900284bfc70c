//! The health port: liveness, readiness and metrics over plain HTTP, for the kubelet and Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
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
}

impl Health {
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
    let tasks = health.readiness.tasks().notes();
    let notes =
        health.readiness.notes().into_iter().chain(registration).chain(health.certificates.troubles()).chain(tasks);
    for line in missing.into_iter().chain(notes) {
        body.push_str(&line);
        body.push('\n');
    }
    (status, body)
}

async fn metrics(State(health): State<Arc<Health>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Exposition::accepted(&accept.collect::<Vec<_>>().join(","));
    health.metrics.show_readiness(health.missing().is_empty());
    health.metrics.show_rights(&health.readiness.rights());
    health.metrics.show_registration(health.readiness.registration(&health.certificates.chain()).as_ref());
    health.metrics.show_controllers(health.readiness.controllers());
    health.metrics.configuration.show_waivers(&health.readiness.waivers());
    health.metrics.show_reload_blocks(&health.readiness.reload_blocks());
    health.metrics.tasks.show(&health.readiness.tasks());
    let text = health.metrics.encode(&health.readiness.objects(), &health.readiness.watches());
    ([(header::CONTENT_TYPE, format.content_type())], format.of(text)).into_response()
}
