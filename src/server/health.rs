//! The health port: liveness, readiness and metrics over plain HTTP, for the kubelet and Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use super::certificates::Certificates;
use super::failure::Failure;
use super::handler::Readiness;
use crate::telemetry::Metrics;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The state that the health port reports.
pub(super) struct Health {
    pub(super) readiness: Arc<dyn Readiness>,
    pub(super) certificates: Arc<Certificates>,
    pub(super) draining: CancellationToken,
    pub(super) metrics: Arc<Metrics>,
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
    let mut missing = health.readiness.missing();
    if health.draining.is_cancelled() {
        missing.insert(0, "draining".to_owned());
    }
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = String::from(if missing.is_empty() { "ready\n" } else { "not ready\n" });
    let registration = health.readiness.registration(&health.certificates.chain());
    let registration = registration.and_then(Result::err).map(|fault| fault.to_string());
    let notes = health.readiness.notes().into_iter().chain(registration).chain(health.certificates.troubles());
    for line in missing.into_iter().chain(notes) {
        body.push_str(&line);
        body.push('\n');
    }
    (status, body)
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    health.metrics.show_rights(&health.readiness.rights());
    health.metrics.show_registration(health.readiness.registration(&health.certificates.chain()).as_ref());
    health.metrics.show_controllers(health.readiness.controllers());
    health.metrics.configuration.show_waivers(&health.readiness.waivers());
    health.metrics.show_reload_blocks(&health.readiness.reload_blocks());
    let text = health.metrics.encode(&health.readiness.objects(), &health.readiness.watches());
    ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}
