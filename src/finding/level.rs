//! Levels: the consequence of a finding under each profile.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The consequence of a finding, from none to a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check does not run.
    Off,
    /// Reported by audits and metrics, not at admission.
    Audit,
    /// The API client gets a warning; the object is stored.
    Warn,
    /// The object is denied.
    Deny,
}

impl Level {
    /// Returns the name in configuration and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level for each profile: `observe` is `guard` without its denials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Under the profile `guard`.
    pub guard: Level,
    /// Under the profile `strict`.
    pub strict: Level,
}

impl Levels {
    /// Creates a level for each profile.
    #[must_use]
    pub const fn new(guard: Level, strict: Level) -> Self {
        Self { guard, strict }
    }

    /// Creates the same level for every profile.
    #[must_use]
    pub const fn both(level: Level) -> Self {
        Self::new(level, level)
    }
}
