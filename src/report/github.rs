//! Workflow commands of GitHub Actions: an annotation on the line of each finding.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::text::summary;
use super::{Diagnostic, Entry, Listing, Place, Report, Severity, Text, counted};
use crate::checks::listed;
use crate::finding::{Level, one_line};

/// The most annotations of one kind that GitHub shows of a step
/// (<https://docs.github.com/en/rest/checks/runs>: 10 warnings, 10 errors).
const MOST: usize = 10;

/// The most findings in the job summary, which may have 1 MiB.
const MOST_ROWS: usize = 500;

/// The report as workflow commands, at most ten of each kind. GitHub drops all others; the job summary has them.
#[must_use]
pub fn github(report: &Report, listing: &Listing) -> String {
    let findings = listing.entries(report).into_iter().map(annotation);
    let input = report.diagnostics.iter().map(input);
    let not_evaluated = report.not_evaluated_by_reason().into_iter().map(|(reason, codes, ingresses)| {
        let message = format!("not evaluated on {}: {}: {reason}", counted(ingresses, "Ingress"), listed(&codes));
        ("notice", format!(" title=not evaluated::{}", data(&message)))
    });
    let mut out = String::new();
    let mut left = 0;
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for (command, rest) in findings.chain(input).chain(not_evaluated) {
        let count = shown.entry(command).or_default();
        *count += 1;
        if *count <= MOST {
            let _ = writeln!(out, "::{command}{rest}");
        } else {
            left += 1;
        }
    }
    if left > 0 {
        let _ = writeln!(
            out,
            "{left} more: GitHub shows {MOST} annotations of each kind; the job summary lists the findings"
        );
    }
    out
}

/// The kind of the annotation of a problem of the input, and the rest of its command.
fn input(diagnostic: &Diagnostic) -> (&'static str, String) {
    let command = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
    let mut out = format!(" file={}", property(&diagnostic.file));
    for (name, number) in [("line", diagnostic.line), ("col", diagnostic.column)] {
        if let Some(number) = number {
            let _ = write!(out, ",{name}={number}");
        }
    }
    (command, format!("{out}::{}", data(&diagnostic.message)))
}

/// The kind of the annotation of a finding, and the rest of its command.
fn annotation(entry: &Entry) -> (&'static str, String) {
    let command = match entry.level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Audit | Level::Off => "notice",
    };
    let mut out = format!(" title={}", property(&format!("{} {}", entry.code, entry.name)));
    if let Some(Place { file, line, column, end_line, end_column }) = &entry.place {
        let file = property(file);
        let _ = write!(out, ",file={file},line={line},endLine={end_line},col={column},endColumn={end_column}");
    }
    if let Some(file) = &entry.rendered_from {
        let _ = write!(out, ",file={}", property(file));
    }
    let help = if entry.help.is_empty() { String::new() } else { format!("; {}", entry.help) };
    let message = format!("{} {}: {}{help}", entry.object(), entry.field, entry.message);
    (command, format!("{out}::{}", data(&message)))
}

/// The report as Markdown for the summary of a job (`GITHUB_STEP_SUMMARY`).
#[must_use]
pub fn github_summary(report: &Report, listing: &Listing) -> String {
    let mut out = "## ingress-guard\n\n".to_owned();
    for line in summary(report, &Text { listing: *listing, ..Text::default() }).lines() {
        let _ = writeln!(out, "{}  ", markdown(line));
    }
    let entries = listing.entries(report);
    if !entries.is_empty() {
        out += "\n| level | check | Ingress | place | problem |\n|---|---|---|---|---|\n";
    }
    for entry in entries.iter().take(MOST_ROWS) {
        let Entry { level, code, message, help, .. } = entry;
        let place = entry.file_and_line().unwrap_or_default();
        let help = if help.is_empty() { String::new() } else { format!("; {help}") };
        let problem = format!("{message}{help}");
        let cells = [&entry.object(), &place, &problem].map(|cell| markdown(cell));
        let _ = writeln!(out, "| {level} | {code} | {} |", cells.join(" | "));
    }
    if entries.len() > MOST_ROWS {
        let _ = writeln!(out, "\n{} more findings", entries.len() - MOST_ROWS);
    }
    if !report.diagnostics.is_empty() {
        out.push('\n');
    }
    for diagnostic in report.diagnostics.iter().take(MOST_ROWS) {
        let _ = writeln!(out, "- {}: {}", markdown(&diagnostic.location()), markdown(&diagnostic.message));
    }
    out
}

/// Escapes the characters that Markdown and HTML interpret.
fn markdown(text: &str) -> String {
    one_line(text).chars().fold(String::with_capacity(text.len()), |mut out, character| {
        if "\\`*_{}[]()<>#+!|~&@$".contains(character) {
            out.push('\\');
        }
        out.push(character);
        out
    })
}

/// The message of a command, after the last `::`. Without line ends, which the runner would need as `%0D` and `%0A`.
fn data(text: &str) -> String {
    one_line(text).replace('%', "%25")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
