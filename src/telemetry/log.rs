//! The log: one line per event on standard error, as text or JSON, filtered by `RUST_LOG`; panics go the same way.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Plain text.
    Text,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `RUST_LOG` is set to something that is no filter.
    #[error("RUST_LOG is not a log filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::FromEnvError),
    /// Another log is running in this process.
    #[error("the log was already started: {0}")]
    Running(#[from] tracing_subscriber::util::TryInitError),
}

/// Start the log and send panics to it.
///
/// # Errors
/// When `RUST_LOG` is not a filter, or a log was started before.
pub fn start_log(format: LogFormat) -> Result<(), LogError> {
    let filter = match std::env::var_os(EnvFilter::DEFAULT_ENV) {
        Some(set) if !set.is_empty() => EnvFilter::try_from_default_env()?,
        _ => EnvFilter::new("info"),
    };
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

fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(target: "panic", location, thread = thread.name().unwrap_or_default(), "{message}");
}
