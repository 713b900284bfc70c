//! The specification of an ingress-nginx annotation: the form of its value, and the effect of an invalid value.
//! Section 7.

use std::fmt;

use super::form::{Flaw, Form};
use crate::model::Kind;
use crate::routing::version::Version;

/// One annotation of ingress-nginx.
#[derive(Debug, Clone, Copy)]
pub struct Annotation {
    /// The name after the prefix, e.g. `rewrite-target`.
    pub name: &'static str,
    /// The risk by upstream's classification; `annotations-risk-level` is the highest that a controller accepts.
    pub risk: Risk,
    /// The form of its value.
    pub form: Form,
    /// The effect of a value that the validator rejects.
    pub refused: Effect,
    /// The effect of a value that cannot be parsed, validated or not; `None`: the value is used as it is.
    pub unread: Option<Effect>,
    /// The effect of an empty value; `None`: it counts as absent.
    pub empty: Option<Effect>,
    /// The annotation that must be on for this one to be read.
    pub with: Option<&'static str>,
    /// The annotation that keeps this one from being read, even if it is empty.
    pub without: Option<&'static str>,
    /// The kind of object that its value names: `name` or `namespace/name`.
    pub names: Option<Kind>,
    /// The annotation of which this is an old name; the new name takes precedence.
    pub alias_of: Option<&'static str>,
    /// The first version that supports it, if that is later than 1.10.
    pub since: Option<Version>,
    /// The removal.
    pub removed: Option<Removed>,
}

/// The removal of an annotation.
#[derive(Debug, Clone, Copy)]
pub struct Removed {
    /// The first version without it.
    pub by: Version,
    /// The replacement.
    pub instead: &'static str,
}

/// The risk of an annotation by upstream's classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// One of a few words, or a number.
    #[serde(alias = "Low")]
    Low,
    /// A text without special characters.
    #[serde(alias = "Medium")]
    Medium,
    /// A text with variables or regexes.
    #[serde(alias = "High")]
    High,
    /// Raw nginx configuration.
    #[serde(alias = "Critical")]
    Critical,
}

/// The effect of an invalid annotation (section 7.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The controller does not load the Ingress: a new one is ignored, a changed one stays at its old version.
    NotLoaded,
    /// Every location of the Ingress answers 503.
    Unavailable,
    /// The whole host answers 403.
    Forbidden,
    /// The annotation, or its group, is ignored and the default applies.
    Ignored,
    /// External authentication is disabled: requests are not authenticated.
    Open,
}

/// An invalid annotation value and its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueError {
    /// The problem; `None`: the value is empty.
    pub flaw: Option<Flaw>,
    /// The effect.
    pub effect: Effect,
    /// Whether the effect is certain; otherwise it depends on the version and applies from 1.12.
    pub certain: bool,
}

/// Splits `name` or `namespace/name` into its parts.
#[must_use]
pub fn reference(value: &str) -> (Option<&str>, &str) {
    match value.trim().split_once('/') {
        Some((namespace, name)) => (Some(namespace).filter(|namespace| !namespace.is_empty()), name),
        None => (None, value.trim()),
    }
}

impl Annotation {
    /// Returns whether a controller that validates values accepts this one.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        !value.is_empty() && self.form.refused(value).is_none()
    }

    /// Returns whether it is a snippet of nginx configuration.
    #[must_use]
    pub fn is_snippet(&self) -> bool {
        self.name.ends_with("-snippet")
    }

    /// Returns the problem of a value for a controller that validates values, does not, or of which that is unknown.
    #[must_use]
    pub fn value_error(&self, value: &str, validates: Option<bool>) -> Option<ValueError> {
        if value.is_empty() {
            return self.empty.map(|effect| ValueError { flaw: None, effect, certain: true });
        }
        let unread = || Some((self.form.unread(value)?, self.unread?));
        if let Some(flaw) = self.form.refused(value).filter(|_| validates != Some(false)) {
            let either_way = || unread().is_some_and(|(_, effect)| effect == self.refused);
            let certain = validates == Some(true) || either_way();
            return Some(ValueError { flaw: Some(flaw), effect: self.refused, certain });
        }
        unread().map(|(flaw, effect)| ValueError { flaw: Some(flaw), effect, certain: true })
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        })
    }
}
