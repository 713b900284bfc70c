//! GitLab's code quality report, a subset of the Code Climate format
//! (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).

use std::hash::Hasher as _;

use fnv::{FnvHashMap, FnvHasher};
use serde_json::{Value, json};

use super::{Diagnostic, Entry, Listing, Report, Severity};
use crate::finding::{Level, one_line};

/// The report as a list of issues. It contains what could not be read as well: a merge request shows it like a finding.
#[must_use]
pub fn gitlab(report: &Report, listing: &Listing) -> Value {
    let mut seen = FnvHashMap::default();
    let mut issues: Vec<Value> = listing.entries(report).into_iter().map(|entry| finding(entry, &mut seen)).collect();
    issues.extend(report.diagnostics.iter().map(|diagnostic| problem(diagnostic, &mut seen)));
    issues.into()
}

fn finding(entry: &Entry, seen: &mut FnvHashMap<String, u32>) -> Value {
    let help = if entry.help.is_empty() { String::new() } else { format!("; {}", entry.help) };
    let ingress = entry.object();
    let severity = match entry.level {
        Level::Deny => "critical",
        Level::Warn => "major",
        Level::Audit | Level::Off => "info",
    };
    let location = if let Some(place) = &entry.place {
        json!({"path": path(&place.file), "positions": {
            "begin": {"line": place.line, "column": place.column},
            "end": {"line": place.end_line, "column": place.end_column},
        }})
    } else {
        json!({"path": path(entry.rendered_from.as_deref().unwrap_or(&ingress)), "lines": {"begin": 1}})
    };
    json!({
        "check_name": entry.code,
        "description": one_line(&format!("{} {ingress} {}: {}{help}", entry.code, entry.field, entry.message)),
        "fingerprint": unique(entry.fingerprint.clone(), seen),
        "severity": severity,
        "location": location,
    })
}

fn problem(diagnostic: &Diagnostic, seen: &mut FnvHashMap<String, u32>) -> Value {
    let mut hasher = FnvHasher::default();
    hasher.write(diagnostic.file.as_bytes());
    hasher.write_u8(0);
    hasher.write(diagnostic.message.as_bytes());
    json!({
        "check_name": "input",
        "description": one_line(&diagnostic.message),
        "fingerprint": unique(format!("{:016x}", hasher.finish()), seen),
        "severity": if diagnostic.severity == Severity::Error { "blocker" } else { "minor" },
        "location": {"path": path(&diagnostic.file), "lines": {"begin": diagnostic.line.unwrap_or(1)}},
    })
}

/// GitLab keeps one issue of each fingerprint. A number is appended to repeated ones.
fn unique(fingerprint: String, seen: &mut FnvHashMap<String, u32>) -> String {
    let count = seen.entry(fingerprint.clone()).or_default();
    *count += 1;
    if *count == 1 { fingerprint } else { format!("{fingerprint}-{count}") }
}

/// GitLab needs a path relative to the repository, without `./` at its start.
fn path(file: &str) -> String {
    one_line(file.strip_prefix("./").unwrap_or(file))
}
