//! The formats of `/metrics`, and the series that exist from the start.

use std::collections::BTreeSet;
use std::time::Duration;

use ingress_guard::admission::{Operation, Outcome};
use ingress_guard::checks;
use ingress_guard::cluster::WatchStatus;
use ingress_guard::model::Kind;
use ingress_guard::telemetry::{Exposition, Metrics, Trace};
use pcre2::bytes::Regex;

use super::{read, registered};
use crate::promtool::promtool;
use crate::server::client::{eventually, plain_get};
use crate::server::handler::record;
use crate::server::running::{calm, start};

/// The header that Prometheus 3 sends by default.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// Metrics of all families that do not depend on a cluster.
fn metrics() -> String {
    let metrics = Metrics::new();
    let trace = Trace { id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(), is_sampled: true };
    metrics.reviewed(&record(), Duration::from_millis(3), Some(&trace));
    let watch = WatchStatus {
        kind: Kind::Service,
        only: None,
        last_event: Some(std::time::Instant::now()),
        restarts: 1,
        skipped: 0,
        trouble: None,
        idle_since: None,
    };
    metrics.encode(&[("Service", 3)], &[watch])
}

#[test]
fn the_format_is_selected_by_the_accept_header() {
    for accept in [
        PROMETHEUS,
        "application/openmetrics-text",
        "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8",
        "Application/OpenMetrics-Text;Version=1.0.0",
        "text/plain;q=0.5, application/openmetrics-text;q=0.5",
    ] {
        assert_eq!(Exposition::accepted(accept), Exposition::OpenMetrics, "{accept}");
    }
    for accept in [
        "",
        "*/*",
        "text/plain",
        "application/json",
        "application/openmetrics-text;version=0.0.1,text/plain;q=0.1",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.6",
        "application/openmetrics-text;q=high",
    ] {
        assert_eq!(Exposition::accepted(accept), Exposition::Text, "{accept}");
    }
}

#[test]
fn text_names_families_after_their_samples_and_has_no_exemplars() {
    let open_metrics = "# HELP a_reviews Reviews.\n# TYPE a_reviews counter\n\
        a_reviews_total{user=\"x # {y=\\\"z\\\"} \"} 2 # {trace_id=\"1\"} 0.5 1.0\n\
        # HELP a_build The build.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
        # HELP a_seconds Time.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
        a_seconds_bucket{le=\"1.0\"} 1 # {trace_id=\"1\"} 0.5\n# EOF\n";
    let expected = "# HELP a_reviews_total Reviews.\n# TYPE a_reviews_total counter\n\
        a_reviews_total{user=\"x # {y=\\\"z\\\"} \"} 2\n\
        # HELP a_build_info The build.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
        # HELP a_seconds Time.\n# TYPE a_seconds histogram\n\
        a_seconds_bucket{le=\"1.0\"} 1\n";
    assert_eq!(Exposition::Text.of(open_metrics.to_owned()), expected);
    assert_eq!(Exposition::OpenMetrics.of(open_metrics.to_owned()), open_metrics);
}

#[test]
fn both_formats_have_the_same_samples() {
    let open_metrics = metrics();
    let text = Exposition::Text.of(open_metrics.clone());
    let samples = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(" # ").next().unwrap().to_owned()).collect()
    };
    assert!(samples(&text).len() > 300, "{text}");
    assert_eq!(samples(&text), samples(&open_metrics));
    assert!(open_metrics.contains("# {trace_id=") && !text.contains("trace_id"));
}

#[test]
fn promtool_finds_no_problem_in_the_text_format() {
    let text = Exposition::Text.of(metrics());
    let Some((is_good, output)) = promtool("the format of metrics", &["check", "metrics"], &text) else { return };
    assert!(is_good && output.is_empty(), "{output}");
    let (is_good, output) = promtool("", &["check", "metrics"], &text.replace("_total", "_number")).unwrap();
    assert!(!is_good && output.contains("counter metrics should have \"_total\" suffix"), "{output}");
}

#[tokio::test]
async fn each_replica_shows_whether_it_is_ready() {
    let server = start(calm()).await;
    assert!(server.counts("ingress_guard_ready 1").await);
    server.handler.missing.lock().unwrap().push("Service: not listed yet".to_owned());
    eventually("unready", async || server.counts("ingress_guard_ready 0").await).await;
}

