//! The level of a check before any ceiling: profile, then overrides, then the namespace's.

use std::collections::BTreeMap;

use super::Policy;
use crate::checks::{Check, NamespaceMatch};
use crate::finding::{Level, Levels};

/// How stern the catalogue's levels are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Nothing denies.
    Observe,
    /// Certain harm denies, likely harm warns.
    #[default]
    Guard,
    /// Likely harm denies too.
    Strict,
}

impl Profile {
    /// The level for this profile.
    #[must_use]
    pub fn pick(self, levels: Levels) -> Level {
        match self {
            Self::Observe => levels.guard.min(Level::Warn),
            Self::Guard => levels.guard,
            Self::Strict => levels.strict,
        }
    }

    /// The profile as it would be if `observe` were lifted: what "would deny" is measured by.
    #[must_use]
    pub fn lifted(self) -> Self {
        if self == Self::Observe { Self::Guard } else { self }
    }
}

/// Levels of single checks by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(pub BTreeMap<&'static str, Level>);

impl Overrides {
    pub(super) fn of(&self, check: &Check) -> Option<Level> {
        self.0.get(check.code).copied()
    }

    pub(super) fn level(&self, check: &Check, profile: Profile) -> Level {
        let level = self.of(check).unwrap_or_else(|| profile.lifted().pick(check.levels));
        profile.cap(level)
    }
}

impl Profile {
    /// Under `observe` not even an override denies.
    pub(super) fn cap(self, level: Level) -> Level {
        if self == Self::Observe { level.min(Level::Warn) } else { level }
    }
}

/// What holds in some namespaces.
#[derive(Debug, Clone)]
pub struct NamespaceRule {
    /// Which namespaces.
    pub matches: NamespaceMatch,
    /// Their profile, where not the general one.
    pub profile: Option<Profile>,
    /// Their levels of single checks, before the general ones.
    pub checks: Overrides,
    /// Whether objects in them may waive findings.
    pub waivers: bool,
}

impl NamespaceRule {
    pub(super) fn level(&self, policy: &Policy, check: &Check) -> Level {
        let profile = self.profile.unwrap_or(policy.profile);
        self.checks.of(check).map_or_else(|| policy.checks.level(check, profile), |level| profile.cap(level))
    }
}
