//! Tables: one line for each finding, and one line for each check.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::roots::Identity;
use super::text::summary;
use super::{Diagnostic, Entry, Report, Severity, Text};
use crate::finding::{Level, one_line, start_of_line};

/// Renders the report as a table: one line for each finding, then the summary.
#[must_use]
pub fn table(report: &Report, options: &Text<'_>) -> String {
    let mut rows = vec![["LEVEL", "CODE", "INGRESS", "PLACE", "PROBLEM"].map(str::to_owned)];
    rows.extend(options.listing.entries(report).into_iter().map(|entry| {
        let place = entry.file_and_line().unwrap_or_default();
        [entry.level.to_string(), entry.code.to_owned(), entry.object(), place, entry.message.to_string()]
    }));
    let findings = if rows.len() > 1 { aligned(&rows) + "\n" } else { String::new() };
    let line = |diagnostic: &Diagnostic| {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        format!("{severity}: {}: {}\n", diagnostic.location(), one_line(&diagnostic.message))
    };
    let input: String = report.diagnostics.iter().map(line).collect::<Vec<_>>().concat();
    findings + &input + if input.is_empty() { "" } else { "\n" } + &summary(report, options)
}

/// The findings of one check at one level: their number, and their Ingresses.
type Count<'a> = (usize, BTreeSet<Identity<'a>>);

/// The number of findings and Ingresses of each check, the highest level first.
pub(super) fn by_code(entries: &[&Entry]) -> String {
    let mut of: BTreeMap<(Reverse<Level>, &str, &str), Count<'_>> = BTreeMap::new();
    for entry in entries {
        let (count, ingresses) = of.entry((Reverse(entry.level), entry.code, entry.name)).or_default();
        *count += 1;
        ingresses.insert(entry.identity());
    }
    let mut rows = vec![["LEVEL", "CODE", "CHECK", "FINDINGS", "INGRESSES"].map(str::to_owned)];
    rows.extend(of.into_iter().map(|((level, code, name), (count, ingresses))| {
        [level.0.to_string(), code.to_owned(), name.to_owned(), count.to_string(), ingresses.len().to_string()]
    }));
    aligned(&rows)
}

/// Lines with aligned columns.
#[must_use]
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        start_of_line(cells.join("  ").trim_end()) + "\n"
    };
    rows.iter().map(line).collect()
}
