//! A baseline: the findings that were there when it was written, by their fingerprints. They are reported as accepted and fail
//! nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::{Entry, Report};

/// Accepted findings.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    schema_version: u32,
    /// By fingerprint, so that a change of it reads well.
    accepted: BTreeMap<String, String>,
}

/// Why a file is no baseline.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It is not what `--write-baseline` writes.
    #[error("line {}, column {}: is no baseline ({}); ingress-guard check --write-baseline writes one", .0.line(), .0.column(), .0)]
    Syntax(serde_json::Error),
    /// A later version wrote it.
    #[error("it has schemaVersion {0}, and this ingress-guard knows {known}: write it anew", known = Baseline::VERSION)]
    Version(u32),
}

impl Baseline {
    const VERSION: u32 = 1;

    /// The findings of a report that nothing else accepts.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let open = report.findings.iter().filter(|entry| entry.waived.is_none());
        let about = |entry: &Entry| format!("{} {}/{} {}", entry.code, entry.namespace, entry.ingress, entry.subject);
        let accepted = open.map(|entry| (entry.fingerprint.clone(), about(entry))).collect();
        Self { schema_version: Self::VERSION, accepted }
    }

    /// Read what [`Baseline::to_json`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text).map_err(BaselineError::Syntax)?;
        if baseline.schema_version == Self::VERSION {
            Ok(baseline)
        } else {
            Err(BaselineError::Version(baseline.schema_version))
        }
    }

    /// A line for each finding.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = serde_json::json!({"schemaVersion": self.schema_version, "accepted": self.accepted});
        format!("{value:#}\n")
    }

    /// How many findings it accepts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accepted.len()
    }

    /// Whether it accepts none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    /// Whether it accepts a finding.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        self.accepted.contains_key(&entry.fingerprint)
    }
}
