//! SARIF 2.1.0, for code scanning.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Change, Entry, Place, Report, Severity, counted};
use crate::checks::{self, Check, listed};
use crate::finding::{Level, one_line};

/// The report as a SARIF log of one run.
#[must_use]
pub fn sarif(report: &Report) -> Value {
    let used: BTreeSet<&str> = report.findings.iter().map(|entry| entry.code).collect();
    let rules: Vec<&Check> = checks::ALL.iter().copied().filter(|check| used.contains(check.code)).collect();
    let results: Vec<Value> = report.findings.iter().map(|entry| result(entry, &rules)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "ingress-guard",
                "semanticVersion": crate::version::VERSION,
                "rules": rules.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": !report.is_partial(),
                "toolExecutionNotifications": notifications(report),
            }],
            "results": results,
        }],
    })
}

fn rule(check: &Check) -> Value {
    let text = format!("{}. Details: ingress-guard explain {}", check.summary, check.code);
    json!({
        "id": check.code,
        "name": check.name,
        "shortDescription": {"text": check.summary},
        "fullDescription": {"text": full(check)},
        "help": {"text": text, "markdown": check.page},
        "defaultConfiguration": {"level": level(check.levels.guard)},
    })
}

/// The first paragraph of the page, below its title.
fn full(check: &Check) -> String {
    check.page.split("\n\n").nth(1).map_or_else(String::new, |lines| lines.replace('\n', " "))
}

fn result(entry: &Entry, rules: &[&Check]) -> Value {
    let help = if entry.help.is_empty() { String::new() } else { format!("; {}", entry.help) };
    let mut location = json!({"logicalLocations": [{
        "fullyQualifiedName": one_line(&format!("{}/{}", entry.object(), entry.field)),
        "kind": "object",
    }]});
    if let Some(file) = &entry.rendered_from {
        // A reader needs a region. The rendered line is not in the file.
        location["physicalLocation"] = json!({"artifactLocation": {"uri": uri(file)}, "region": {"startLine": 1}});
    }
    if let Some(place) = &entry.place {
        location["physicalLocation"] = json!({"artifactLocation": {"uri": uri(&place.file)}, "region": region(place)});
    }
    let mut result = json!({
        "ruleId": entry.code,
        "ruleIndex": rules.iter().position(|check| check.code == entry.code),
        "level": level(entry.level),
        "message": {"text": one_line(&format!("{}: {}{help}", entry.field, entry.message))},
        "locations": [location],
        "partialFingerprints": {"ingressGuard/v1": entry.fingerprint},
    });
    let waiver = entry.waived.iter().map(|why| json!({"kind": "inSource", "justification": why}));
    let baseline = entry.baseline.then(|| json!({"kind": "external", "justification": "in the baseline"}));
    // SARIF: without this property on every result, a reader treats the suppressions as unknown.
    result["suppressions"] = waiver.chain(baseline).collect();
    if !entry.changes.is_empty() {
        result["fixes"] = json!([fix(entry)]);
    }
    result
}

fn fix(entry: &Entry) -> Value {
    let replacement =
        |change: &Change| json!({"deletedRegion": region(&change.place), "insertedContent": {"text": change.text}});
    let file = entry.changes.first().map_or("", |change| &change.place.file);
    json!({
        "description": {"text": if entry.help.is_empty() { "apply the fix" } else { &*entry.help }},
        "artifactChanges": [{
            "artifactLocation": {"uri": uri(file)},
            "replacements": entry.changes.iter().map(replacement).collect::<Vec<_>>(),
        }],
    })
}

fn notifications(report: &Report) -> Vec<Value> {
    let input = report.diagnostics.iter().map(|diagnostic| {
        let mut physical = json!({"artifactLocation": {"uri": uri(&diagnostic.file)}});
        if let Some(line) = diagnostic.line {
            physical["region"] = json!({"startLine": line, "startColumn": diagnostic.column.unwrap_or(1)});
        }
        json!({
            "level": if diagnostic.severity == Severity::Error { "error" } else { "warning" },
            "message": {"text": one_line(&diagnostic.message)},
            "locations": [{"physicalLocation": physical}],
        })
    });
    let not_evaluated = report.not_evaluated_by_reason().into_iter().map(|(reason, codes, ingresses)| {
        let text = format!("not evaluated on {}: {}: {reason}", counted(ingresses, "Ingress"), listed(&codes));
        json!({"level": "note", "message": {"text": text}})
    });
    input.chain(not_evaluated).collect()
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Audit => "note",
        Level::Off => "none",
    }
}

/// Returns a path as a URI reference, percent-encoded.
fn uri(path: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let path = path.strip_prefix("./").unwrap_or(path);
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(path, ESCAPED))
}
