//! The record of writes to the cluster: metrics, and a few log lines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cluster::ApiError;
use crate::telemetry::Metrics;

/// The shortest time between two log lines. Errors differ in the objects that they name.
const PAUSE: Duration = Duration::from_mins(1);

/// The record of one kind of writes.
pub(super) struct Output {
    /// The value of the label `output`.
    name: &'static str,
    metrics: Arc<Metrics>,
    /// The time of the last log line.
    logged: Option<Instant>,
}

impl Output {
    pub(super) fn new(name: &'static str, metrics: Arc<Metrics>) -> Self {
        Self { name, metrics, logged: None }
    }

    /// Counts a write.
    pub(super) fn written(&self) {
        self.metrics.stored.output(self.name, "written");
    }

    /// Counts a failure, and logs it unless another one was logged a short time ago.
    pub(super) fn failed(&mut self, error: &ApiError) {
        self.metrics.stored.output(self.name, "failed");
        if self.is_log_due(Instant::now()) {
            tracing::warn!(output = self.name, %error, "cannot write what the background audit has found; retrying");
        }
    }

    fn is_log_due(&mut self, now: Instant) -> bool {
        let is_due = self.logged.is_none_or(|logged| now.saturating_duration_since(logged) >= PAUSE);
        if is_due {
            self.logged = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_logged_once_a_minute() {
        let (mut output, begun) = (Output::new("report", Arc::new(Metrics::new())), Instant::now());
        let logged = (0..300).filter(|second| output.is_log_due(begun + Duration::from_secs(*second))).count();
        assert_eq!(logged, 5);
    }
}
