//! The metrics of the configuration file. Their names are those of Prometheus for its own configuration.

use std::hash::Hasher as _;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::policy::TemporaryOverride;

/// The bits of a hash that a floating-point number holds exactly.
const HASH_BITS: u64 = (1 << 48) - 1;

/// The metrics of the configuration file.
#[derive(Debug, Default)]
pub(crate) struct ConfigurationMetrics {
    successful: Gauge,
    timestamp: Gauge<f64, AtomicU64>,
    hash: Gauge,
    /// 1 while a part of the configuration applies after a restart only.
    pub(crate) restart_required: Gauge,
    override_active: Gauge,
    override_end: Gauge,
    waivers: Family<WaiverLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WaiverLabels {
    source: &'static str,
    ends: &'static str,
}

impl ConfigurationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "config_last_reload_successful",
            "1 if the last change of the configuration file was loaded",
            self.successful.clone(),
        );
        registry.register(
            "config_last_reload_success_timestamp_seconds",
            "Time at which a configuration was loaded last, seconds since 1970",
            self.timestamp.clone(),
        );
        registry.register("config_hash", "Hash of the loaded configuration file", self.hash.clone());
        registry.register(
            "config_restart_required",
            "1 while a part of the configuration applies after a restart only",
            self.restart_required.clone(),
        );
        registry.register("override_active", "1 while an override lowers levels", self.override_active.clone());
        registry.register(
            "override_end_timestamp_seconds",
            "End of the override in force, seconds since 1970; 0: none",
            self.override_end.clone(),
        );
        registry.register(
            "waivers",
            "Waivers in force, by source and by whether they end within 14 days",
            self.waivers.clone(),
        );
    }

    /// A configuration with this text was loaded.
    pub(crate) fn loaded(&self, text: &str, now: Timestamp) {
        let mut hasher = fnv::FnvHasher::default();
        hasher.write(text.as_bytes());
        self.hash.set((hasher.finish() & HASH_BITS).cast_signed());
        self.timestamp.set(now.as_duration().as_secs_f64());
        self.successful.set(1);
    }

    /// A changed configuration could not be loaded.
    pub(crate) fn failed(&self) {
        self.successful.set(0);
    }

    /// Shows the waivers that are in force, each by its source and whether it ends soon.
    pub(crate) fn show_waivers(&self, waivers: &[(&'static str, bool)]) {
        for source in ["annotation", "exception"] {
            for (ends, soon) in [("soon", true), ("later", false)] {
                let count = waivers.iter().filter(|waiver| **waiver == (source, soon)).count();
                let gauge = self.waivers.get_or_create_owned(&WaiverLabels { source, ends });
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// Shows the override that is in force.
    pub(crate) fn show_override(&self, in_force: Option<&TemporaryOverride>) {
        self.override_active.set(i64::from(in_force.is_some()));
        self.override_end.set(in_force.map_or(0, |it| it.until.as_second()));
    }
}
