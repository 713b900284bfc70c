//! The log: one line per event on standard error, as text or JSON, filtered by `RUST_LOG`. Panics are logged as well.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::admission::Record;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Text for a terminal.
    Text,
}

/// The targets of the API client and its certificate verifier. They log each failed request as an error, without its cause. The caller
/// logs a failure once, with its causes.
const CLIENT: [&str; 2] = ["kube_client", "rustls_platform_verifier"];

/// The reason why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `RUST_LOG` is not a valid filter.
    #[error("RUST_LOG is not a valid log filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::FromEnvError),
    /// The log of this process was started before.
    #[error("the log was already started: {0}")]
    Running(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts the log and sends panics to it.
///
/// # Errors
/// If `RUST_LOG` is not a valid filter, or the log was started before.
pub fn start_log(format: LogFormat) -> Result<(), LogError> {
    let mut filter = match std::env::var_os(EnvFilter::DEFAULT_ENV) {
        Some(set) if !set.is_empty() => EnvFilter::try_from_default_env()?,
        _ => EnvFilter::new("info"),
    };
    let named = filter.to_string();
    let unnamed = CLIENT.iter().filter(|target| !named.contains(**target));
    for off in unnamed.filter_map(|target| format!("{target}=off").parse().ok()) {
        filter = filter.add_directive(off);
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init()
        }
        LogFormat::Text => log.with_ansi(colour()).finish().try_init(),
    }?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Writes the log line of one review, and another one if live reads did not confirm a denial. It runs on every request: without
/// findings it does not allocate.
pub(crate) fn log_review(record: &Record, took: Duration) {
    if let Some((_, reason)) = record.unconfirmed.first() {
        let mut codes: Vec<&str> = record.unconfirmed.iter().map(|(code, _)| *code).collect();
        codes.dedup();
        tracing::warn!(
            target: "review",
            uid = record.uid,
            namespace = record.namespace,
            name = record.name,
            codes = codes.join(","),
            reason = %reason,
            "denial not confirmed: the findings only warn",
        );
    }
    if !tracing::enabled!(target: "review", Level::INFO) {
        return;
    }
    let mut codes = String::new();
    for (code, _) in &record.findings {
        if codes.contains(code) {
            continue;
        }
        if !codes.is_empty() {
            codes.push(',');
        }
        codes.push_str(code);
    }
    tracing::info!(
        target: "review",
        uid = record.uid,
        namespace = record.namespace,
        name = record.name,
        operation = record.operation.name(),
        dryRun = record.dry_run,
        user = record.user,
        fieldManager = record.field_manager,
        verdict = record.outcome.name(),
        codes,
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "reviewed",
    );
}

fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(target: "panic", location, thread = thread.name().unwrap_or_default(), "{message}");
}
