//! The record of writes to the cluster: metrics, and log lines that do not repeat.

use std::sync::Arc;

use crate::cluster::ApiError;
use crate::telemetry::Metrics;

/// The record of one kind of writes.
pub(super) struct Output {
    /// The value of the label `output`.
    name: &'static str,
    metrics: Arc<Metrics>,
    /// The last error since a write succeeded.
    error: Option<String>,
}

impl Output {
    pub(super) fn new(name: &'static str, metrics: Arc<Metrics>) -> Self {
        Self { name, metrics, error: None }
    }

    /// Counts a write.
    pub(super) fn written(&mut self) {
        self.error = None;
        self.metrics.stored.output(self.name, "written");
    }

    /// Counts a failure, and logs it unless it is the same as the last one.
    pub(super) fn failed(&mut self, error: &ApiError) {
        self.metrics.stored.output(self.name, "failed");
        let error = error.to_string();
        if self.error.as_ref() != Some(&error) {
            tracing::warn!(output = self.name, %error, "cannot write what the background audit has found; retrying");
        }
        self.error = Some(error);
    }
}
