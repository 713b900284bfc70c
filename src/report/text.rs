//! The text format: each finding with its line and fix, then the summary.

use std::collections::HashMap;
use std::fmt::Write as _;

use annotate_snippets::renderer::{DecorStyle, Renderer};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Title, Origin, Snippet};
use similar::{ChangeTag, TextDiff};

use super::{Entry, Place, Report, Severity, counted};
use crate::checks::listed;
use crate::document::{Edit, Lines, apply};
use crate::finding::{Level, is_invisible, one_line};
use crate::model::Kinds;
use crate::routing::RouteChanges;

/// The options of the text format.
#[derive(Debug, Default)]
pub struct Text<'a> {
    /// Whether the output goes to a terminal with colours.
    pub colour: bool,
    /// The lines of the files by name. Findings in other files are shown without their line.
    pub sources: HashMap<&'a str, Lines<'a>>,
    /// Advice for checks that were not evaluated because objects of these kinds are unknown.
    pub advice: &'a [(Kinds, &'a str)],
}

impl<'a> Text<'a> {
    /// The place of a finding, with the lines of its file.
    fn source<'b>(&'b self, entry: &'b Entry) -> Option<(&'b Place, &'b Lines<'a>)> {
        let place = entry.place.as_ref()?;
        Some((place, self.sources.get(&*place.file)?))
    }
}

/// The most characters of a line that are shown.
const WIDTH: usize = 160;

/// Renders the report as text.
#[must_use]
pub fn text(report: &Report, options: &Text<'_>) -> String {
    let renderer = if options.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in &report.diagnostics {
        let title = if diagnostic.severity == Severity::Error { Title::ERROR } else { Title::WARNING };
        let title = title.primary_title(format!("{}: {}", diagnostic.location(), one_line(&diagnostic.message)));
        let _ = writeln!(out, "{}\n", renderer.render(&[Group::with_title(title)]));
    }
    for block in &report.reload_blocks {
        let title = Title::ERROR.primary_title(one_line(&block.message));
        let _ = writeln!(out, "{}\n", renderer.render(&[Group::with_title(title)]));
    }
    for entry in report.findings.iter().filter(|entry| entry.waived.is_none() && !entry.baseline) {
        let _ = writeln!(out, "{}", renderer.render(&[group(entry, options)]));
        out.extend(options.source(entry).and_then(|(_, lines)| fix(entry, lines)));
        out.push('\n');
    }
    out.extend(report.route_changes.as_ref().map(routes));
    out + &summary(report, options.advice)
}

fn group<'a>(entry: &'a Entry, options: &Text<'a>) -> Group<'a> {
    let level = match entry.level {
        Level::Deny => Title::ERROR.with_name("deny"),
        Level::Warn => Title::WARNING.with_name("warn"),
        Level::Audit | Level::Off => Title::INFO.with_name("audit"),
    };
    let id = format!("{} {}", entry.code, entry.name);
    let mut group = Group::with_title(level.primary_title(one_line(&entry.message)).id(id));
    if let Some((place, lines)) = options.source(entry) {
        let (first, snippet) = excerpt(place, lines);
        let file = one_line(&place.file);
        group = if first == 0 {
            group.element(snippet.path(file))
        } else {
            // The column counts from the start of the line, also if its start is cut off.
            group.element(Origin::path(file).line(place.line).char_column(place.column)).element(snippet)
        };
    }
    let object = format!("Ingress {}/{}: {}", entry.namespace, entry.ingress, entry.field);
    group = group.element(Title::NOTE.with_name("in").message(one_line(&object)));
    if entry.help.is_empty() { group } else { group.element(Title::HELP.message(one_line(&entry.help))) }
}