#[tokio::test]
async fn counters_begin_at_zero_for_all_known_labels() {
    let server = start(calm()).await;
    let (_, text) = plain_get(server.health, "/metrics").await;
    let mut expected = vec![
        "ingress_guard_last_review_timestamp_seconds 0".to_owned(),
        "ingress_guard_live_reads_total{kind=\"Secret\",result=\"left_out\"} 0".to_owned(),
        "ingress_guard_tls_handshake_failures_total{reason=\"refused\"} 0".to_owned(),
        "ingress_guard_evicted_connections_total{port=\"webhook\"} 0".to_owned(),
    ];
    for operation in [Operation::Create, Operation::Update].map(Operation::name) {
        let verdicts = Outcome::ALL.map(Outcome::name);
        expected.extend(verdicts.map(|verdict| {
            format!("ingress_guard_reviews_total{{operation=\"{operation}\",verdict=\"{verdict}\"}} 0")
        }));
    }
    for code in checks::ALL.iter().map(|check| check.code) {
        expected.push(format!("ingress_guard_would_deny_total{{code=\"{code}\"}} 0"));
        let levels = ["audit", "warn", "deny"];
        expected
            .extend(levels.map(|level| format!("ingress_guard_findings_total{{code=\"{code}\",level=\"{level}\"}} 0")));
    }
    let lines: BTreeSet<&str> = text.lines().collect();
    let missing: Vec<&String> = expected.iter().filter(|line| !lines.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The reasons in the source are the series that exist from the start.
#[test]
fn all_reasons_of_rejections_and_failed_handshakes_are_known() {
    let text = metrics();
    let series = |metric: &str| -> BTreeSet<String> {
        let start = format!("{metric}{{reason=\"");
        let reasons = text.lines().filter_map(|line| line.strip_prefix(&start)?.split('"').next());
        reasons.map(str::to_owned).collect()
    };
    let in_source = |files: &[&str], pattern: &str| -> BTreeSet<String> {
        let pattern = Regex::new(pattern).unwrap();
        let sources = files.iter().map(|file| read(file));
        let reasons = sources.flat_map(|source| {
            let found = pattern.captures_iter(source.as_bytes()).map(|found| found.unwrap());
            found.map(|found| String::from_utf8(found[1].to_vec()).unwrap()).collect::<Vec<_>>()
        });
        reasons.collect()
    };
    let webhook = ["src/server/router.rs", "src/admission/review.rs"];
    let mut rejections = in_source(&webhook, r#"(?s)(?:rejected\(|Rejection::new\(\s*|StatusCode::\w+,\s*)"(\w+)""#);
    // `fn overloaded` passes its reason like the others. Requests for other paths are not reviews.
    for other in ["MethodNotAllowed", "NotFound"] {
        assert!(rejections.remove(other), "{rejections:?}");
    }
    assert_eq!(rejections, series("ingress_guard_rejected_requests_total"));
    let handshakes = in_source(&["src/server/handshake.rs"], r#"(?:reason: |REFUSED: &str = )"(\w+)""#);
    assert_eq!(handshakes, series("ingress_guard_tls_handshake_failures_total"));
}

#[test]
fn the_process_has_the_metrics_of_every_client_library() {
    let text = metrics();
    let value = |name: &str| -> f64 {
        let sample = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        sample.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    };
    let now = jiff::Timestamp::now().as_second();
    #[expect(clippy::cast_precision_loss, reason = "a difference of seconds")]
    let age = now as f64 - value("process_start_time_seconds");
    assert!((-2.0..600.0).contains(&age), "{age}");
    assert!(value("process_cpu_seconds_total") > 0.0);
    if cfg!(target_os = "linux") {
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") < value("process_max_fds"));
    }
}

#[test]
fn the_documented_metrics_are_those_that_exist() {
    let page = read("docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<&str> = rows.filter(|name| name.contains('_')).collect();
    let registered = registered();
    let suffixes = ["", "_total", "_info"];
    let base = |name: &str| {
        let bases = suffixes.iter().filter_map(|suffix| name.strip_suffix(suffix));
        bases.map(str::to_owned).find(|base| registered.contains(base))
    };
    let unknown: Vec<_> = documented.iter().filter(|name| base(name).is_none()).collect();
    assert!(unknown.is_empty(), "not a metric: {unknown:?}");
    let found: BTreeSet<String> = documented.iter().filter_map(|name| base(name)).collect();
    let missing: Vec<_> = registered.difference(&found).collect();
    assert!(missing.is_empty(), "not in docs/metrics.md: {missing:?}");
}
