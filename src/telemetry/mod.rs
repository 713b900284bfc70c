//! What operators see: the log and the metrics. What is worth saying is decided by whoever says it.

mod log;
mod metrics;

pub use log::{LogError, LogFormat, start_log};
pub use metrics::Metrics;
