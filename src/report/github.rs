//! Workflow commands of GitHub Actions: an annotation on the line of each finding.

use std::fmt::Write as _;

use super::{Report, Severity, counted};
use crate::checks::listed;
use crate::finding::{Level, one_line};

/// The report as workflow commands.
#[must_use]
pub fn github(report: &Report) -> String {
    let mut out = String::new();
    for diagnostic in &report.diagnostics {
        let command = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let _ = write!(out, "::{command} file={}", property(&diagnostic.file));
        for (name, number) in [("line", diagnostic.line), ("col", diagnostic.column)] {
            if let Some(number) = number {
                let _ = write!(out, ",{name}={number}");
            }
        }
        let _ = writeln!(out, "::{}", data(&diagnostic.message));
    }
    for entry in report.findings.iter().filter(|entry| entry.waived.is_none() && !entry.baseline) {
        let command = match entry.level {
            Level::Deny => "error",
            Level::Warn => "warning",
            Level::Audit | Level::Off => "notice",
        };
        let _ = write!(out, "::{command} title={}", property(&format!("{} {}", entry.code, entry.name)));
        if let Some(place) = &entry.place {
            let _ = write!(
                out,
                ",file={},line={},endLine={},col={},endColumn={}",
                property(&place.file),
                place.line,
                place.end_line,
                place.column,
                place.end_column
            );
        }
        let help = if entry.help.is_empty() { String::new() } else { format!("; {}", entry.help) };
        let message = format!("{}/{} {}: {}{help}", entry.namespace, entry.ingress, entry.field, entry.message);
        let _ = writeln!(out, "::{}", data(&message));
    }
    for (reason, codes, ingresses) in report.not_evaluated_by_reason() {
        let message = format!("not evaluated on {}: {}: {reason}", counted(ingresses, "Ingress"), listed(&codes));
        let _ = writeln!(out, "::notice title=not evaluated::{}", data(&message));
    }
    out
}

/// The message of a command, after the last `::`. Without line ends, which the runner would need as `%0D` and `%0A`.
fn data(text: &str) -> String {
    one_line(text).replace('%', "%25")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
