//! The roots of the given directories, and those that could not be rendered.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Entry, Report, counted};
use crate::finding::one_line;
use crate::model::Key;

/// The most roots that one line names.
const NAMED: usize = 5;

/// The most reasons that have a line of their own.
const REASONS: usize = 8;

/// One root: objects that are applied together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RootEntry {
    /// The directory below the given one, with the values file of a chart.
    pub name: String,
    /// Analyzed Ingresses.
    pub ingresses: usize,
    /// Why it is not analyzed, if it could not be rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_rendered: Option<String>,
}

/// Root, namespace and name of an Ingress.
pub(super) type Identity<'a> = (Option<&'a str>, &'a str, &'a str);

/// Where an analyzed Ingress comes from.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// Its root, if it is part of one of several.
    pub root: Option<Box<str>>,
    /// Its file, or the file from which it is rendered.
    pub file: Option<String>,
    /// Whether it is rendered, so that it has no place in the file.
    pub is_rendered: bool,
}

impl Provenance {
    /// Returns the provenance of an Ingress in a file.
    #[must_use]
    pub fn file(name: impl Into<String>) -> Self {
        Self { file: Some(name.into()), ..Self::default() }
    }
}

/// An analyzed Ingress.
#[derive(Debug, Clone)]
pub struct Analyzed {
    /// Its namespace and name.
    pub key: Key,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Analyzed {
    pub(super) fn identity(&self) -> Identity<'_> {
        (self.provenance.root.as_deref(), &self.key.namespace, &self.key.name)
    }
}

impl Report {
    /// Whether a root could not be rendered.
    #[must_use]
    pub fn lacks_roots(&self) -> bool {
        self.roots.iter().any(|root| root.not_rendered.is_some())
    }
}

impl Entry {
    /// The Ingress as text: `namespace/name`, after its root if there are several.
    pub(super) fn object(&self) -> String {
        let root = self.root.as_ref().map_or_else(String::new, |root| format!("{root}: "));
        format!("{root}{}/{}", self.namespace, self.ingress)
    }

    pub(super) fn identity(&self) -> Identity<'_> {
        (self.root.as_deref(), &self.namespace, &self.ingress)
    }
}

/// The roots in the line that counts Ingresses: ` from 12 of 14 roots`.
pub(super) fn counts(roots: &[RootEntry]) -> String {
    let rendered = roots.iter().filter(|root| root.not_rendered.is_none()).count();
    if roots.is_empty() { String::new() } else { format!(" from {rendered} of {}", counted(roots.len(), "root")) }
}

/// The roots that are not rendered, one line for each reason.
pub(super) fn not_rendered(roots: &[RootEntry]) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for root in roots {
        if let Some(reason) = &root.not_rendered {
            reasons.entry(reason).or_default().push(&root.name);
        }
    }
    let line = |(reason, names): (&str, Vec<&str>)| {
        let named = names.iter().take(NAMED).map(|name| one_line(name)).collect::<Vec<_>>().join(", ");
        let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
        format!("{} not rendered: {named}{more} ({})", counted(names.len(), "root"), one_line(reason))
    };
    let mut reasons: Vec<(&str, Vec<&str>)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, names)| Reverse(names.len()));
    let others = reasons.split_off(reasons.len().min(REASONS));
    let others: usize = others.iter().map(|(_, names)| names.len()).sum();
    let mut lines: Vec<String> = reasons.into_iter().map(line).collect();
    if others > 0 {
        lines.push(format!("{} not rendered for other reasons (-o json lists all)", counted(others, "more root")));
    }
    lines
}
