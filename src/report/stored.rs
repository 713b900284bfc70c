//! The report of the background audit, made from findings that it keeps.

use super::{Entry, Report, fingerprint};
use crate::checks;
use crate::finding::Level;
use crate::model::Key;

/// A finding on a stored Ingress.
#[derive(Debug, Clone)]
pub struct StoredEntry<'a> {
    /// The check's code.
    pub code: &'static str,
    /// The level.
    pub level: Level,
    /// The field of the Ingress.
    pub field: &'a str,
    /// The identity within the Ingress.
    pub subject: &'a str,
    /// The problem and its effect on requests.
    pub message: &'a str,
    /// The fix in words.
    pub help: &'a str,
    /// The reason of the waiver or exception that applies.
    pub waived: Option<&'a str>,
}

impl Report {
    /// Adds the findings on one stored Ingress.
    pub fn add_stored<'a>(&mut self, key: &Key, findings: impl IntoIterator<Item = StoredEntry<'a>>) {
        self.summary.ingresses += 1;
        for StoredEntry { code, level, field, subject, message, help, waived } in findings {
            let entry = Entry {
                code,
                name: checks::find(code).map_or("", |check| check.name),
                level,
                root: None,
                rendered_from: None,
                namespace: key.namespace.clone(),
                ingress: key.name.clone(),
                field: field.to_owned(),
                subject: subject.into(),
                fingerprint: fingerprint(None, key, code, subject),
                message: message.into(),
                help: help.into(),
                docs: format!("ingress-guard explain {code}"),
                fix: None,
                waived: waived.map(Into::into),
                baseline: false,
                place: None,
                changes: Vec::new(),
            };
            *self.summary.count_of(&entry) += 1;
            self.findings.push(entry);
        }
    }
}
