//! The text format: each finding with its line and fix, then the summary.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use annotate_snippets::renderer::{DecorStyle, Renderer};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Title, Origin, Snippet};
use similar::{ChangeTag, TextDiff};

use super::listing::Block;
use super::table::by_code;
use super::{Entry, Grouping, Listing, Place, Report, Severity, Unsubstituted, counted, diagnostic, roots};
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
    /// The width of the terminal in characters. Elsewhere lines are not wrapped.
    pub width: Option<usize>,
    /// The findings that are listed.
    pub listing: Listing,
    /// The lines of the files by name. Findings in other files are shown without their line.
    pub sources: HashMap<&'a str, Lines<'a>>,
    /// Advice for checks that were not evaluated because objects of these kinds are unknown.
    pub advice: &'a [(Kinds, &'a str)],
}

/// The most characters of a line that are shown.
const WIDTH: usize = 160;

/// The findings from which a table of the checks follows them.
const MANY: usize = 6;

/// The places that are listed of findings that are not shown in full.
const PLACES: usize = 5;

/// Renders the report as text: findings, what could not be read, and the summary.
#[must_use]
pub fn text(report: &Report, options: &Text<'_>) -> String {
    let mut out = String::new();
    for block in &report.reload_blocks {
        out += &options.titled(Title::ERROR, &block.message);
    }
    for block in options.listing.blocks(report) {
        out += &options.block(&block);
    }
    out.extend(report.route_changes.as_ref().map(routes));
    for (severity, line) in diagnostic::by_folder(&report.diagnostics) {
        out += &options.titled(if severity == Severity::Error { Title::ERROR } else { Title::WARNING }, &line);
    }
    let listed = options.listing.entries(report);
    if listed.len() >= MANY {
        out += &by_code(&listed);
        out.push('\n');
    }
    out + &summary(report, options)
}

impl<'a> Text<'a> {
    /// The place of a finding, with the lines of its file.
    fn source<'b>(&'b self, entry: &'b Entry) -> Option<(&'b Place, &'b Lines<'a>)> {
        let place = entry.place.as_ref()?;
        Some((place, self.sources.get(&*place.file)?))
    }

    fn renderer(&self) -> Renderer {
        let renderer = if self.colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        self.width.map_or(renderer.clone(), |width| renderer.term_width(width))
    }

    /// A problem without a snippet.
    fn titled(&self, level: Title<'_>, message: &str) -> String {
        let title = level.primary_title(self.wrapped(&one_line(message), 9).into_owned());
        self.renderer().render(&[Group::with_title(title)]) + "\n\n"
    }

    fn block(&self, Block { shown, rest }: &Block<'_>) -> String {
        let mut out = String::new();
        if let (Grouping::Object, Some(first)) = (self.listing.group, shown.first()) {
            let count = counted(shown.len() + rest.len(), "finding");
            let _ = writeln!(out, "Ingress {}: {count}\n", one_line(&first.object()));
        }
        for entry in shown {
            let _ = writeln!(out, "{}", self.renderer().render(&[group(entry, self)]));
            out.extend(self.source(entry).and_then(|(_, lines)| fix(entry, lines)));
            out.push('\n');
        }
        if let Some(first) = rest.first() {
            let places: Vec<String> = rest.iter().take(PLACES).map(|entry| one_line(&entry.location())).collect();
            let more = if rest.len() > PLACES { ", …" } else { "" };
            let line = format!(
                "{} {}: {} more: {}{more} (--max-per-code 0 lists all)",
                first.level,
                first.code,
                rest.len(),
                places.join(", ")
            );
            let _ = writeln!(out, "{}\n", self.wrapped(&line, 0));
        }
        out
    }

    fn painted(&self, text: &str, colour: &str) -> String {
        if self.colour && !colour.is_empty() { format!("{colour}{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Wraps a line between words, to the width of the terminal; the first line is shorter by `indent` characters.
    fn wrapped<'b>(&self, line: &'b str, indent: usize) -> Cow<'b, str> {
        let Some(width) = self.width.map(|width| width.saturating_sub(indent).max(20)) else { return line.into() };
        let mut out = String::with_capacity(line.len() + 8);
        let mut used = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > width {
                out.push('\n');
                used = 0;
            } else if !out.is_empty() {
                out.push(' ');
                used += 1;
            }
            out += word;
            used += length;
        }
        out.into()
    }
}

