//! Metrics of reviews. Counters exist from the start for all values of their labels that are known: a series that begins with 1 has
//! no increase, so its first event would be lost.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::denials::Denials;
use super::labels::{CodeLabel, ReasonLabel};
use super::trace::Trace;
use crate::admission::{Operation, Outcome, Record};
use crate::checks;
use crate::cluster::LiveRead;
use crate::finding::Level;
use crate::model::Kind;

/// Histogram buckets, in seconds. A review takes about 100 µs; the API server times out after seconds.
const REVIEW_SECONDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The operations that the webhook configuration sends.
const OPERATIONS: [Operation; 2] = [Operation::Create, Operation::Update];

/// The writes of other objects that the webhook configuration sends.
const IMPACTS: [(Kind, Operation); 4] = [
    (Kind::ConfigMap, Operation::Update),
    (Kind::IngressClass, Operation::Delete),
    (Kind::Service, Operation::Delete),
    (Kind::Service, Operation::Update),
];

/// The levels of findings in a verdict.
const LEVELS: [Level; 3] = [Level::Audit, Level::Warn, Level::Deny];

/// Why a request to the webhook port gets no verdict: the reasons of the server, then those of reviews that cannot be read.
const REJECTIONS: [&str; 14] = [
    "ClientGone",
    "IncompleteBody",
    "Overloaded",
    "RequestEntityTooLarge",
    "Timeout",
    "UnsupportedMediaType",
    "MalformedObject",
    "MalformedReview",
    "MissingObject",
    "MissingRequest",
    "MissingUid",
    "WrongKind",
    "WrongObject",
    "WrongVersion",
];

/// What became of reviews that should be recorded.
const RECORDS: [&str; 2] = ["dropped", "written"];

