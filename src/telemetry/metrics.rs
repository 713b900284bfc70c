//! The metrics of the process. No label contains the name of an object, so the number of label sets is bounded.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::configuration::ConfigurationMetrics;
use super::labels::{CodeLabel, ReasonLabel};
use super::probes::ProbeMetrics;
use super::process::Process;
use super::registration::RegistrationMetrics;
use super::reviews::ReviewMetrics;
use super::stored::{StoredFigures, StoredMetrics};
use super::tasks::TaskMetrics;
use super::trace::Trace;
use crate::admission::Record;
use crate::cluster::{Rights, WatchStatus};
use crate::routing::{ObservedController, ReloadBlocks};
use crate::version::{COMMIT, TARGET, VERSION};

/// The reasons of failed TLS handshakes.
const HANDSHAKE_FAILURES: [&str; 5] = ["client_certificate", "closed", "protocol", "refused", "timeout"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    class: String,
    controller: String,
    version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ManagerLabel {
    manager: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RightLabels {
    kind: &'static str,
    verb: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PortLabel {
    port: &'static str,
}

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Metrics without the prefix.
    unprefixed: Registry,
    reviews: ReviewMetrics,
    ready: Gauge,
    objects: Family<KindLabel, Gauge>,
    watch_failing: Family<KindLabel, Gauge>,
    watch_age: Family<KindLabel, Gauge<f64, AtomicU64>>,
    watch_restarts: Family<KindLabel, Counter>,
    watch_skipped: Family<KindLabel, Counter>,
    controller_info: Family<ControllerLabels, Gauge>,
    reload_blocked: Family<ClassLabel, Gauge>,
    check_blind: Family<CodeLabel, Gauge>,
    right_missing: Family<RightLabels, Gauge>,
    pub(crate) registration: RegistrationMetrics,
    handshake_failures: Family<ReasonLabel, Counter>,
    connections: Family<PortLabel, Gauge>,
    evicted_connections: Family<PortLabel, Counter>,
    /// Slow reviews that have begun and not ended.
    pub(crate) slow_reviews: Gauge,
    /// Slow reviews that wait for their first place.
    pub(crate) slow_reviews_waiting: Gauge,
    pub(crate) panics: Counter,
    pub(crate) tasks: TaskMetrics,
    pub(crate) configuration: ConfigurationMetrics,
    pub(crate) stored: StoredMetrics,
    pub(crate) probes: ProbeMetrics,
    pub(crate) certificate_reload_failures: Counter,
    /// 1 while the certificate files are invalid and the last valid certificate is served.
    pub(crate) certificate_reload_failing: Gauge,
    /// `notAfter` of the served certificate, in seconds since 1970.
    pub(crate) certificate_expiry: Gauge,
    /// `notAfter` of the current CA of self-managed certificates, in seconds since 1970.
    pub(crate) ca_expiry: Gauge,
    /// 1 while the Secret with the CAs does not exist.
    pub(crate) ca_secret_missing: Gauge,
    /// 1 while the caBundle does not contain the CA of the served certificate.
    pub(crate) ca_bundle_missing: Gauge,
    pub(crate) ca_bundle_repairs: Counter,
    ca_bundle_contested: Family<ManagerLabel, Gauge>,
    /// `notBefore` of the served certificate, in seconds since 1970.
    pub(crate) certificate_start: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Creates all metrics at zero, registered with the prefix `ingress_guard`.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("ingress_guard"),
            unprefixed: Registry::default(),
            reviews: ReviewMetrics::new(),
            ready: Gauge::default(),
            objects: Family::default(),
            watch_failing: Family::default(),
            watch_age: Family::default(),
            watch_restarts: Family::default(),
            watch_skipped: Family::default(),
            controller_info: Family::default(),
            reload_blocked: Family::default(),
            check_blind: Family::default(),
            right_missing: Family::default(),
            registration: RegistrationMetrics::default(),
            handshake_failures: Family::default(),
            connections: Family::default(),
            evicted_connections: Family::default(),
            slow_reviews: Gauge::default(),
            slow_reviews_waiting: Gauge::default(),
            panics: Counter::default(),
            tasks: TaskMetrics::default(),
            configuration: ConfigurationMetrics::default(),
            stored: StoredMetrics::default(),
            probes: ProbeMetrics::default(),
            certificate_reload_failures: Counter::default(),
            certificate_reload_failing: Gauge::default(),
            certificate_expiry: Gauge::default(),
            ca_expiry: Gauge::default(),
            ca_secret_missing: Gauge::default(),
            ca_bundle_missing: Gauge::default(),
            ca_bundle_repairs: Counter::default(),
            ca_bundle_contested: Family::default(),
            certificate_start: Gauge::default(),
        };
        for reason in HANDSHAKE_FAILURES {
            drop(metrics.handshake_failures.get_or_create(&ReasonLabel { reason }));
        }
        metrics.unprefixed.register_collector(Box::new(Process::new()));
        metrics.reviews.register(&mut metrics.registry);
        metrics.register_reviews();
        metrics.register_watches();
        metrics.register_rights();
        metrics.register_server();
        metrics.register_authorities();
        metrics.configuration.register(&mut metrics.registry);
        metrics.stored.register(&mut metrics.registry);
        metrics.probes.register(&mut metrics.registry);
        metrics.tasks.register(&mut metrics.registry);
        metrics.registration.register(&mut metrics.registry);
        metrics
    }

    fn register_reviews(&mut self) {
        let r = &mut self.registry;
        r.register("slow_reviews", "Slow reviews in progress", self.slow_reviews.clone());
        r.register("slow_reviews_waiting", "Slow reviews that wait for a thread", self.slow_reviews_waiting.clone());
        r.register("objects", "Objects in the inventory, by kind", self.objects.clone());
        let build = vec![("version", VERSION), ("commit", COMMIT), ("target", TARGET)];
        r.register("build", "The running build", Info::new(build));
    }

    fn register_watches(&mut self) {
        let r = &mut self.registry;
        r.register("watch_failing", "1 while changes of a kind are not received", self.watch_failing.clone());
        r.register(
            "watch_age_seconds",
            "Time since the last event from the API server, by kind",
            self.watch_age.clone(),
        );
        r.register("watch_restarts", "Lists and watches that failed, by kind", self.watch_restarts.clone());
        r.register("watch_skipped_objects", "Objects that could not be parsed, by kind", self.watch_skipped.clone());
    }

    fn register_rights(&mut self) {
        let r = &mut self.registry;
        r.register(
            "controller_info",
            "The controller of each IngressClass and its version; empty: unknown",
            self.controller_info.clone(),
        );
        r.register(
            "reload_blocked",
            "1 while a stored Ingress stops the controller of an IngressClass: it loads no change",
            self.reload_blocked.clone(),
        );
        r.register(
            "check_blind",
            "1 while a permission that a check needs is missing, by code",
            self.check_blind.clone(),
        );
        r.register(
            "right_missing",
            "1 while the service account lacks a permission, by kind and verb",
            self.right_missing.clone(),
        );
    }

    fn register_server(&mut self) {
        let r = &mut self.registry;
        r.register("ready", "1 while /readyz returns 200", self.ready.clone());
        r.register("panics", "Requests during which a panic occurred", self.panics.clone());
        r.register("tls_handshake_failures", "TLS handshakes that failed", self.handshake_failures.clone());
        r.register("open_connections", "Open connections, by port", self.connections.clone());
        r.register(
            "evicted_connections",
            "Quiet connections closed in favour of new ones, by port",
            self.evicted_connections.clone(),
        );
        r.register(
            "certificate_reload_failures",
            "Changes of the certificate files that could not be loaded",
            self.certificate_reload_failures.clone(),
        );
        r.register(
            "certificate_reload_failing",
            "1 while the certificate files are invalid and the last valid certificate is served",
            self.certificate_reload_failing.clone(),
        );
        r.register(
            "certificate_expiry_timestamp_seconds",
            "notAfter of the served certificate, seconds since 1970",
            self.certificate_expiry.clone(),
        );
        r.register(
            "certificate_not_before_timestamp_seconds",
            "notBefore of the served certificate, seconds since 1970",
            self.certificate_start.clone(),
        );
    }

    fn register_authorities(&mut self) {
        let r = &mut self.registry;
        r.register(
            "ca_expiry_timestamp_seconds",
            "notAfter of the current self-managed CA, seconds since 1970",
            self.ca_expiry.clone(),
        );
        r.register(
            "ca_secret_missing",
            "1 while the Secret with the self-managed CA does not exist",
            self.ca_secret_missing.clone(),
        );
        r.register(
            "ca_bundle_missing",
            "1 while the caBundle lacks the CA of the served certificate: the API server rejects it",
            self.ca_bundle_missing.clone(),
        );
        r.register(
            "ca_bundle_repairs",
            "Times that the CA was put back into the caBundle",
            self.ca_bundle_repairs.clone(),
        );
        r.register(
            "ca_bundle_contested",
            "1 while another field manager removes the CA from the caBundle again and again",
            self.ca_bundle_contested.clone(),
        );
    }

    /// Sets the field manager that removes the CA from the caBundle again and again.
    pub(crate) fn contest_ca_bundle(&self, manager: Option<&str>) {
        self.ca_bundle_contested.clear();
        if let Some(manager) = manager {
            self.ca_bundle_contested.get_or_create(&ManagerLabel { manager: manager.to_owned() }).set(1);
        }
    }

    /// Counts one answered review, which belongs to a trace if the API server has tracing.
    pub fn reviewed(&self, record: &Record, took: Duration, trace: Option<&Trace>) {
        self.reviews.count(record, took, trace);
    }

    /// Counts one review that was recorded.
    pub fn recorded(&self) {
        self.reviews.recorded("written");
    }

    /// Shows that reviews are not recorded any more.
    pub fn recording_stopped(&self) {
        self.reviews.recording_stopped();
    }

    /// Returns whether reviews are not recorded any more.
    #[must_use]
    pub fn is_recording_stopped(&self) -> bool {
        self.reviews.is_recording_stopped()
    }

    /// Counts one Ingress that was stored with missing references and evaluated again, or not.
    pub fn rechecked(&self, result: &'static str) {
        self.reviews.recheck(result);
    }

    /// Counts one request to the webhook port that was rejected before a verdict.
    pub fn rejected(&self, reason: &'static str) {
        self.reviews.reject(reason);
    }

    /// Sets whether `/readyz` returns 200.
    pub fn show_readiness(&self, is_ready: bool) {
        self.ready.set(i64::from(is_ready));
    }

    pub(crate) fn handshake_failed(&self, reason: &'static str) {
        self.handshake_failures.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Returns the gauge of the open connections of one port.
    pub(crate) fn connections(&self, port: &'static str) -> Gauge {
        self.connections.get_or_create_owned(&PortLabel { port })
    }

    /// Returns the counter of the evicted connections of one port.
    pub(crate) fn evicted_connections(&self, port: &'static str) -> Counter {
        self.evicted_connections.get_or_create_owned(&PortLabel { port })
    }

    /// Sets the gauges of rights and of the checks that need them; those of checks that no longer run disappear.
    pub fn show_rights(&self, rights: &Rights) {
        self.check_blind.clear();
        for (code, is_blind) in rights.blind() {
            self.check_blind.get_or_create(&CodeLabel { code }).set(i64::from(is_blind));
        }
        for (kind, verb, is_missing) in rights.by_verb() {
            let labels = RightLabels { kind: kind.name(), verb: verb.name() };
            self.right_missing.get_or_create(&labels).set(i64::from(is_missing));
        }
    }

    /// Sets the controller of each IngressClass; those that no longer exist disappear.
    pub fn show_controllers(&self, controllers: Vec<ObservedController>) {
        self.controller_info.clear();
        for ObservedController { class, controller, version } in controllers {
            let version = version.map(|version| version.to_string()).unwrap_or_default();
            self.controller_info.get_or_create(&ControllerLabels { class, controller, version }).set(1);
        }
    }

    /// Sets whether a stored Ingress stops the controller of each IngressClass; those that no longer exist disappear.
    pub fn show_reload_blocks(&self, blocks: &ReloadBlocks) {
        self.reload_blocked.clear();
        for (class, is_blocked) in blocks.classes() {
            let label = ClassLabel { class: class.to_string() };
            self.reload_blocked.get_or_create(&label).set(i64::from(*is_blocked));
        }
    }

    /// Shows whether this replica audits the stored Ingresses, and what it has found. `None`: no replica does, or another one.
    pub fn show_stored(&self, is_holder: Option<bool>, figures: Option<&StoredFigures>) {
        self.stored.show(is_holder, figures);
    }

    /// Returns all metrics as `OpenMetrics` text, with the current state of the inventory and the watches.
    #[must_use]
    pub fn encode(&self, objects: &[(&'static str, usize)], watches: &[WatchStatus]) -> String {
        // Watches of single objects of a kind count together: no label contains a name.
        for of_kind in watches.chunk_by(|a, b| a.kind == b.kind) {
            let Some(first) = of_kind.first() else { continue };
            let kind = KindLabel { kind: first.kind.name() };
            let is_failing = of_kind.iter().any(|watch| watch.trouble.is_some());
            self.watch_failing.get_or_create(&kind).set(i64::from(is_failing));
            if let Some(last_event) = of_kind.iter().filter_map(|watch| watch.last_event).min() {
                self.watch_age.get_or_create(&kind).set(last_event.elapsed().as_secs_f64());
            }
            let restarts = of_kind.iter().map(|watch| watch.restarts).sum();
            self.watch_restarts.get_or_create(&kind).inner().store(restarts, Ordering::Relaxed);
            let skipped = of_kind.iter().map(|watch| watch.skipped).sum();
            self.watch_skipped.get_or_create(&kind).inner().store(skipped, Ordering::Relaxed);
        }
        for &(kind, count) in objects {
            self.objects.get_or_create(&KindLabel { kind }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.reviews.update();
        let mut out = String::with_capacity(64 * 1024);
        // Writing to a String cannot fail.
        let _ = text::encode_registry(&mut out, &self.registry);
        let _ = text::encode(&mut out, &self.unprefixed);
        out
    }
}
