//! The log and the metrics of the process.

mod configuration;
mod log;
mod metrics;

pub(crate) use log::log_review;
pub use log::{LogError, LogFormat, start_log};
pub use metrics::Metrics;
