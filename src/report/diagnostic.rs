//! Problems of the input of a report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::one_line;

/// A problem of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The severity.
    pub severity: Severity,
    /// The problem and its fix.
    pub message: String,
    /// The file as given on the command line.
    pub file: String,
    /// Line, from 1; absent if the whole file is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The results are complete.
    Warning,
    /// Part of the input was not analyzed.
    Error,
}

impl Diagnostic {
    /// `file:line:column`, or as much of it as is known.
    pub(super) fn location(&self) -> String {
        let mut location = one_line(&self.file);
        for number in [self.line, self.column].into_iter().flatten() {
            location = format!("{location}:{number}");
        }
        location
    }
}