/// The results of evaluations of Ingresses that were stored with missing references.
const RECHECKS: [&str; 5] = ["failed", "gone", "missing", "not_checked", "resolved"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    operation: &'static str,
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ImpactLabels {
    kind: &'static str,
    operation: &'static str,
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    code: &'static str,
    level: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadLabels {
    kind: &'static str,
    result: &'static str,
}

/// Prometheus renames a label `namespace` of a metric, because each target has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NamespaceLabel {
    ingress_namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TraceLabel {
    trace_id: String,
}

/// The metrics of reviews.
#[derive(Debug)]
pub(super) struct ReviewMetrics {
    reviews: Family<ReviewLabels, Counter>,
    impact_reviews: Family<ImpactLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    would_deny: Family<CodeLabel, Counter>,
    seconds: HistogramWithExemplars<TraceLabel>,
    last: Gauge,
    live_reads: Family<ReadLabels, Counter>,
    rejected: Family<ReasonLabel, Counter>,
    rechecks: Family<ResultLabel, Counter>,
    records: Family<ResultLabel, Counter>,
    recording_stopped: Gauge,
    denials: Denials,
    denied: Family<NamespaceLabel, Gauge>,
}

impl ReviewMetrics {
    pub(super) fn new() -> Self {
        let metrics = Self {
            reviews: Family::default(),
            impact_reviews: Family::default(),
            findings: Family::default(),
            would_deny: Family::default(),
            seconds: HistogramWithExemplars::new(REVIEW_SECONDS.into_iter()),
            last: Gauge::default(),
            live_reads: Family::default(),
            rejected: Family::default(),
            rechecks: Family::default(),
            records: Family::default(),
            recording_stopped: Gauge::default(),
            denials: Denials::default(),
            denied: Family::default(),
        };
        metrics.create_series();
        metrics
    }

    /// Creates the series of known labels at zero.
    fn create_series(&self) {
        for operation in OPERATIONS.map(Operation::name) {
            for verdict in Outcome::ALL.map(Outcome::name) {
                drop(self.reviews.get_or_create(&ReviewLabels { operation, verdict }));
            }
        }
        for (kind, operation) in IMPACTS {
            for verdict in [Outcome::Pass, Outcome::Allow, Outcome::Warn].map(Outcome::name) {
                let labels = ImpactLabels { kind: kind.name(), operation: operation.name(), verdict };
                drop(self.impact_reviews.get_or_create(&labels));
            }
        }
        for code in checks::ALL.iter().map(|check| check.code) {
            drop(self.would_deny.get_or_create(&CodeLabel { code }));
            for level in LEVELS.map(Level::name) {
                drop(self.findings.get_or_create(&FindingLabels { code, level }));
            }
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_watched()).map(Kind::name) {
            for result in LiveRead::RESULTS {
                drop(self.live_reads.get_or_create(&ReadLabels { kind, result }));
            }
        }
        for reason in REJECTIONS {
            drop(self.rejected.get_or_create(&ReasonLabel { reason }));
        }
        for result in RECORDS {
            drop(self.records.get_or_create(&ResultLabel { result }));
        }
        for result in RECHECKS {
            drop(self.rechecks.get_or_create(&ResultLabel { result }));
        }
    }

    pub(super) fn register(&self, r: &mut Registry) {
        r.register("reviews", "Reviews answered, by operation and verdict", self.reviews.clone());
        r.register(
            "impact_reviews",
            "Writes of objects that Ingresses depend on, by kind, operation and verdict",
            self.impact_reviews.clone(),
        );
        r.register("findings", "Findings of answered reviews, by code and effective level", self.findings.clone());
        r.register("would_deny", "Findings downgraded from deny, by code", self.would_deny.clone());
        r.register("review_duration_seconds", "Time from a complete body to its response", self.seconds.clone());
        r.register(
            "last_review_timestamp_seconds",
            "Time of the last answered review, seconds since 1970; 0: none since the start",
            self.last.clone(),
        );
        r.register("live_reads", "Objects that reviews read by name, by kind and result", self.live_reads.clone());
        r.register(
            "rejected_requests",
            "Requests to the webhook port rejected before a verdict, by reason",
            self.rejected.clone(),
        );
        r.register(
            "missing_reference_rechecks",
            "Ingresses stored with missing references and evaluated again a minute later, by result",
            self.rechecks.clone(),
        );
        r.register("recorded_reviews", "Reviews written by --record, and those dropped", self.records.clone());
        r.register(
            "recording_stopped",
            "1 after an error of --record: reviews are not recorded any more",
            self.recording_stopped.clone(),
        );
        r.register(
            "denied_ingresses",
            "Distinct Ingresses denied in the last 15 minutes, by namespace",
            self.denied.clone(),
        );
    }

    /// Counts one answered review. It runs on every request: all labels are static, so an existing label set is not allocated
    /// again.
    pub(super) fn count(&self, record: &Record, took: Duration, trace: Option<&Trace>) {
        let (operation, verdict) = (record.operation.name(), record.outcome.name());
        if record.kind == Kind::Ingress {
            self.reviews.get_or_create(&ReviewLabels { operation, verdict }).inc();
            // A trace that is not recorded cannot be opened.
            let sampled = trace.filter(|trace| trace.is_sampled);
            let exemplar = sampled.map(|trace| TraceLabel { trace_id: trace.id.clone() });
            let at = exemplar.is_some().then(SystemTime::now);
            self.seconds.observe(took.as_secs_f64(), exemplar, at);
            self.last.set(Timestamp::now().as_second());
        } else {
            let labels = ImpactLabels { kind: record.kind.name(), operation, verdict };
            self.impact_reviews.get_or_create(&labels).inc();
        }
        for &(code, level) in &record.findings {
            self.findings.get_or_create(&FindingLabels { code, level: level.name() }).inc();
        }
        for &code in &record.would_deny {
            self.would_deny.get_or_create(&CodeLabel { code }).inc();
        }
        for &(kind, result) in &record.live_reads {
            self.live_reads.get_or_create(&ReadLabels { kind: kind.name(), result }).inc();
        }
        if record.is_recording_lost {
            self.recorded("dropped");
        }
        if record.is_recheck_lost {
            self.recheck("not_checked");
        }
        self.denials.count(record, Instant::now());
    }

    /// Counts one request that was rejected before a verdict.
    pub(super) fn reject(&self, reason: &'static str) {
        self.rejected.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Counts one review that should be recorded.
    pub(super) fn recorded(&self, result: &'static str) {
        self.records.get_or_create(&ResultLabel { result }).inc();
    }

    /// Shows that reviews are not recorded any more.
    pub(super) fn recording_stopped(&self) {
        self.recording_stopped.set(1);
    }

    pub(super) fn is_recording_stopped(&self) -> bool {
        self.recording_stopped.get() == 1
    }

    /// Counts one Ingress that was stored with missing references and evaluated again, or not.
    pub(super) fn recheck(&self, result: &'static str) {
        self.rechecks.get_or_create(&ResultLabel { result }).inc();
    }

    /// Sets the gauges that depend on the time.
    pub(super) fn update(&self) {
        self.denied.clear();
        for (namespace, count) in self.denials.by_namespace(Instant::now()) {
            self.denied.get_or_create(&NamespaceLabel { ingress_namespace: namespace.into() }).set(count);
        }
    }
}
