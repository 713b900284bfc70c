//! The metric of background tasks.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::tasks::Tasks;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabel {
    task: &'static str,
}

/// The panics of background tasks.
#[derive(Debug, Default)]
pub(crate) struct TaskMetrics(Family<TaskLabel, Counter>);

impl TaskMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "task_panics",
            "Panics of background tasks, which start again after each, by task",
            self.0.clone(),
        );
    }

    /// Sets the counters to those of the tasks.
    pub(crate) fn show(&self, tasks: &Tasks) {
        for (task, panics) in tasks.panics() {
            self.0.get_or_create(&TaskLabel { task }).inner().store(panics.count, Ordering::Relaxed);
        }
    }
}
