//! Exceptions that the configuration makes, for Ingresses that their owners cannot annotate.

use std::sync::Arc;

use jiff::civil::Date;
use wildmatch::WildMatch;

use crate::finding::Finding;
use crate::model::Key;

/// Findings that do not deny, until a day.
#[derive(Debug, Clone)]
pub struct Exception {
    /// Pattern of namespaces.
    pub namespace: WildMatch,
    /// Pattern of the names of Ingresses.
    pub name: WildMatch,
    /// Codes of the checks.
    pub checks: Vec<&'static str>,
    /// Pattern of the field of a finding, such as `spec.tls*`.
    pub field: WildMatch,
    /// The team or person who is responsible.
    pub owner: String,
    /// The reason, at most 120 characters.
    pub reason: Arc<str>,
    /// The last day (UTC) on which it applies.
    pub until: Date,
}

impl Exception {
    /// Whether it applies on this day (UTC).
    #[must_use]
    pub fn is_in_force(&self, today: Date) -> bool {
        today <= self.until
    }

    /// Whether it is for the Ingress with this key.
    #[must_use]
    pub fn is_for(&self, key: &Key) -> bool {
        self.namespace.matches(&key.namespace) && self.name.matches(&key.name)
    }

    /// Whether it covers a finding of an Ingress that it is for.
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        self.checks.contains(&finding.code) && self.field.matches(&finding.field.to_string())
    }
}
