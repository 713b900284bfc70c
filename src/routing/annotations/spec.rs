//! ingress-nginx's annotations: one row for each, with the form of its value and what becomes of a value in another
//! form. Section 7.

use std::fmt;

use super::form::{Flaw, Form};
use super::table::ALL;
use crate::model::Kind;
use crate::routing::version::Version;

/// One annotation of ingress-nginx.
#[derive(Debug, Clone, Copy)]
pub struct Annotation {
    /// What follows the prefix, e.g. `rewrite-target`.
    pub name: &'static str,
    /// How dangerous upstream takes it to be; `annotations-risk-level` is the most that a controller lets pass.
    pub risk: Risk,
    /// The form of its value.
    pub form: Form,
    /// What becomes of a value that the validator refuses.
    pub refused: Effect,
    /// What becomes of a value that cannot be read, validated or not; `None` where it is then used as it is.
    pub unread: Option<Effect>,
    /// What becomes of an empty value; mostly it is as if it were not there.
    pub empty: Option<Effect>,
    /// It is read only where this other annotation is on.
    pub with: Option<&'static str>,
    /// The kind of object that its value names: `name` or `namespace/name`.
    pub names: Option<Kind>,
    /// It is an old name of this one, which goes before it.
    pub alias_of: Option<&'static str>,
    /// The first version that knows it, where that is since version 1.10.
    pub since: Option<Version>,
    /// When and why it went.
    pub removed: Option<Removed>,
}

/// An annotation that is no more.
#[derive(Debug, Clone, Copy)]
pub struct Removed {
    /// The first version that does not know it.
    pub by: Version,
    /// What to do in its place.
    pub instead: &'static str,
}

/// Upstream's measure of danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// A choice among few, or a number.
    #[serde(alias = "Low")]
    Low,
    /// A text without special characters.
    #[serde(alias = "Medium")]
    Medium,
    /// A text with variables or patterns.
    #[serde(alias = "High")]
    High,
    /// nginx configuration as it is.
    #[serde(alias = "Critical")]
    Critical,
}

/// What becomes of an annotation in the wrong form (section 7.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The Ingress is not loaded: a new one is absent, of a changed one the old version stays.
    NotLoaded,
    /// Every location of the Ingress answers 503.
    Unavailable,
    /// The whole host answers 403.
    Forbidden,
    /// The annotation, or the group that it belongs to, is dropped and the default holds.
    Ignored,
    /// The external authentication is dropped: the location is open to everybody.
    Open,
}

/// What is wrong with a value, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong; `None`: it is empty.
    pub flaw: Option<Flaw>,
    /// What comes of it.
    pub effect: Effect,
    /// Whether that is known, whatever the version; otherwise it is so from 1.12 on.
    pub certain: bool,
}

/// The annotation with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Annotation> {
    ALL.binary_search_by(|row| row.name.cmp(name)).ok().map(|at| &ALL[at])
}

/// `name` or `namespace/name` in its parts.
#[must_use]
pub fn reference(value: &str) -> (Option<&str>, &str) {
    match value.trim().split_once('/') {
        Some((namespace, name)) => (Some(namespace).filter(|namespace| !namespace.is_empty()), name),
        None => (None, value.trim()),
    }
}

impl Annotation {
    /// Whether a controller that validates takes this value.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        !value.is_empty() && self.form.refused(value).is_none()
    }

    /// What is wrong with a value for a controller that validates values, that does not, or of which that is not known.
    #[must_use]
    pub fn fault(&self, value: &str, validates: Option<bool>) -> Option<Fault> {
        if value.is_empty() {
            return self.empty.map(|effect| Fault { flaw: None, effect, certain: true });
        }
        let unread = || Some((self.form.unread(value)?, self.unread?));
        if let Some(flaw) = self.form.refused(value).filter(|_| validates != Some(false)) {
            let either_way = || unread().is_some_and(|(_, effect)| effect == self.refused);
            let certain = validates == Some(true) || either_way();
            return Some(Fault { flaw: Some(flaw), effect: self.refused, certain });
        }
        unread().map(|(flaw, effect)| Fault { flaw: Some(flaw), effect, certain: true })
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
