//! Traces of requests, exemplars, and the Ingresses that were denied lately.

use std::time::Duration;

use ingress_guard::admission::{Outcome, Record};
use ingress_guard::telemetry::{Metrics, Trace};

use crate::server::handler::record;

const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn denied(namespace: &str, name: &str) -> Record {
    Record { namespace: namespace.to_owned(), name: name.to_owned(), outcome: Outcome::Deny, ..record() }
}

/// The samples of the denied Ingresses.
fn counts(metrics: &Metrics) -> Vec<String> {
    let text = metrics.encode(&[], &[]);
    let samples = text.lines().filter_map(|line| line.strip_prefix("ingress_guard_denied_ingresses{"));
    samples.map(str::to_owned).collect()
}

#[test]
fn the_header_traceparent_is_parsed_as_specified() {
    let sampled = format!("00-{ID}-00f067aa0ba902b7-01");
    assert_eq!(Trace::parse(&sampled), Some(Trace { id: ID.to_owned(), is_sampled: true }));
    let not_sampled = Trace::parse(&format!("00-{ID}-00f067aa0ba902b7-02")).unwrap();
    assert!(!not_sampled.is_sampled);
    assert!(Trace::parse(&format!("01-{ID}-00f067aa0ba902b7-01-later")).is_some(), "a later version may have more");
    for invalid in [
        "",
        ID,
        &format!("00-{ID}-00f067aa0ba902b7"),
        &format!("00-{ID}-00f067aa0ba902b7-01-more"),
        &format!("ff-{ID}-00f067aa0ba902b7-01"),
        &format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
        &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        &format!("00-{ID}-{}-01", "0".repeat(16)),
        &format!("00-{}-00f067aa0ba902b7-01", "é".repeat(16)),
    ] {
        assert_eq!(Trace::parse(invalid), None, "{invalid}");
    }
}

#[test]
fn only_sampled_traces_become_exemplars() {
    let metrics = Metrics::new();
    let trace = |is_sampled| Trace { id: ID.to_owned(), is_sampled };
    metrics.reviewed(&record(), Duration::from_micros(300), Some(&trace(false)));
    assert!(!metrics.encode(&[], &[]).contains(ID));
    metrics.reviewed(&record(), Duration::from_micros(300), Some(&trace(true)));
    let text = metrics.encode(&[], &[]);
    let bucket = text.lines().find(|line| line.contains(ID)).unwrap();
    let start =
        format!("ingress_guard_review_duration_seconds_bucket{{le=\"0.0005\"}} 2 # {{trace_id=\"{ID}\"}} 0.0003 ");
    assert!(bucket.starts_with(&start), "{bucket}");
}

#[test]
fn an_ingress_that_is_denied_again_and_again_counts_once() {
    let metrics = Metrics::new();
    let deny = |namespace: &str, name: &str| metrics.reviewed(&denied(namespace, name), Duration::ZERO, None);
    for _ in 0..50 {
        deny("shop", "web");
    }
    deny("shop", "api");
    // A generated name is not known yet.
    deny("blog", "");
    deny("blog", "");
    metrics.reviewed(&Record { outcome: Outcome::Warn, ..denied("docs", "web") }, Duration::ZERO, None);
    // No object can have such names: they do not come from an API server.
    deny(&"a".repeat(1 << 20), "web");
    deny("shop\"} 1\n", "web");
    let mut found = counts(&metrics);
    found.sort();
    assert_eq!(found, ["ingress_namespace=\"blog\"} 1", "ingress_namespace=\"shop\"} 2"]);
}