fn group<'a>(entry: &'a Entry, options: &'a Text<'_>) -> Group<'a> {
    let level = match entry.level {
        Level::Deny => Title::ERROR.with_name("deny"),
        Level::Warn => Title::WARNING.with_name("warn"),
        Level::Audit | Level::Off => Title::INFO.with_name("audit"),
    };
    let id = format!("{} {}", entry.code, entry.name);
    let indent = id.len() + "warn[]: ".len();
    let title = options.wrapped(&one_line(&entry.message), indent).into_owned();
    let mut group = Group::with_title(level.primary_title(title).id(id));
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
    let object = match &entry.rendered_from {
        Some(file) => format!("Ingress {}: {}, rendered from {file}", entry.object(), entry.field),
        None => format!("Ingress {}: {}", entry.object(), entry.field),
    };
    let wrapped = |text: &str| options.wrapped(&one_line(text), 12).into_owned();
    group = group.element(Title::NOTE.with_name("in").message(wrapped(&object)));
    if entry.help.is_empty() { group } else { group.element(Title::HELP.message(wrapped(&entry.help))) }
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

/// The counts, what was assumed, and what was not evaluated.
#[must_use]
pub fn summary(report: &Report, options: &Text<'_>) -> String {
    let mut lines = headline(report, options);
    lines.extend(roots::not_rendered(&report.roots));
    let errors = report.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if errors > 0 {
        lines.push(format!("{}: a part of the input was not evaluated", counted(errors, "error")));
    }
    lines.extend(report.assumptions.iter().cloned());
    lines.extend(report.unsubstituted.iter().flat_map(Unsubstituted::lines).map(|line| one_line(&line)));
    for (reason, codes, ingresses) in report.not_evaluated_by_reason() {
        let (reason, on) = (one_line(reason), counted(ingresses, "Ingress"));
        lines.push(format!("not evaluated on {on}: {reason} ({})", listed(&codes)));
    }
    let unknown: Kinds = report.not_evaluated.iter().filter_map(|not| not.unknown).collect();
    let advice = options.advice.iter().filter(|(kinds, _)| unknown.iter().any(|kind| kinds.contains(kind)));
    lines.extend(advice.map(|(_, advice)| (*advice).to_owned()));
    lines.iter().map(|line| options.wrapped(line, 0).into_owned() + "\n").collect()
}

/// The counts. They begin with the checks that were not evaluated if these are the majority.
#[must_use]
pub fn headline(report: &Report, options: &Text<'_>) -> Vec<String> {
    let mostly_not_evaluated = report.mostly_not_evaluated();
    let counts = counts(report, options, mostly_not_evaluated.is_some());
    mostly_not_evaluated.into_iter().chain([counts]).collect()
}

/// `4 Ingresses analyzed; findings: 2 deny, 1 warn`.
fn counts(report: &Report, options: &Text<'_>, is_mostly_not_evaluated: bool) -> String {
    let summary = &report.summary;
    let hidden = if options.listing.show > Level::Audit { "audit (--show audit lists them)" } else { "audit" };
    let counts = [
        (summary.deny, "deny", RED),
        (summary.warn, "warn", YELLOW),
        (summary.audit, hidden, ""),
        (summary.waived, "waived", ""),
        (summary.baseline, "in the baseline", ""),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, colour)| options.painted(&format!("{count} {what}"), colour))
        .collect();
    let found = match (summary.ingresses, counts.is_empty()) {
        (0, true) => String::new(),
        (_, true) if is_mostly_not_evaluated => "; the evaluated checks found nothing".to_owned(),
        (_, true) => options.painted("; no findings", GREEN),
        (_, false) => format!("; findings: {}", counts.join(", ")),
    };
    format!("{} analyzed{}{found}", counted(summary.ingresses, "Ingress"), roots::counts(&report.roots))
}

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
