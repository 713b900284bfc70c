//! The settings of the background audit.

use jiff::SignedDuration;

use super::error::ConfigFault;
use super::raw::{RawBackground, StoredSeries};

/// The settings of the background audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Background {
    /// Whether it runs.
    pub enabled: bool,
    /// The time between two passes over all Ingresses.
    pub interval: SignedDuration,
    /// The most CPU time that evaluations take, in percent of a core.
    pub percent: u32,
    /// The series on `/metrics`.
    pub metrics: StoredSeries,
    /// Whether Events are written.
    pub events: bool,
    /// Whether reports are written.
    pub reports: bool,
}

/// Resolves the settings.
pub(super) fn background(raw: &RawBackground) -> Result<Background, ConfigFault> {
    let RawBackground { enabled, interval, cpu, metrics, events, reports } = raw;
    let bounds = SignedDuration::from_mins(1)..=SignedDuration::from_hours(24);
    let interval = interval.parse::<SignedDuration>().ok().filter(|interval| bounds.contains(interval));
    let interval = interval
        .ok_or_else(|| ConfigFault::new("background.interval", "must be a duration from 1m to 24h, such as \"1h\""))?;
    let thousandths = cpu.strip_suffix('m').and_then(|number| number.parse::<u32>().ok());
    let thousandths = thousandths.filter(|thousandths| (10..=1000).contains(thousandths)).ok_or_else(|| {
        ConfigFault::new("background.cpu", "must be from 10m to 1000m, in thousandths of a core, such as \"50m\"")
    })?;
    Ok(Background {
        enabled: *enabled,
        interval,
        percent: thousandths / 10,
        metrics: *metrics,
        events: *events,
        reports: *reports,
    })
}
