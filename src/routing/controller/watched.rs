//! The namespaces whose Ingresses a controller handles: section 1.4.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster::ClusterView;
use crate::model::LabelSelector;

/// The namespaces whose Ingresses a controller handles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WatchedNamespaces {
    /// All.
    #[default]
    All,
    /// `--watch-namespace`
    Named(Vec<String>),
    /// `--watch-namespace-selector`
    Selected {
        /// The selector.
        selector: LabelSelector,
        /// Whether it selects each namespace whose labels are known.
        known: BTreeMap<Box<str>, bool>,
    },
    /// Unknown: a flag cannot be read, or the controllers of one name differ.
    Unknown,
}

impl WatchedNamespaces {
    /// Returns what the flags of a controller select; `None`: a flag is not known, empty: it is not set. The controller does not
    /// start with both flags, or with a selector that it cannot parse.
    #[must_use]
    pub(super) fn of_flags(namespace: Option<&str>, selector: Option<&str>) -> Self {
        match (namespace, selector) {
            (Some(""), Some("")) => Self::All,
            (Some(namespace), Some("")) => Self::Named(vec![namespace.to_owned()]),
            (Some(""), Some(text)) => LabelSelector::parse(text)
                .map_or(Self::Unknown, |selector| Self::Selected { selector, known: BTreeMap::new() }),
            _ => Self::Unknown,
        }
    }

    /// Returns the namespaces of configured names; none means all.
    #[must_use]
    pub fn of_names(names: Vec<String>) -> Self {
        if names.is_empty() { Self::All } else { Self::Named(names) }
    }

    /// Returns whether a namespace is among them; `None`: unknown.
    #[must_use]
    pub fn contain(&self, namespace: &str) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Named(names) => Some(names.iter().any(|name| name == namespace)),
            Self::Selected { known, .. } => known.get(namespace).copied(),
            Self::Unknown => None,
        }
    }

    /// Returns whether no namespace can be among these and others.
    #[must_use]
    pub(super) fn exclude(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(names), Self::Named(others)) => names.iter().all(|name| !others.contains(name)),
            (Self::Selected { selector, .. }, Self::Selected { selector: other, .. }) => selector.excludes(other),
            _ => false,
        }
    }

    /// Returns the namespaces of several controllers together.
    #[must_use]
    pub(super) fn union<'w>(all: impl Iterator<Item = &'w Self>) -> Self {
        all.cloned().reduce(Self::or).unwrap_or_default()
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Named(mut names), Self::Named(others)) => {
                names.extend(others);
                names.dedup();
                Self::Named(names)
            }
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }

    /// Evaluates a selector for every namespace that the view shows. Reads Namespaces.
    pub(super) fn evaluate(&mut self, view: &ClusterView<'_>) {
        if let Self::Selected { selector, known } = self {
            let labelled =
                view.namespaces().map(|namespace| (namespace.name.clone(), selector.selects(&namespace.labels)));
            *known = labelled.collect();
        }
    }
}

impl fmt::Display for WatchedNamespaces {
    /// Writes `all`, the names, or the selector.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Named(names) => f.write_str(&names.join(", ")),
            Self::Selected { selector, .. } => write!(f, "those with the labels {selector}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
