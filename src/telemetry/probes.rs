//! The metrics of the requests to the hosts of Ingresses. Only the replica that sends them exports the results.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::probe::{ProbeResult, ResultKind};

/// The most hosts with a series of their own; those that fail come first.
const MAX_HOSTS: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HostLabel {
    host: String,
}

/// The metrics of the requests to the hosts of Ingresses.
#[derive(Debug, Default)]
pub(crate) struct ProbeMetrics {
    results: Family<ResultLabel, Gauge>,
    success: Family<HostLabel, Gauge>,
    default_backend: Counter,
    left_out: Family<Vec<(&'static str, &'static str)>, Gauge>,
    pass_ended: Family<Vec<(&'static str, &'static str)>, Gauge<f64, AtomicU64>>,
}

impl ProbeMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("probe_results", "Requests of the last pass, by result", self.results.clone());
        registry.register(
            "probe_success",
            "1 if every answer of the host is as predicted or unknown, 0 if any is not; an empty host: all",
            self.success.clone(),
        );
        registry.register(
            "probe_default_backend",
            "Answers of the default backend to requests of the probe",
            self.default_backend.clone(),
        );
        registry.register(
            "probe_left_out",
            "Requests of the last pass without a result: above the limits, or their prediction has changed meanwhile",
            self.left_out.clone(),
        );
        registry.register(
            "probe_last_pass_timestamp_seconds",
            "End of the last pass of the probe, in seconds since 1970",
            self.pass_ended.clone(),
        );
    }

    /// Shows the results of a pass. Hosts are named if `names_hosts`: the health port has no authentication.
    pub(crate) fn show(&self, results: &[ProbeResult], left_out: usize, names_hosts: bool, now: Timestamp) {
        self.clear();
        for kind in ResultKind::ALL {
            let count = results.iter().filter(|result| result.result == kind).count();
            self.results
                .get_or_create(&ResultLabel { result: kind.name() })
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let by_default = |result: &&ProbeResult| {
            matches!(result.result, ResultKind::DefaultBackend | ResultKind::ControllerDisagrees)
        };
        self.left_out.get_or_create(&Vec::new()).set(i64::try_from(left_out).unwrap_or(i64::MAX));
        self.default_backend.inc_by(results.iter().filter(by_default).count() as u64);
        let mut by_host: HashMap<&str, bool> = HashMap::new();
        for result in results {
            *by_host.entry(&result.host).or_insert(true) &= !result.result.is_broken();
        }
        let mut hosts: Vec<(bool, &str)> = by_host.into_iter().map(|(host, is_good)| (is_good, host)).collect();
        hosts.sort_unstable();
        let set = |host: &str, is_good: bool| {
            self.success.get_or_create(&HostLabel { host: host.to_owned() }).set(i64::from(is_good));
        };
        set("", hosts.iter().all(|(is_good, _)| *is_good));
        for (is_good, host) in hosts.iter().take(MAX_HOSTS).filter(|_| names_hosts) {
            set(host, *is_good);
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a double")]
        self.pass_ended.get_or_create(&Vec::new()).set(now.as_second() as f64);
    }

    /// Removes the results, because another replica exports them.
    pub(crate) fn clear(&self) {
        self.results.clear();
        self.success.clear();
        self.left_out.clear();
        self.pass_ended.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(host: &str, result: ResultKind) -> ProbeResult {
        ProbeResult { result, host: host.to_owned(), ..ProbeResult::default() }
    }

    fn encoded(metrics: &ProbeMetrics) -> String {
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn failing_hosts_have_a_series_before_others_and_results_go_with_the_role() {
        let metrics = ProbeMetrics::default();
        let mut results: Vec<ProbeResult> =
            (0..600).map(|number| result(&format!("h{number:03}"), ResultKind::AsPredicted)).collect();
        results.push(result("z", ResultKind::AsPredicted));
        results.push(result("z", ResultKind::DefaultBackend));
        metrics.show(&results, 3, true, Timestamp::UNIX_EPOCH);
        let text = encoded(&metrics);
        for line in [
            "probe_success{host=\"z\"} 0",
            "probe_success{host=\"\"} 0",
            "probe_success{host=\"h000\"} 1",
            "probe_results{result=\"as-predicted\"} 601",
            "probe_results{result=\"default-backend\"} 1",
            "probe_default_backend_total 1",
            "probe_left_out{} 3",
        ] {
            assert!(text.contains(line), "{line} is missing:\n{text}");
        }
        assert_eq!(text.matches("probe_success{").count(), 1 + MAX_HOSTS);
        metrics.show(&results, 0, false, Timestamp::UNIX_EPOCH);
        let text = encoded(&metrics);
        assert_eq!(text.matches("probe_success{").count(), 1, "hosts are not named");
        assert!(text.contains("probe_default_backend_total 2"), "{text}");
        metrics.clear();
        let text = encoded(&metrics);
        assert!(!text.contains("probe_results{") && !text.contains("probe_success{"), "{text}");
        assert!(text.contains("probe_default_backend_total 2"), "a counter stays: {text}");
    }
}
