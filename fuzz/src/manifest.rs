//! Text of a manifest file: a report in every format, which its readers can parse.

use std::collections::{BTreeSet, HashMap};

use ingress_guard::analysis::{Applied, analyze_applied};
use ingress_guard::cluster::{ClusterView, Inventory, Manifest, Manifests, Origin, ReadOptions, Variables};
use ingress_guard::document::{Document, Edit, Lines};
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::{Ingress, Key, Kind};
use ingress_guard::report::{
    Change, Diagnostic, Listing, Located, Page, Place, Provenance, Report, Severity, Text, github, github_summary,
    gitlab, html, junit, sarif, table, text, what_if,
};
use ingress_guard::routing::{Controllers, RouteMap};
use serde_json::Value;

use super::world::{STRICT, assert_evaluated, assert_visible, known, now, state};

/// A file, evaluated as the whole cluster.
pub(super) struct Checked {
    pub(super) text: String,
    pub(super) inventory: Inventory,
    /// The Ingresses, each with its place.
    pub(super) ingresses: Vec<(Ingress, Origin)>,
    pub(super) report: Report,
}

pub(super) fn read(bytes: &[u8]) -> Manifests {
    let mut manifests = Manifests::default();
    let variables = Variables::default();
    let options = ReadOptions { namespace: "default", variables: &variables, largest: 1 << 20 };
    manifests.read_stream("a.yaml", bytes, options);
    manifests
}

/// Evaluates a file like `check --complete`; `None` if it is not text.
pub(super) fn check(bytes: &[u8]) -> Option<Checked> {
    let mut manifests = read(bytes);
    let text = std::mem::take(&mut manifests.files.first_mut()?.text);
    let mut inventory = Inventory::default();
    let mut origins: HashMap<Key, Origin> = HashMap::new();
    for Manifest { mut object, written, origin, .. } in manifests.objects {
        object.set_written(written, None);
        if object.kind() == Kind::Ingress {
            origins.insert(object.key(), origin);
        }
        inventory.apply(object);
    }
    known(&mut inventory);
    let mut ingresses: Vec<(Ingress, Origin)> = inventory
        .ingresses()
        .filter_map(|ingress| Some((ingress.clone(), origins.get(&ingress.meta.key)?.clone())))
        .collect();
    ingresses.sort_by(|a, b| a.0.meta.key.cmp(&b.0.meta.key));
    let diagnostics = manifests.faults.iter().map(|fault| Diagnostic {
        severity: Severity::Error,
        message: fault.reason(),
        file: "a.yaml".to_owned(),
        line: None,
        column: None,
    });
    let mut report = Report { diagnostics: diagnostics.collect(), ..Report::default() };
    let (engine, lines) = (STRICT.engine(), Lines::of(&text));
    for (ingress, origin) in &ingresses {
        let analysis = analyze_applied(ingress, state(&inventory), Applied::default(), &engine, &STRICT.policy);
        let document = Document::parse(&text, origin.document.clone());
        report.add(analysis, Provenance::file("a.yaml"), |finding| {
            Some(locate(finding, document.as_ref()?, &text, origin, &lines))
        });
    }
    drop(lines);
    Some(Checked { text, inventory, ingresses, report })
}

fn locate(finding: &Finding, document: &Document<'_>, text: &str, origin: &Origin, lines: &Lines<'_>) -> Located {
    let place = |start: usize, end: usize| {
        let [(line, column), (end_line, end_column)] = [start, end].map(|byte| lines.position(byte));
        Place { file: "a.yaml".to_owned(), line, column, end_line, end_column }
    };
    let bytes = document.locate(&origin.items, &finding.field);
    assert!(text.get(bytes.clone()).is_some(), "{bytes:?} is not in the text");
    let object = document.object(text, &origin.items).ok();
    let edits = finding.fix.as_ref().zip(object).and_then(|(fix, mut object)| {
        let start = object.bytes().start;
        let edits = object.fix(fix).ok()?;
        Some(
            edits
                .into_iter()
                .map(|Edit { bytes, text }| Change { place: place(start + bytes.start, start + bytes.end), text })
                .collect(),
        )
    });
    Located { place: place(bytes.start, bytes.end), changes: edits.unwrap_or_default() }
}

pub(super) fn run(bytes: &[u8]) {
    let Some(Checked { text: source, inventory, ingresses, mut report }) = check(bytes) else { return };
    assert_evaluated(report.findings.iter().map(|entry| entry.code));
    report.merge_repeated();
    let sources = [("a.yaml", Lines::of(&source))].into_iter().collect();
    let listing = Listing { show: Level::Audit, max_per_code: 0, ..Listing::default() };
    let options = Text { sources, listing, ..Text::default() };
    let plain = text(&report, &options);
    assert_visible(&plain);
    assert_visible(&text(&report, &Text { width: Some(40), listing: Listing::default(), ..Text::default() }));
    assert_visible(&table(&report, &options));
    assert_visible(&what_if(&report, "strict", &options));

    let commands = github(&report, &listing);
    assert_visible(&commands);
    let is_command = |line: &str| ["::error ", "::warning ", "::notice "].iter().any(|at| line.starts_with(at));
    let others: Vec<&str> = commands.lines().filter(|line| !is_command(line)).collect();
    assert!(others.len() <= 1 && others.iter().all(|line| line.contains(" more: GitHub shows")), "{others:?}");
    assert_visible(&github_summary(&report, &listing));

    let issues = gitlab(&report, &listing);
    let fingerprints = issues.as_array().into_iter().flatten().map(|issue| issue["fingerprint"].as_str());
    let distinct: BTreeSet<Option<&str>> = fingerprints.collect();
    assert_eq!(Some(distinct.len()), issues.as_array().map(Vec::len), "GitLab keeps one issue of a fingerprint");

    let json = serde_json::to_string_pretty(&report).expect("the report is JSON");
    let parsed: Value = serde_json::from_str(&json).expect("the report is JSON");
    assert_eq!(parsed["findings"].as_array().map(Vec::len), Some(report.findings.len()));
    assert_eq!(parsed["summary"]["ingresses"], ingresses.len());

    let log = sarif(&report).to_string();
    let parsed: Value = serde_json::from_str(&log).expect("SARIF is JSON");
    assert_eq!(parsed["runs"][0]["results"].as_array().map(Vec::len), Some(report.findings.len()));

    let junit = junit(&report, Level::Warn);
    let document = roxmltree::Document::parse(&junit).expect("JUnit is XML");
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!(count("testcase"), ingresses.len() + report.diagnostics.len());

    let view = ClusterView::unrestricted(state(&inventory));
    let dialects = STRICT.settings.dialects.with_observed_settings(&view);
    let map = RouteMap::of(Controllers::new(&view, &STRICT.settings.classes, &dialects));
    let page = html(
        &report,
        &Page { map: &map, made: now(), source: "a.yaml", what_if: None, expiry_warning_days: 30, refresh: None },
    );
    assert_eq!(page.matches("<script").count(), 2, "nothing from a file is a script");
    assert_visible(&page);

    let size = plain.len() + commands.len() + json.len() + log.len() + junit.len() + page.len();
    assert!(size <= (2 << 20) + 3_000 * source.len(), "{size} bytes of reports for {} bytes", source.len());
}
