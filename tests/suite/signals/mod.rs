//! Metrics, alerts and the dashboard, as Prometheus and Grafana read them.

mod alerts;
mod dashboard;
mod exposition;
mod traces;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pcre2::bytes::Regex;
use serde_json::Value;

use crate::registry::files_below;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Metrics of other programs that rules and the dashboard use: those of the API server, and `up` of Prometheus.
const OF_OTHERS: [&str; 5] = [
    "apiserver_admission_webhook_admission_duration_seconds",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
    "apiserver_request_total",
    "up",
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The names of the metrics in the source, without the suffixes of their types.
fn registered() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files_below("src/telemetry", "rs") {
        let source = read(path.to_str().unwrap());
        let names_after = |mark: &str| -> Vec<String> {
            let calls = source.split(mark).skip(1);
            let name = |call: &str| Some(call.trim_start().strip_prefix('"')?.split('"').next()?.to_owned());
            calls.filter_map(name).collect()
        };
        names.extend(names_after(".register(").iter().map(|name| format!("ingress_guard_{name}")));
        names.extend(names_after("write(").into_iter().filter(|name| name.starts_with("process_")));
    }
    assert!(names.len() > 30, "{names:?}");
    names
}

/// The metrics that expressions of Prometheus name.
fn metrics(expressions: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\b(?:ingress_guard|apiserver|process|nginx)_[a-z_]+\b|\bup\b").unwrap();
    let found = name.find_iter(expressions.as_bytes()).map(|found| found.unwrap().as_bytes());
    found.map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
}

/// Panics if an expression names a metric that does not exist.
#[track_caller]
fn assert_metrics_exist(expressions: &str) {
    let known: BTreeSet<String> = registered().into_iter().chain(OF_OTHERS.map(str::to_owned)).collect();
    let suffixes = ["", "_total", "_info", "_bucket", "_count", "_sum"];
    let exists =
        |name: &str| suffixes.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|name| known.contains(name)));
    let used = metrics(expressions);
    let unknown: Vec<&String> = used.iter().filter(|name| !exists(name)).collect();
    assert!(unknown.is_empty() && used.len() > 5, "{unknown:?}");
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}
