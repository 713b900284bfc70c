//! The level of a check before any ceiling: profile, overrides, namespace rule.

use std::collections::BTreeMap;

use super::Policy;
use crate::checks::{Check, NamespaceMatch};
use crate::finding::{Level, Levels};

/// The strictness of the levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// No finding denies.
    Observe,
    /// Findings that break requests deny; findings that probably break requests warn.
    #[default]
    Guard,
    /// Findings that probably break requests deny as well.
    Strict,
}

impl Profile {
    /// Returns the level for this profile.
    #[must_use]
    pub fn pick(self, levels: Levels) -> Level {
        match self {
            Self::Observe => levels.guard.min(Level::Warn),
            Self::Guard => levels.guard,
            Self::Strict => levels.strict,
        }
    }

    /// Returns the profile without `observe`, by which "would deny" is measured.
    #[must_use]
    pub fn lifted(self) -> Self {
        if self == Self::Observe { Self::Guard } else { self }
    }
}

/// Levels of single checks, by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(pub BTreeMap<&'static str, Level>);

impl Overrides {
    pub(super) fn of(&self, check: &Check) -> Option<Level> {
        self.0.get(check.code).copied()
    }

    pub(super) fn level(&self, check: &Check, default: Levels, profile: Profile) -> Level {
        let level = self.of(check).unwrap_or_else(|| profile.lifted().pick(default));
        profile.cap(level)
    }
}

impl Profile {
    /// Caps a level: under `observe`, an override cannot deny either.
    pub(super) fn cap(self, level: Level) -> Level {
        if self == Self::Observe { level.min(Level::Warn) } else { level }
    }
}

/// A rule for some namespaces.
#[derive(Debug, Clone)]
pub struct NamespaceRule {
    /// The namespaces that it applies to.
    pub matches: NamespaceMatch,
    /// The profile, if it differs from the general one.
    pub profile: Option<Profile>,
    /// Levels of single checks; they override the general ones.
    pub checks: Overrides,
    /// Whether objects in these namespaces may waive findings.
    pub waivers: bool,
}

impl NamespaceRule {
    pub(super) fn level(&self, policy: &Policy, check: &Check, default: Levels) -> Level {
        let profile = self.profile.unwrap_or(policy.profile);
        self.checks.of(check).map_or_else(|| policy.checks.level(check, default, profile), |level| profile.cap(level))
    }
}
