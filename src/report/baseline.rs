//! A baseline: the fingerprints of accepted findings. These are counted and do not affect the exit code.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::{Entry, Report};

/// Accepted findings.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    schema_version: u32,
    /// Descriptions by fingerprint, for readable diffs.
    accepted: BTreeMap<String, String>,
}

/// Why a file cannot be used as a baseline.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It is not in the format of `--write-baseline`.
    #[error("line {}, column {}: not a baseline ({}); create one with --write-baseline", .0.line(), .0.column(), .0)]
    Syntax(serde_json::Error),
    /// A later version wrote it.
    #[error("schemaVersion {0} is not supported (supported: {known}); create it again with --write-baseline", known = Baseline::VERSION)]
    Version(u32),
}

impl Baseline {
    const VERSION: u32 = 1;

    /// Returns the baseline of all findings that are not waived.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let open = report.findings.iter().filter(|entry| entry.waived.is_none());
        let about = |entry: &Entry| format!("{} {} {}", entry.code, entry.object(), entry.subject);
        let accepted = open.map(|entry| (entry.fingerprint.clone(), about(entry))).collect();
        Self { schema_version: Self::VERSION, accepted }
    }

    /// Parses the output of [`Baseline::to_json`].
    ///
    /// # Errors
    /// If the text has another format or version.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text).map_err(BaselineError::Syntax)?;
        if baseline.schema_version == Self::VERSION {
            Ok(baseline)
        } else {
            Err(BaselineError::Version(baseline.schema_version))
        }
    }

    /// Returns the baseline as JSON with one line per finding.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = serde_json::json!({"schemaVersion": self.schema_version, "accepted": self.accepted});
        format!("{value:#}\n")
    }

    /// The number of accepted findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accepted.len()
    }

    /// Whether it contains no finding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    /// Whether it contains a finding.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        self.accepted.contains_key(&entry.fingerprint)
    }
}
