//! JUnit XML for CI servers: a suite for each file, a test for each Ingress.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::roots::Identity;
use super::{Analyzed, Diagnostic, Entry, NotEvaluated, Report, Severity};
use crate::checks::listed;
use crate::finding::{Level, escaped, is_invisible};

/// A test suite.
#[derive(Default)]
struct Suite<'a> {
    ingresses: Vec<&'a Analyzed>,
    errors: Vec<&'a Diagnostic>,
    warnings: Vec<&'a Diagnostic>,
}

/// Renders the report as JUnit XML. Findings at `fail_on` or above fail their Ingress; other findings are its output.
#[must_use]
pub fn junit(report: &Report, fail_on: Level) -> String {
    let mut suites: BTreeMap<&str, Suite<'_>> = BTreeMap::new();
    for analyzed in &report.analyzed {
        let file = analyzed.provenance.file.as_deref().unwrap_or("cluster");
        suites.entry(file).or_default().ingresses.push(analyzed);
    }
    for diagnostic in &report.diagnostics {
        let suite = suites.entry(&diagnostic.file).or_default();
        let list = if diagnostic.severity == Severity::Error { &mut suite.errors } else { &mut suite.warnings };
        list.push(diagnostic);
    }
    let mut by_ingress: BTreeMap<Identity<'_>, Vec<&Entry>> = BTreeMap::new();
    for entry in &report.findings {
        by_ingress.entry(entry.identity()).or_default().push(entry);
    }
    let mut not_evaluated: BTreeMap<Identity<'_>, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for NotEvaluated { code, root, namespace, ingress, reason, .. } in &report.not_evaluated {
        let of_ingress = not_evaluated.entry((root.as_deref(), namespace, ingress)).or_default();
        of_ingress.entry(reason).or_default().insert(code);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ingress-guard\">\n");
    for (file, suite) in suites {
        let fails = |entry: &&&Entry| entry.level >= fail_on && entry.waived.is_none() && !entry.baseline;
        let failures = suite
            .ingresses
            .iter()
            .filter(|analyzed| findings(&by_ingress, analyzed).iter().any(|entry| fails(&entry)))
            .count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\">",
            xml(file),
            suite.ingresses.len() + suite.errors.len(),
            suite.errors.len()
        );
        for analyzed in suite.ingresses {
            case(
                &mut out,
                (file, analyzed),
                findings(&by_ingress, analyzed),
                not_evaluated.get(&analyzed.identity()),
                fails,
            );
        }
        for error in suite.errors {
            let name = format!("line {}, column {}", error.line.unwrap_or(1), error.column.unwrap_or(1));
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"{name}\">\n      <error message=\"{}\" type=\"input\"/>\n    </testcase>",
                xml(file),
                xml(&error.message)
            );
        }
        if !suite.warnings.is_empty() {
            let warnings = suite.warnings.iter().map(|warning| format!("warning: {}", warning.message));
            let warnings = warnings.collect::<Vec<_>>().join("\n");
            let _ = writeln!(out, "    <system-out>{}</system-out>", xml(&warnings));
        }
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn findings<'a, 'e>(by_ingress: &'a BTreeMap<Identity<'_>, Vec<&'e Entry>>, analyzed: &'a Analyzed) -> &'a [&'e Entry] {
    by_ingress.get(&analyzed.identity()).map_or(&[], Vec::as_slice)
}

fn case(
    out: &mut String,
    (file, analyzed): (&str, &Analyzed),
    findings: &[&Entry],
    not_evaluated: Option<&BTreeMap<&str, BTreeSet<&str>>>,
    fails: impl Fn(&&&Entry) -> bool,
) {
    let Analyzed { key, provenance } = analyzed;
    let name = provenance.root.as_ref().map_or_else(|| key.to_string(), |root| format!("{root}: {key}"));
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", xml(file), xml(&name));
    if findings.is_empty() && not_evaluated.is_none() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    let (failures, others): (Vec<&Entry>, Vec<&Entry>) = findings.iter().partition(|entry| fails(entry));
    if let Some(first) = failures.first() {
        let message = format!("{} {}", first.code, first.message);
        let _ = writeln!(
            out,
            "      <failure message=\"{}\" type=\"{}\">{}</failure>",
            xml(&message),
            first.code,
            xml(&lines(&failures).join("\n"))
        );
    }
    let not_evaluated = not_evaluated.into_iter().flatten();
    let not_evaluated = not_evaluated.map(|(reason, codes)| format!("not evaluated: {reason} ({})", listed(codes)));
    let others: Vec<String> = lines(&others).into_iter().chain(not_evaluated).collect();
    if !others.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", xml(&others.join("\n")));
    }
    out.push_str("    </testcase>\n");
}

fn lines(findings: &[&Entry]) -> Vec<String> {
    let line = |entry: &&Entry| {
        let place = entry.place.as_ref().map_or(String::new(), |at| format!("{}:{}:{}: ", at.file, at.line, at.column));
        let state = match (&entry.waived, entry.baseline) {
            (Some(reason), _) => format!("waived ({reason})"),
            (None, true) => "in the baseline".to_owned(),
            (None, false) => entry.level.to_string(),
        };
        let help = if entry.help.is_empty() { String::new() } else { format!("; {}", entry.help) };
        format!("{place}{state}[{} {}] {}: {}{help}", entry.code, entry.name, entry.field, entry.message)
    };
    findings.iter().map(line).collect()
}

/// Escapes text for XML 1.0, also in attributes. Characters that XML cannot contain become U+FFFD; other invisible characters are
/// escaped as in messages.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in escaped(text, |c| is_invisible(c) && c != '\n' && c != '\t').chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}
