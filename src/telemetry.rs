//! Metrics and log.
