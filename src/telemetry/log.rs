//! The log: one line per event on standard error, as text or JSON, filtered by `RUST_LOG`. Panics are logged as well.

use std::io::{self, IsTerminal, Write as _};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use super::trace::Trace;
use crate::admission::Record;
use crate::model::Kind;

/// The most characters of the message of a denial in a log line. A denial of many findings can have some 50 KB.
const DENIAL_LENGTH: usize = 2_000;

/// The target of the log lines of reviews, by which `RUST_LOG` filters.
const TARGET: &str = "review";
/// The message of these lines.
const REVIEWED: &str = "reviewed";

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

/// The format of the log, once it is started.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The log line of one review: the fields of its event, in the order of every JSON event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewLine<'a> {
    #[serde(serialize_with = "microseconds")]
    timestamp: Timestamp,
    level: &'static str,
    message: &'static str,
    uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    namespace: &'a str,
    name: &'a str,
    operation: &'static str,
    dry_run: bool,
    user: &'a str,
    field_manager: &'a str,
    verdict: &'static str,
    codes: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    denial: Option<&'a str>,
    #[serde(rename = "duration_us")]
    duration_us: u64,
    #[serde(rename = "trace_id", skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    target: &'static str,
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
    let _ = FORMAT.set(format);
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Writes the log line of one review, and another one if live reads did not confirm a denial. It runs on every request, so the
/// JSON line is written without the machinery of an event.
pub(crate) fn log_review(record: &Record, took: Duration, trace: Option<&Trace>) {
    let trace_id = trace.map(|trace| trace.id.as_str());
    if let Some((_, reason)) = record.unconfirmed.first() {
        let mut codes: Vec<&str> = record.unconfirmed.iter().map(|(code, _)| *code).collect();
        codes.dedup();
        tracing::warn!(
            target: TARGET,
            uid = record.uid,
            namespace = record.namespace,
            name = record.name,
            codes = codes.join(","),
            reason = %reason,
            trace_id,
            "denial not confirmed: the findings only warn",
        );
    }
    if !tracing::enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let codes = codes(record);
    let kind = (record.kind != Kind::Ingress).then(|| record.kind.name());
    let denial = record.denial.as_deref().map(|message| first_characters(message, DENIAL_LENGTH));
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if FORMAT.get() == Some(&LogFormat::Json) {
        let line = ReviewLine {
            timestamp: Timestamp::now(),
            level: "INFO",
            message: REVIEWED,
            uid: &record.uid,
            kind,
            namespace: &record.namespace,
            name: &record.name,
            operation: record.operation.name(),
            dry_run: record.dry_run,
            user: &record.user,
            field_manager: &record.field_manager,
            verdict: record.outcome.name(),
            codes: &codes,
            denial,
            duration_us,
            trace_id,
            target: TARGET,
        };
        let mut bytes = Vec::with_capacity(512);
        // Writing to a Vec cannot fail. A log that cannot be written is not an error of the review.
        let _ = serde_json::to_writer(&mut bytes, &line);
        bytes.push(b'\n');
        let _ = io::stderr().write_all(&bytes);
        return;
    }
    tracing::info!(
        target: TARGET,
        uid = record.uid,
        kind,
        namespace = record.namespace,
        name = record.name,
        operation = record.operation.name(),
        dryRun = record.dry_run,
        user = record.user,
        fieldManager = record.field_manager,
        verdict = record.outcome.name(),
        codes,
        denial,
        duration_us,
        trace_id,
        "{REVIEWED}",
    );
}

/// Returns the distinct codes of the findings, separated by commas.
fn codes(record: &Record) -> String {
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
    codes
}

/// Returns at most this many characters of a text.
fn first_characters(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// Serialises a time with six digits after the second, as in the other lines.
fn microseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.6}"))
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