/// The line of a place, cut around it if the line is long, with the number of characters cut off at the start.
fn excerpt<'a>(place: &Place, lines: &Lines<'a>) -> (usize, Snippet<'a, Annotation<'a>>) {
    let line = lines.line(place.line);
    let end = if place.end_line == place.line { place.end_column } else { usize::MAX };
    let first = if line.chars().count() <= WIDTH { 0 } else { place.column.saturating_sub(WIDTH / 4) };
    let shown: String = line.chars().skip(first).take(WIDTH).map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    let byte = |column: usize| {
        let index = (column - 1).saturating_sub(first);
        shown.char_indices().nth(index).map_or(shown.len(), |(at, _)| at)
    };
    let span = byte(place.column)..byte(end);
    (first, Snippet::source(shown).line_start(place.line).annotation(AnnotationKind::Primary.span(span)))
}

/// The lines that the fix changes, before and after.
fn fix(entry: &Entry, lines: &Lines<'_>) -> Option<String> {
    let first = entry.changes.iter().map(|change| change.place.line).min()?;
    let last = entry.changes.iter().map(|change| change.place.end_line).max()?;
    let rows: Vec<&str> = (first..=last).map(|line| lines.line(line)).collect();
    if rows.iter().any(|row| row.len() > WIDTH) {
        return None;
    }
    let byte = |line: usize, column: usize| {
        let before: usize = rows[..line - first].iter().map(|row| row.len() + 1).sum();
        let row = rows[line - first];
        before + row.char_indices().nth(column - 1).map_or(row.len(), |(at, _)| at)
    };
    let edits = entry.changes.iter().map(|change| {
        let Place { line, column, end_line, end_column, .. } = change.place;
        Edit { bytes: byte(line, column)..byte(end_line, end_column), text: change.text.replace('\r', "") }
    });
    let before = rows.join("\n");
    let after = apply(&before, &edits.collect::<Vec<_>>());
    let width = (last.max(9)).to_string().len();
    let mut out = format!("fix: --fix applies\n{:width$} |\n", "");
    let diff = TextDiff::from_lines(&before, &after);
    for change in diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal) {
        let number = change.old_index().or(change.new_index()).unwrap_or_default() + first;
        let _ = writeln!(out, "{number:width$} {} {}", change.tag(), one_line(change.value().trim_end_matches('\n')));
    }
    Some(out)
}

/// The requests whose result changes.
fn routes(routes: &RouteChanges) -> String {
    let RouteChanges { changes, more, not_compared } = routes;
    let mut out = if changes.is_empty() { "no route changes\n" } else { "route changes:\n" }.to_owned();
    for change in changes {
        let _ = writeln!(out, "  {change}");
    }
    if *more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
    if *not_compared > 0 {
        let _ = writeln!(out, "routes not compared on {}", counted(*not_compared, "host"));
    }
    out + "\n"
}

pub(super) fn summary(report: &Report, advice: &[(Kinds, &str)]) -> String {
    let summary = &report.summary;
    let counts = [
        (summary.deny, "deny"),
        (summary.warn, "warn"),
        (summary.audit, "audit"),
        (summary.waived, "waived"),
        (summary.baseline, "in the baseline"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let found = match (summary.ingresses, counts.is_empty()) {
        (0, true) => String::new(),
        (_, true) => "; no findings".to_owned(),
        (_, false) => format!("; findings: {}", counts.join(", ")),
    };
    let mut out = format!("{} analyzed{found}\n", counted(summary.ingresses, "Ingress"));
    let errors = report.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if errors > 0 {
        let _ = writeln!(out, "{}: a part of the input was not evaluated", counted(errors, "error"));
    }
    for assumption in &report.assumptions {
        let _ = writeln!(out, "{assumption}");
    }
    for (reason, codes, ingresses) in report.not_evaluated_by_reason() {
        let (reason, on) = (one_line(reason), counted(ingresses, "Ingress"));
        let _ = writeln!(out, "not evaluated on {on}: {reason} ({})", listed(&codes));
    }
    let unknown: Kinds = report.not_evaluated.iter().filter_map(|not| not.unknown).collect();
    for (kinds, advice) in advice {
        if unknown.iter().any(|kind| kinds.contains(kind)) {
            let _ = writeln!(out, "{advice}");
        }
    }
    out
}
