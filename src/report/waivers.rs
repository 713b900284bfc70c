//! The waivers and exceptions that are in force.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::counted;
use super::table::aligned;
use crate::analysis::{WaiverInForce, WaiverSource};
use crate::policy::ENDS_SOON_DAYS;

/// A waiver in an annotation, or an exception of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaiverEntry {
    /// `annotation` or `exception`.
    pub source: &'static str,
    /// Namespace of the Ingress; for an exception, a pattern.
    pub namespace: String,
    /// Name of the Ingress; for an exception, a pattern.
    pub ingress: String,
    /// The codes of the checks.
    pub codes: Vec<&'static str>,
    /// Pattern of the field; only of an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The responsible team or person; only of an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The reason.
    pub reason: String,
    /// The last day (UTC) on which it applies; absent: it never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether it ends within 14 days.
    pub ends_soon: bool,
}

impl From<&WaiverInForce<'_>> for WaiverEntry {
    fn from(waiver: &WaiverInForce<'_>) -> Self {
        let (namespace, ingress, field, owner) = match waiver.source {
            WaiverSource::Annotation(key) => (key.namespace.to_string(), key.name.to_string(), None, None),
            WaiverSource::Exception(it) => {
                let field = Some(it.field.to_string());
                (it.namespace.to_string(), it.name.to_string(), field, Some(it.owner.clone()))
            }
        };
        Self {
            source: waiver.source.name(),
            namespace,
            ingress,
            codes: waiver.codes.clone(),
            field,
            owner,
            reason: waiver.reason.to_string(),
            until: waiver.until.map(|day| day.to_string()),
            ends_soon: waiver.ends_soon,
        }
    }
}

/// Renders the waivers as a table, with a line that counts them.
#[must_use]
pub fn waivers(entries: &[WaiverEntry]) -> String {
    let mut rows = vec![["SOURCE", "INGRESS", "CHECKS", "FIELD", "UNTIL", "OWNER", "REASON"].map(str::to_owned)];
    rows.extend(entries.iter().map(|entry| {
        [
            entry.source.to_owned(),
            format!("{}/{}", entry.namespace, entry.ingress),
            entry.codes.join(","),
            entry.field.clone().unwrap_or_default(),
            entry.until.clone().unwrap_or_else(|| "without end".to_owned()),
            entry.owner.clone().unwrap_or_default(),
            entry.reason.clone(),
        ]
    }));
    let mut out = if entries.is_empty() { String::new() } else { aligned(&rows) + "\n" };
    let soon = entries.iter().filter(|entry| entry.ends_soon).count();
    let of_exceptions = entries.iter().filter(|entry| entry.owner.is_some()).count();
    let of_annotations = counted(entries.len() - of_exceptions, "waiver");
    let _ = writeln!(
        out,
        "{of_annotations} and {} in force; {soon} end within {ENDS_SOON_DAYS} days",
        counted(of_exceptions, "exception")
    );
    out
}
