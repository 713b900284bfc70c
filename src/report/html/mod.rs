//! One page for people: totals, findings, the route map and the pages of the checks, in one file that asks nothing of any
//! network. What is in it is data to the script (`page.js`), which puts it in as text only; the policy in its head lets no
//! other script run.

mod data;
mod guide;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use super::{Entry, Report, Severity};
use crate::checks::listed;
use crate::finding::Level;
use crate::routing::RouteMap;
use crate::routing::{RouteChange, RouteChanges};
use data::{Data, visible};
use guide::Guide;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page says besides the report.
#[derive(Debug)]
pub struct Page<'a> {
    /// The route map.
    pub map: &'a RouteMap<'a>,
    /// When the cluster was looked at.
    pub made: Timestamp,
    /// What was looked at, e.g. a file or a server; may be empty.
    pub source: &'a str,
    /// The profile that was asked about, where it is not that of the configuration.
    pub what_if: Option<&'a str>,
    /// A certificate that ends within so many days is marked.
    pub expiry_warning_days: u16,
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
    made_for_people: String,
    what_if: Option<&'a str>,
    cards: Vec<Card>,
    diagnostics: Vec<String>,
    namespaces: Vec<Namespace>,
    unjudged: Vec<Unjudged>,
    changes: Option<Changes>,
    pages: Vec<Guide>,
    data: String,
}

struct Card {
    number: usize,
    what: &'static str,
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

struct Unjudged {
    why: String,
    codes: String,
    ingresses: usize,
}

/// Routes that change.
struct Changes {
    /// URL, who answers now, who answers then.
    rows: Vec<[String; 3]>,
    more: usize,
    not_compared: usize,
}

impl Changes {
    fn of(routes: &RouteChanges) -> Self {
        let end = |who: &Option<String>| visible(who.as_deref().unwrap_or("404")).into_owned();
        let row = |change: &RouteChange| [visible(&change.url).into_owned(), end(&change.before), end(&change.after)];
        Self { rows: routes.changes.iter().map(row).collect(), more: routes.more, not_compared: routes.not_compared }
    }
}

/// The page.
#[must_use]
pub fn html(report: &Report, page: &Page<'_>) -> String {
    let data = Data::new(report, page);
    let cards = cards(report, &data);
    let codes: BTreeSet<&str> = report.findings.iter().map(|entry| entry.code).collect();
    let diagnostic = |severity: &Severity, message: &str, file: &str| {
        let word = if *severity == Severity::Error { "error" } else { "warning" };
        if file.is_empty() {
            format!("{word}: {}", visible(message))
        } else {
            format!("{word}: {}: {}", visible(file), visible(message))
        }
    };
    let template = PageTemplate {
        policy: format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        ),
        style: STYLE,
        script: SCRIPT,
        version: env!("CARGO_PKG_VERSION"),
        source: visible(page.source).into_owned(),
        made: page.made.strftime("%FT%TZ").to_string(),
        made_for_people: page.made.strftime("%F %H:%M UTC").to_string(),
        what_if: page.what_if,
        cards,
        diagnostics: report.diagnostics.iter().map(|it| diagnostic(&it.severity, &it.message, &it.file)).collect(),
        namespaces: namespaces(report),
        unjudged: unjudged(report),
        changes: report.route_changes.as_ref().map(Changes::of),
        pages: codes.into_iter().filter_map(Guide::of).collect(),
        data: data.to_script(),
    };
    template.render().unwrap_or_else(|_| unreachable!("a String takes whatever is written"))
}

/// A source expression of a Content-Security-Policy for this very text (W3C CSP Level 3, "hash-source").
fn hash(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
}

fn cards(report: &Report, data: &Data<'_>) -> Vec<Card> {
    let summary = &report.summary;
    let card = |number, what, bad, link| {
        let tone = if number == 0 { "good" } else { bad };
        Card { number, what, tone, link }
    };
    let mut cards = vec![
        Card { number: summary.ingresses, what: "Ingresses judged", tone: "", link: "#findings" },
        Card { number: data.hosts.len(), what: "hosts", tone: "", link: "#map" },
        card(summary.deny, "findings that deny", "deny", "#/level/deny"),
        card(summary.warn, "findings that warn", "warn", "#/level/warn"),
        card(summary.audit, "findings to know of", "audit", "#/level/audit"),
        card(data.broken, "broken routes", "deny", "#/state/broken"),
        card(data.certificates, "certificates to look at", "warn", "#/state/certificate"),
    ];
    let others = [
        (summary.waived, "findings waived", "#/level/waived"),
        (summary.baseline, "findings in the baseline", "#/level/baseline"),
        (summary.not_evaluated, "checks not evaluated", "#unjudged"),
    ];
    cards.extend(
        others.into_iter().filter(|other| other.0 > 0).map(|(number, what, link)| card(number, what, "audit", link)),
    );
    cards
}

/// Those with the most denials first.
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
            link: format!("#/namespace/{name}"),
            denied: denied.len(),
            ..row
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.denied, row.deny, row.warn)));
    rows
}

fn unjudged(report: &Report) -> Vec<Unjudged> {
    let row = |(why, codes, ingresses): (&str, BTreeSet<&'static str>, usize)| Unjudged {
        why: visible(why).into_owned(),
        codes: listed(&codes),
        ingresses,
    };
    report.unjudged().into_iter().map(row).collect()
}
