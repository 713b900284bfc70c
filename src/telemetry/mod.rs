//! The log and the metrics of the process.

mod configuration;
mod denials;
mod exposition;
mod labels;
mod log;
mod metrics;
mod probes;
mod process;
mod registration;
mod reviews;
mod stored;
mod tasks;
mod trace;

pub use exposition::Exposition;
pub(crate) use log::log_review;
pub use log::{LogError, LogFormat, start_log};
pub use metrics::Metrics;
pub use stored::{CertificateEnd, FindingCount, StoredFigures};
pub use trace::Trace;
