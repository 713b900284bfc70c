//! Lower levels for a limited time, for an emergency.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::Overrides;
use crate::checks::Check;
use crate::finding::Level;

/// Lower levels in all namespaces, until a time. It ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryOverride {
    /// Its end.
    pub until: Timestamp,
    /// Whether no finding denies.
    pub observe: bool,
    /// The highest levels of single checks.
    pub checks: Overrides,
    /// The reason: one line.
    pub reason: Arc<str>,
}

impl TemporaryOverride {
    /// Whether it has not ended.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// The highest level of a check, if it is lowered.
    pub(super) fn cap(&self, check: &Check) -> Option<Level> {
        let observed = self.observe.then_some(Level::Warn);
        observed.into_iter().chain(self.checks.of(check)).min()
    }
}

impl fmt::Display for TemporaryOverride {
    /// Writes what it lowers, its end, and its reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observe = self.observe.then(|| "profile observe".to_owned());
        let checks = self.checks.0.iter().map(|(code, level)| format!("{code} {level}"));
        let lowered: Vec<String> = observe.into_iter().chain(checks).collect();
        write!(f, "{} until {} ({})", lowered.join(", "), self.until, self.reason)
    }
}
