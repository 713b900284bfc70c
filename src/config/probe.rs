//! The settings of the requests that `serve` sends to the hosts of Ingresses.

use jiff::SignedDuration;
use wildmatch::WildMatch;

use super::error::ConfigFault;
use super::raw::RawProbe;
use super::via::Via;

/// The settings of the requests that `serve` sends to the hosts of Ingresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Whether requests are sent.
    pub enabled: bool,
    /// The pause between two passes over all hosts.
    pub interval: SignedDuration,
    /// The most requests per second.
    pub rate: u32,
    /// The addresses; `None`: those of the Service that each discovered controller publishes.
    pub via: Option<Via>,
    /// The namespaces whose Ingresses are requested.
    pub namespaces: Vec<String>,
}

impl ProbeSettings {
    /// Returns whether the Ingresses of a namespace are requested.
    #[must_use]
    pub fn includes(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|pattern| WildMatch::new(pattern).matches(namespace))
    }
}

/// Resolves the settings. `has_lease`: the background audit runs, whose Lease selects the replica that sends the requests.
pub(super) fn probe(raw: &RawProbe, has_lease: bool) -> Result<ProbeSettings, ConfigFault> {
    let RawProbe { enabled, interval, rate, via, namespaces } = raw;
    let bounds = SignedDuration::from_mins(1)..=SignedDuration::from_hours(24);
    let interval = interval.parse::<SignedDuration>().ok().filter(|interval| bounds.contains(interval));
    let interval = interval
        .ok_or_else(|| ConfigFault::new("probe.interval", "must be a duration from 1m to 24h, such as \"5m\""))?;
    if !(1..=100).contains(rate) {
        return Err(ConfigFault::new("probe.rate", "must be from 1 to 100"));
    }
    if *enabled && !has_lease {
        let reason =
            "needs background.enabled: the Lease of the background audit selects the replica that sends requests";
        return Err(ConfigFault::new("probe.enabled", reason));
    }
    if *enabled && namespaces.is_empty() {
        return Err(ConfigFault::new("probe.namespaces", "must contain a namespace, or \"*\" for all"));
    }
    let parsed: Result<Vec<Via>, _> = via.iter().map(|text| text.parse()).collect();
    let parsed = parsed.map_err(|error| ConfigFault::new("probe.via", error.to_string()))?;
    let via = Via::merged(&parsed);
    Ok(ProbeSettings { enabled: *enabled, interval, rate: *rate, via, namespaces: namespaces.clone() })
}
