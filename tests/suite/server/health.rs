//! The health port.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use futures::future::join_all;
use ingress_guard::telemetry::Metrics;

use super::client::{eventually, plain, plain_accepting, plain_get, review};
use super::handler::Echo;
use super::running::{calm, start, start_app_counted, start_handling};

#[tokio::test]
async fn livez_returns_ok() {
    let server = start(calm()).await;
    server.handler.missing.lock().unwrap().push("anything".to_owned());
    assert_eq!(plain_get(server.health, "/livez").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn readyz_lists_missing_kinds() {
    let server = start(calm()).await;
    assert_eq!(server.readyz().await, (200, "ready\n".to_owned()));
    *server.handler.missing.lock().unwrap() = vec!["Service: not listed yet".to_owned(), "Secret: x".to_owned()];
    let expected = "not ready\nService: not listed yet\nSecret: x\n";
    assert_eq!(server.readyz().await, (503, expected.to_owned()));
    server.handler.missing.lock().unwrap().clear();
    assert_eq!(server.readyz().await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn metrics_count_reviews_and_findings() {
    let server = start(calm()).await;
    for _ in 0..2 {
        assert_eq!(server.client().send(review("{}")).await.status, 200);
    }
    let (status, head, text) = plain(server.health, "GET", "/metrics").await;
    assert_eq!(status, 200);
    assert!(head.to_lowercase().contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
    for line in [
        r#"ingress_guard_reviews_total{operation="CREATE",verdict="warn"} 2"#,
        r#"ingress_guard_findings_total{code="IG202",level="warn"} 2"#,
        r#"ingress_guard_findings_total{code="IG301",level="audit"} 2"#,
        r#"ingress_guard_would_deny_total{code="IG202"} 2"#,
        "ingress_guard_review_duration_seconds_count 2",
        r#"ingress_guard_review_duration_seconds_bucket{le="+Inf"} 2"#,
        r#"ingress_guard_objects{kind="Ingress"} 3"#,
        r#"ingress_guard_objects{kind="Service"} 7"#,
        "ingress_guard_panics_total 0",
        "ingress_guard_certificate_reload_failures_total 0",
        "ingress_guard_certificate_reload_failing 0",
        "# TYPE ingress_guard_reviews_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    assert!(text.contains(r#"ingress_guard_review_duration_seconds_bucket{le="0.0001"}"#), "{text}");
    let (version, target) = (env!("CARGO_PKG_VERSION"), ingress_guard::version::TARGET);
    let build = format!("ingress_guard_build_info{{version=\"{version}\",commit=\"unknown\",target=\"{target}\"}} 1\n");
    assert!(text.contains(&build) && target.contains('-'), "{text}");
    let value = |name: &str| -> i64 {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse().unwrap()
    };
    let age = jiff::Timestamp::now().as_second() - value("ingress_guard_last_review_timestamp_seconds");
    assert!((0..60).contains(&age), "{age}");
    let validity =
        ["not_before", "expiry"].map(|end| value(&format!("ingress_guard_certificate_{end}_timestamp_seconds")));
    assert!(validity[0] < validity[1], "{validity:?}");
}

/// On one thread: a rendering there would delay every probe.
#[tokio::test]
async fn a_flood_of_scrapes_is_rendered_together_and_delays_no_probe() {
    let handler = Echo::rendering(Duration::from_secs(1));
    let server = start_handling(calm(), handler).await;
    let started = Instant::now();
    let scrapes = join_all((0..30).map(|_| plain_get(server.health, "/metrics")));
    let probes = async {
        let mut longest = Duration::ZERO;
        for _ in 0..5 {
            let probed = Instant::now();
            assert_eq!(server.readyz().await.0, 200);
            longest = longest.max(probed.elapsed());
        }
        longest
    };
    let (answers, longest) = tokio::join!(scrapes, probes);
    assert!(answers.iter().all(|(status, text)| *status == 200 && text.contains("ingress_guard_ready 1")));
    let rendered = server.handler.rendered.load(Ordering::SeqCst);
    assert!(rendered <= 3, "{rendered}");
    assert!(longest < Duration::from_millis(900), "{longest:?}");
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_panic_of_a_background_task_is_a_note_and_a_metric() {
    let server = start(calm()).await;
    let metrics = async || plain_get(server.health, "/metrics").await.1;
    assert!(metrics().await.contains("ingress_guard_task_panics_total{task=\"serving_certificate\"} 0\n"));
    let _ended = server.handler.tasks.keep("rechecks", async || panic!("as asked"));
    eventually("the metric", async || {
        metrics().await.contains("ingress_guard_task_panics_total{task=\"rechecks\"} 1\n")
    })
    .await;
    let (status, body) = server.readyz().await;
    assert_eq!(status, 200);
    assert!(body.starts_with("ready\ninternal error: the background task rechecks panicked once, last at "), "{body}");
}

/// Empty metrics would look like a process without a fault.
#[tokio::test]
async fn a_panic_of_a_scrape_is_an_error_and_counted() {
    let server = start(calm()).await;
    server.handler.panics.store(true, Ordering::SeqCst);
    assert_eq!(plain_get(server.health, "/metrics").await.0, 500);
    assert!(server.counts("ingress_guard_panics_total 1").await);
}

#[tokio::test]
async fn a_recorder_that_stopped_is_a_note() {
    let metrics = Arc::new(Metrics::new());
    let server = start_app_counted(calm(), Router::new(), Arc::clone(&metrics)).await;
    assert_eq!(server.readyz().await, (200, "ready\n".to_owned()));
    metrics.recording_stopped();
    let (status, body) = server.readyz().await;
    assert_eq!(status, 200);
    assert!(body.starts_with("ready\nreviews are not recorded until the next start: "), "{body}");
}

#[tokio::test]
async fn a_scraper_that_accepts_open_metrics_gets_exemplars() {
    let server = start(calm()).await;
    let mut traced = review("{}");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    traced.headers_mut().insert("traceparent", trace.parse().unwrap());
    assert_eq!(server.client().send(traced).await.status, 200);
    let (_, head, text) =
        plain_accepting(server.health, "/metrics", "application/openmetrics-text;version=1.0.0").await;
    assert!(head.to_lowercase().contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(text.contains("# {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} "), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn other_paths_and_methods_are_rejected() {
    let server = start(calm()).await;
    assert_eq!(plain(server.health, "GET", "/validate").await.0, 404);
    assert_eq!(plain(server.health, "POST", "/readyz").await.0, 405);
}
