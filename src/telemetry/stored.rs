//! The metrics of the background audit. Only the replica that holds the Lease exports them: a sum over replicas counts nothing twice.

use std::sync::atomic::AtomicU64;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::finding::Level;

/// What the background audit has found, in numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredFigures {
    /// The findings by code, level and namespace.
    pub findings: Vec<FindingCount>,
    /// The routes that reach a ready endpoint.
    pub serving: u64,
    /// The routes whose requests get an error.
    pub broken: u64,
    /// The other routes.
    pub unknown: u64,
    /// The ends of the certificates in use.
    pub certificates: Vec<CertificateEnd>,
    /// The end of the last pass over all Ingresses.
    pub pass_ended: Option<Timestamp>,
    /// The duration of that pass.
    pub pass_took: SignedDuration,
    /// The Ingresses that wait for an evaluation.
    pub waiting: usize,
    /// The objects that are named and were not read yet.
    pub unread: usize,
}

/// The number of findings of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingCount {
    /// The code of the check.
    pub code: &'static str,
    /// The level.
    pub level: Level,
    /// Whether they depend on the readiness of endpoints.
    pub is_readiness: bool,
    /// The namespace of the Ingresses; empty: all.
    pub namespace: Box<str>,
    /// The number.
    pub count: u64,
}

/// The end of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEnd {
    /// The namespace of the Secret; empty: the first end of all.
    pub namespace: Box<str>,
    /// The name of the Secret; empty: the first end of all.
    pub secret: Box<str>,
    /// `notAfter`.
    pub not_after: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    code: &'static str,
    level: &'static str,
    ingress_namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SecretLabels {
    ingress_namespace: String,
    secret: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutputLabels {
    output: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenyLabel {
    would_deny: &'static str,
}

/// A gauge without labels that has no sample while another replica exports it.
type Sample = Family<Vec<(&'static str, &'static str)>, Gauge<f64, AtomicU64>>;

/// The metrics of the background audit.
#[derive(Debug, Default)]
pub(crate) struct StoredMetrics {
    holder: Sample,
    /// 1 while the Lease cannot be read or written.
    pub(crate) lease_failing: Gauge,
    findings: Family<FindingLabels, Gauge>,
    readiness: Family<FindingLabels, Gauge>,
    routes: Family<StateLabel, Gauge>,
    certificates: Family<SecretLabels, Gauge>,
    pass_ended: Sample,
    pass_took: Sample,
    waiting: Sample,
    unread: Sample,
    unreviewed: Family<DenyLabel, Counter>,
    /// The writes of which it is not known whether they were reviewed.
    pub(crate) review_unknown: Counter,
    outputs: Family<OutputLabels, Counter>,
}

impl StoredMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        for is_denied in [false, true] {
            drop(self.unreviewed.get_or_create(&DenyLabel::of(is_denied)));
        }
        let r = registry;
        r.register("background_holder", "1 while this replica audits the stored Ingresses", self.holder.clone());
        r.register(
            "background_lease_failing",
            "1 while the Lease of the background audit cannot be read or written",
            self.lease_failing.clone(),
        );
        r.register("stored_findings", "Findings on stored Ingresses, except those on readiness", self.findings.clone());
        r.register(
            "stored_readiness_findings",
            "Findings on stored Ingresses that depend on the readiness of endpoints",
            self.readiness.clone(),
        );
        r.register("routes", "Routes of stored Ingresses, by state", self.routes.clone());
        r.register(
            "ingress_certificate_expiry_timestamp_seconds",
            "notAfter of certificates that Ingresses use, seconds since 1970",
            self.certificates.clone(),
        );
        r.register(
            "background_pass_timestamp_seconds",
            "End of the last pass over all Ingresses, seconds since 1970",
            self.pass_ended.clone(),
        );
        r.register("background_pass_duration_seconds", "Duration of that pass", self.pass_took.clone());
        r.register("background_waiting_ingresses", "Ingresses that wait for an evaluation", self.waiting.clone());
        r.register(
            "background_unread_objects",
            "Secrets and ConfigMaps that Ingresses name and that were not read yet",
            self.unread.clone(),
        );
        r.register(
            "stored_unreviewed",
            "Ingresses that were stored without a review, by whether a review would deny them",
            self.unreviewed.clone(),
        );
        r.register(
            "stored_review_unknown",
            "Writes of Ingresses of which it is not known whether they were reviewed",
            self.review_unknown.clone(),
        );
        for output in ["event", "report"] {
            for result in ["written", "failed"] {
                let _ = self.outputs.get_or_create(&OutputLabels { output, result });
            }
        }
        r.register("stored_outputs", "Writes of Events and reports by the background audit", self.outputs.clone());
    }

    /// Counts a write of an Event or a report.
    pub(crate) fn output(&self, output: &'static str, result: &'static str) {
        self.outputs.get_or_create(&OutputLabels { output, result }).inc();
    }

    /// Counts an Ingress that was stored without a review.
    pub(crate) fn unreviewed(&self, would_deny: bool) {
        self.unreviewed.get_or_create(&DenyLabel::of(would_deny)).inc();
    }

    /// Shows whether this replica is the holder, and the figures. `None`: the audit is disabled; another replica shows the figures.
    pub(super) fn show(&self, is_holder: Option<bool>, figures: Option<&StoredFigures>) {
        self.findings.clear();
        self.readiness.clear();
        self.routes.clear();
        self.certificates.clear();
        for sample in [&self.holder, &self.pass_ended, &self.pass_took, &self.waiting, &self.unread] {
            sample.clear();
        }
        let set = |sample: &Sample, value: f64| {
            sample.get_or_create(&Vec::new()).set(value);
        };
        if let Some(is_holder) = is_holder {
            set(&self.holder, f64::from(u8::from(is_holder)));
        }
        let Some(figures) = figures else { return };
        for FindingCount { code, level, is_readiness, namespace, count } in &figures.findings {
            let labels = FindingLabels { code, level: level.name(), ingress_namespace: namespace.to_string() };
            let family = if *is_readiness { &self.readiness } else { &self.findings };
            family.get_or_create(&labels).set(whole(*count));
        }
        let StoredFigures { serving, broken, unknown, .. } = figures;
        for (state, count) in [("serving", serving), ("broken", broken), ("unknown", unknown)] {
            self.routes.get_or_create(&StateLabel { state }).set(whole(*count));
        }
        for CertificateEnd { namespace, secret, not_after } in &figures.certificates {
            let labels = SecretLabels { ingress_namespace: namespace.to_string(), secret: secret.to_string() };
            self.certificates.get_or_create(&labels).set(not_after.as_second());
        }
        if let Some(ended) = figures.pass_ended {
            set(&self.pass_ended, ended.as_duration().as_secs_f64());
            set(&self.pass_took, figures.pass_took.as_secs_f64());
        }
        set(&self.waiting, count(figures.waiting));
        set(&self.unread, count(figures.unread));
    }
}

impl DenyLabel {
    const fn of(would_deny: bool) -> Self {
        Self { would_deny: if would_deny { "true" } else { "false" } }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(items: usize) -> f64 {
    f64::from(u32::try_from(items).unwrap_or(u32::MAX))
}
