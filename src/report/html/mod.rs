//! The HTML report: totals, findings, the route map and the reference pages of the checks in one file without network access.
//! The script (`page.js`) inserts the report's data as text only. The page's Content-Security-Policy allows no other script.

mod data;
mod guide;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use super::{Diagnostic, Entry, Report, Severity, counted};
use crate::checks::listed;
use crate::finding::Level;
use crate::routing::RouteMap;
use crate::routing::{RouteChange, RouteChanges};
use data::{Data, visible};
use guide::Guide;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The data of the page besides the report.
#[derive(Debug)]
pub struct Page<'a> {
    /// The route map.
    pub map: &'a RouteMap<'a>,
    /// The time of the cluster state.
    pub made: Timestamp,
    /// The source of the cluster state, e.g. `cluster https://10.0.0.1:6443, context prod`.
    pub source: &'a str,
    /// The profile of `--what-if`.
    pub what_if: Option<&'a str>,
    /// Certificates that expire within this number of days are marked.
    pub expiry_warning_days: u16,
    /// The page is loaded again after this number of seconds; `None`: it is a file.
    pub refresh: Option<u64>,
}

#[derive(Template)]
#[template(path = "page.html", escape = "html")]
struct PageTemplate<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    source: String,
    made: String,
    made_in_words: String,
    what_if: Option<&'a str>,
    refresh: Option<u64>,
    cards: Vec<Card>,
    diagnostics: Vec<String>,
    namespaces: Vec<Namespace>,
    not_evaluated: Vec<NotEvaluated>,
    changes: Option<Changes>,
    pages: Vec<Guide>,
    data: String,
}

struct Card {
    number: usize,
    what: String,
    tone: &'static str,
    link: &'static str,
}

/// The findings of a namespace.
#[derive(Default)]
struct Namespace {
    name: String,
    link: String,
    denied: usize,
    deny: usize,
    warn: usize,
    audit: usize,
    waived: usize,
}

struct NotEvaluated {
    reason: String,
    codes: String,
    ingresses: usize,
}

/// The route changes.
struct Changes {
    /// URL, answer before and after.
    rows: Vec<[String; 3]>,
    more: usize,
    not_compared: usize,
}

impl Changes {
    fn of(routes: &RouteChanges) -> Self {
        let answer = |answer: &Option<String>| visible(answer.as_deref().unwrap_or("404")).into_owned();
        let row =
            |change: &RouteChange| [visible(&change.url).into_owned(), answer(&change.before), answer(&change.after)];
        Self { rows: routes.changes.iter().map(row).collect(), more: routes.more, not_compared: routes.not_compared }
    }
}

/// Renders the report as an HTML page.
#[must_use]
pub fn html(report: &Report, page: &Page<'_>) -> String {
    let data = Data::new(report, page);
    let cards = cards(report, &data);
    let codes: BTreeSet<&str> = report.findings.iter().map(|entry| entry.code).collect();
    let blocks = report.reload_blocks.iter().map(|block| visible(&block.message).into_owned());
    let template = PageTemplate {
        policy: format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        ),
        style: STYLE,
        script: SCRIPT,
        version: crate::version::VERSION,
        source: visible(page.source).into_owned(),
        made: page.made.strftime("%FT%TZ").to_string(),
        made_in_words: page.made.strftime("%F %H:%M UTC").to_string(),
        what_if: page.what_if,
        refresh: page.refresh,
        cards,
        diagnostics: blocks.chain(report.diagnostics.iter().map(diagnostic)).collect(),
        namespaces: namespaces(report),
        not_evaluated: not_evaluated(report),
        changes: report.route_changes.as_ref().map(Changes::of),
        pages: codes.into_iter().filter_map(Guide::of).collect(),
        data: data.to_script(),
    };
    template.render().unwrap_or_else(|_| unreachable!("writing to a String cannot fail"))
}

fn diagnostic(diagnostic: &Diagnostic) -> String {
    let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
    format!("{severity}: {}: {}", visible(&diagnostic.location()), visible(&diagnostic.message))
}

/// The source expression of a Content-Security-Policy for a text (W3C CSP Level 3, "hash-source").
fn hash(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
}

fn cards(report: &Report, data: &Data<'_>) -> Vec<Card> {
    let summary = &report.summary;
    let card = |number: usize, what: &str, tone, link| {
        let tone = if number == 0 { "good" } else { tone };
        Card { number, what: what.to_owned(), tone, link }
    };
    let mut cards = vec![
        Card { number: summary.ingresses, what: "Ingresses analyzed".to_owned(), tone: "", link: "#findings" },
        Card { number: data.hosts.len(), what: "hosts".to_owned(), tone: "", link: "#map" },
        card(summary.deny, "deny findings", "deny", "#/level/deny"),
        card(summary.warn, "warn findings", "warn", "#/level/warn"),
        card(summary.audit, "audit findings", "audit", "#/level/audit"),
        card(data.broken, "broken routes", "deny", "#/state/broken"),
        card(data.certificates, "certificate problems", "warn", "#/state/certificate"),
    ];
    let (checks, ingresses) = report.gap();
    let not_evaluated = format!("checks not evaluated on {}", counted(ingresses, "Ingress"));
    let others = [
        (summary.waived, "waived findings", "#/level/waived"),
        (summary.baseline, "baseline findings", "#/level/baseline"),
        (checks, &not_evaluated, "#not-evaluated"),
    ];
    cards.extend(
        others.into_iter().filter(|other| other.0 > 0).map(|(number, what, link)| card(number, what, "audit", link)),
    );
    cards
}

/// The findings by namespace, those with the most denials first.
fn namespaces(report: &Report) -> Vec<Namespace> {
    let mut of: BTreeMap<&str, (Namespace, BTreeSet<&str>)> = BTreeMap::new();
    for Entry { namespace, ingress, level, waived, baseline, .. } in &report.findings {
        let (row, denied) = of.entry(namespace).or_default();
        match level {
            _ if *baseline => {}
            _ if waived.is_some() => row.waived += 1,
            Level::Deny => {
                row.deny += 1;
                denied.insert(ingress);
            }
            Level::Warn => row.warn += 1,
            Level::Audit | Level::Off => row.audit += 1,
        }
    }
    let mut rows: Vec<Namespace> = of
        .into_iter()
        .map(|(name, (row, denied))| Namespace {
            name: visible(name).into_owned(),
            link: format!("#/namespace/{}", visible(name)),
            denied: denied.len(),
            ..row
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.denied, row.deny, row.warn)));
    rows
}

fn not_evaluated(report: &Report) -> Vec<NotEvaluated> {
    let row = |(reason, codes, ingresses): (&str, BTreeSet<&'static str>, usize)| NotEvaluated {
        reason: visible(reason).into_owned(),
        codes: listed(&codes),
        ingresses,
    };
    report.not_evaluated_by_reason().into_iter().map(row).collect()
}
