//! The verdicts in numbers, and how they appear on `/metrics`.

use std::fmt::Write as _;

use ingress_guard::background::{OTHERS, figures};
use ingress_guard::cluster::load_text;
use ingress_guard::config::{Config, StoredSeries};
use ingress_guard::telemetry::Metrics;

use super::Followed;
use crate::pages::fixtures::expand;

/// Namespaces with one Ingress each, whose Service does not exist; the first has two.
fn broken(namespaces: usize) -> Followed {
    let mut text = "kind: IngressClass\napiVersion: networking.k8s.io/v1\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n".to_owned();
    for number in 0..=namespaces {
        let (name, namespace) = (format!("web-{number}"), format!("team-{:03}", number.max(1) - 1));
        let _ = write!(
            text,
            "---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  ingressClassName: nginx
  tls: [{{hosts: [{name}.example.com], secretName: tls}}]
  rules: [{{host: {name}.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]
"
        );
    }
    for (namespace, until) in [("team-000", "2027-03-01"), ("team-001", "2027-02-01")] {
        let _ = write!(
            text,
            "---
kind: Secret
apiVersion: v1
metadata: {{name: tls, namespace: {namespace}}}
type: kubernetes.io/tls
stringData:
  tls.crt: certificate(*.example.com; 2026-01-01..{until})
  tls.key: key(own)
"
        );
    }
    Followed::new(Config::default(), load_text("teams", &expand(&text)).unwrap())
}

fn exported(followed: &Followed, series: StoredSeries) -> Vec<String> {
    let metrics = Metrics::new();
    metrics.show_stored(Some(true), Some(&figures(&followed.audit, &followed.audit.verdicts(), series)));
    lines(&metrics)
}

fn lines(metrics: &Metrics) -> Vec<String> {
    let text = metrics.encode(&[], &[]);
    let is_stored = |line: &&str| {
        ["stored_", "routes", "background_", "ingress_certificate"]
            .iter()
            .any(|name| line.starts_with(&format!("ingress_guard_{name}")))
    };
    text.lines().filter(is_stored).map(str::to_owned).collect()
}

#[test]
fn a_summary_names_no_namespace_and_no_secret() {
    let lines = exported(&broken(3), StoredSeries::Summary);
    let has = |line: &str| assert!(lines.iter().any(|it| it.starts_with(line)), "no {line} in {lines:#?}");
    has("ingress_guard_stored_findings{code=\"IG201\",level=\"deny\",ingress_namespace=\"\"} 4");
    has("ingress_guard_routes{state=\"broken\"} 4");
    has("ingress_guard_routes{state=\"serving\"} 0");
    has("ingress_guard_ingress_certificate_expiry_timestamp_seconds{ingress_namespace=\"\",secret=\"\"} 180");
    has("ingress_guard_background_holder{} 1");
    has("ingress_guard_background_waiting_ingresses{} 0");
    has("ingress_guard_background_pass_timestamp_seconds");
    assert!(!lines.iter().any(|line| line.contains("team-")), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("ingress_certificate")).count(), 1);
}

#[test]
fn details_are_by_namespace_and_bounded() {
    let lines = exported(&broken(200), StoredSeries::Detailed);
    let of_ig201: Vec<&String> = lines.iter().filter(|line| line.contains("code=\"IG201\"")).collect();
    assert_eq!(of_ig201.len(), 51, "{of_ig201:#?}");
    let has = |line: &str| assert!(lines.iter().any(|it| it.starts_with(line)), "no {line} in {lines:#?}");
    has("ingress_guard_stored_findings{code=\"IG201\",level=\"deny\",ingress_namespace=\"team-000\"} 2");
    let others =
        format!("ingress_guard_stored_findings{{code=\"IG201\",level=\"deny\",ingress_namespace=\"{OTHERS}\"}} 150");
    has(&others);
    has("ingress_guard_ingress_certificate_expiry_timestamp_seconds{ingress_namespace=\"team-001\",secret=\"tls\"}");
    assert_eq!(lines.iter().filter(|line| line.contains("ingress_certificate")).count(), 2);
}

#[test]
fn a_replica_that_is_not_the_holder_any_more_exports_nothing() {
    let (metrics, followed) = (Metrics::new(), broken(1));
    metrics
        .show_stored(Some(true), Some(&figures(&followed.audit, &followed.audit.verdicts(), StoredSeries::Detailed)));
    assert!(lines(&metrics).len() > 10);
    metrics.show_stored(Some(false), None);
    let left = lines(&metrics);
    let expected = [
        "ingress_guard_background_holder{} 0.0",
        "ingress_guard_background_lease_failing 0",
        "ingress_guard_stored_outputs_total{output=\"event\",result=\"failed\"} 0",
        "ingress_guard_stored_outputs_total{output=\"event\",result=\"written\"} 0",
        "ingress_guard_stored_outputs_total{output=\"report\",result=\"failed\"} 0",
        "ingress_guard_stored_outputs_total{output=\"report\",result=\"written\"} 0",
        "ingress_guard_stored_review_unknown_total 0",
        "ingress_guard_stored_unreviewed_total{would_deny=\"false\"} 0",
        "ingress_guard_stored_unreviewed_total{would_deny=\"true\"} 0",
    ];
    let mut left: Vec<&str> = left.iter().map(String::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, expected);
}
