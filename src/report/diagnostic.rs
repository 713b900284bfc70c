//! Problems of the input of a report.

use std::path::Path;

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

/// The most diagnostics of one folder that the text format shows in full.
const IN_FULL: usize = 2;

/// The most lines about diagnostics.
const MOST: usize = 15;

/// The diagnostics as lines. If a folder has many of one severity, they are one line.
pub(super) fn by_folder(diagnostics: &[Diagnostic]) -> Vec<(Severity, String)> {
    let folder = |diagnostic: &Diagnostic| {
        let folder = Path::new(&diagnostic.file).parent().unwrap_or(Path::new(""));
        if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() }
    };
    let mut groups: Vec<(Severity, String, Vec<&Diagnostic>)> = Vec::new();
    for diagnostic in diagnostics {
        let (severity, folder) = (diagnostic.severity, folder(diagnostic));
        match groups.iter_mut().find(|group| (group.0, &group.1) == (severity, &folder)) {
            Some(group) => group.2.push(diagnostic),
            None => groups.push((severity, folder, vec![diagnostic])),
        }
    }
    let line = |diagnostic: &Diagnostic| format!("{}: {}", diagnostic.location(), diagnostic.message);
    let mut lines = Vec::new();
    for (severity, folder, of_folder) in groups {
        if let [first, rest @ ..] = &*of_folder
            && rest.len() >= IN_FULL
        {
            lines.push((
                severity,
                format!("{}: {} problems, such as {}", one_line(&folder), of_folder.len(), line(first)),
            ));
        } else {
            lines.extend(of_folder.into_iter().map(|diagnostic| (severity, line(diagnostic))));
        }
    }
    if lines.len() > MOST {
        let left = lines.split_off(MOST - 1);
        let severity = left.iter().map(|(severity, _)| *severity).max().unwrap_or(Severity::Warning);
        lines.push((severity, format!("{} more problems of the input; -o json lists all", left.len())));
    }
    lines
}
