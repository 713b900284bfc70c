//! What is known of many Ingresses after they were judged, and the forms in which that is shown. What is said of an Ingress is
//! the engine's and the policy's; here it gets its place in a file, and is counted. JSON is the report itself.

mod baseline;
mod github;
mod html;
mod junit;
mod route_map;
mod sarif;
mod text;
mod what_if;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;

use fnv::FnvHasher;
use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::checks::{self, CHECK_NOT_EVALUATED};
use crate::engine::NotEvaluatedReason;
use crate::finding::{Level, Patch, one_line};
use crate::model::{FieldPath, Key, Kind};
use crate::policy::Decision;
use crate::routing::RouteChanges;

pub use baseline::{Baseline, BaselineError};
pub use github::github;
pub use html::{Page, html};
pub use junit::junit;
pub use route_map::{CertificateEntry, HostEntry, PathEntry, hosts};
pub use sarif::sarif;
pub use text::{Text, text};
pub use what_if::what_if;

/// What `schemaVersion` of a report says. Fields may be added under the same number, never removed.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that came out of judging some Ingresses.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "ingress-guard report")]
pub struct Report {
    /// The version of this form.
    pub schema_version: u32,
    /// Counts.
    pub summary: Summary,
    /// What was found, Ingress by Ingress, the worst first within each.
    pub findings: Vec<Entry>,
    /// What could not be judged: never the same as "passed".
    pub not_evaluated: Vec<Unjudged>,
    /// What was wrong with the input: what it holds could not be read, or is not what it seems.
    pub diagnostics: Vec<Diagnostic>,
    /// The requests that come to something else, where files are laid over a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_changes: Option<RouteChanges>,
    /// The route map, host by host: of an audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<HostEntry>>,
    /// Every Ingress that was judged, in order, with its file if it is in one.
    #[serde(skip)]
    pub judged: Vec<(Key, Option<String>)>,
}

/// Counts of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Ingresses that were judged.
    pub ingresses: usize,
    /// Findings that deny.
    pub deny: usize,
    /// Findings that warn.
    pub warn: usize,
    /// Findings that are worth knowing, without those that are waived.
    pub audit: usize,
    /// Findings that are waived on their object.
    pub waived: usize,
    /// Findings that the baseline accepts, whatever their level.
    pub baseline: usize,
    /// Checks of single Ingresses that could not be judged.
    pub not_evaluated: usize,
}

/// One finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The check's code, e.g. `IG202`.
    pub code: &'static str,
    /// The check's name.
    pub name: &'static str,
    /// What becomes of it.
    pub level: Level,
    /// Namespace of the Ingress.
    pub namespace: Box<str>,
    /// Name of the Ingress.
    pub ingress: Box<str>,
    /// Where in the Ingress it is, as the API server writes fields.
    pub field: String,
    /// Its identity within the Ingress: the same before and after changes that do not touch it.
    pub subject: Box<str>,
    /// Its identity everywhere, for baselines: 16 hexadecimal digits.
    pub fingerprint: String,
    /// What is wrong and what the visitor will see.
    pub message: Box<str>,
    /// What to do; empty where nothing short can be said.
    pub help: Box<str>,
    /// The command that prints the page of the check.
    pub docs: String,
    /// A JSON patch (RFC 6902) that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Patch>,
    /// Why the object says that it may stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Box<str>>,
    /// Whether the baseline accepts it.
    pub baseline: bool,
    /// Where in a file it is.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The fix as changes of that file; none where it has no fix, or none that touches nothing else.
    #[serde(skip)]
    pub changes: Vec<Change>,
}

/// A part of a file and what to put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The part that goes.
    pub place: Place,
    /// What comes.
    pub text: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file as it was named; `-` is standard input.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line on which it ends.
    pub end_line: usize,
    /// The column behind its last character.
    pub end_column: usize,
}

/// A check without a verdict on an Ingress.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unjudged {
    /// The check's code.
    pub code: &'static str,
    /// Namespace of the Ingress.
    pub namespace: Box<str>,
    /// Name of the Ingress.
    pub ingress: Box<str>,
    /// Why.
    pub reason: String,
    /// The kind of which too little is known, if that is why.
    #[serde(skip)]
    pub unknown: Option<Kind>,
}

/// Something about the input rather than about an Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is and what to do.
    pub message: String,
    /// The file as it was named.
    pub file: String,
    /// Line, from 1; absent where it is about the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// Something was not judged because of it.
    Error,
}

impl Diagnostic {
    /// `file:line:column`, as far as that is known.
    fn location(&self) -> String {
        let mut location = one_line(&self.file);
        for number in [self.line, self.column].into_iter().flatten() {
            location = format!("{location}:{number}");
        }
        location
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            summary: Summary::default(),
            findings: Vec::new(),
            not_evaluated: Vec::new(),
            diagnostics: Vec::new(),
            route_changes: None,
            routes: None,
            judged: Vec::new(),
        }
    }
}

/// Codes of checks, and the Ingresses that they could not judge.
type Silenced<'a> = (BTreeSet<&'static str>, BTreeSet<(&'a str, &'a str)>);

impl Report {
    /// Take what one Ingress came to; `place` says where in its `file` a field of it is, if it is in one.
    pub fn add(&mut self, analysis: Analysis<'_>, file: Option<String>, place: impl Fn(&FieldPath) -> Option<Place>) {
        let Analysis { ingress, verdict, not_evaluated } = analysis;
        let key = &ingress.meta.key;
        self.summary.ingresses += 1;
        self.judged.push((key.clone(), file));
        // What was not evaluated has a list of its own, with a line for each check.
        let decisions =
            verdict.decisions.into_iter().filter(|decision| decision.finding.code != CHECK_NOT_EVALUATED.code);
        for decision in decisions {
            let entry = Entry::new(key, decision, &place);
            *self.summary.count_of(&entry) += 1;
            self.findings.push(entry);
        }
        self.summary.not_evaluated += not_evaluated.len();
        self.not_evaluated.extend(not_evaluated.into_iter().map(|not| Unjudged {
            code: not.check.code,
            namespace: key.namespace.clone(),
            ingress: key.name.clone(),
            reason: not.why.text(),
            unknown: if let NotEvaluatedReason::Unknown(unknown) = not.why { Some(unknown.kind) } else { None },
        }));
    }

    /// Accept the findings that a baseline knows.
    pub fn accept(&mut self, is_known: impl Fn(&Entry) -> bool) {
        for entry in self.findings.iter_mut().filter(|entry| !entry.baseline) {
            if is_known(entry) {
                *self.summary.count_of(entry) -= 1;
                entry.baseline = true;
                *self.summary.count_of(entry) += 1;
            }
        }
    }

    /// Whether some finding that nobody has accepted is at this level or above.
    #[must_use]
    pub fn has(&self, level: Level) -> bool {
        self.findings.iter().any(|entry| entry.level >= level && entry.waived.is_none() && !entry.baseline)
    }

    /// What could not be judged by its reason, with the checks and the number of Ingresses that it has silenced.
    #[must_use]
    pub fn unjudged(&self) -> Vec<(&str, BTreeSet<&'static str>, usize)> {
        let mut reasons: BTreeMap<&str, Silenced<'_>> = BTreeMap::new();
        for Unjudged { code, namespace, ingress, reason, .. } in &self.not_evaluated {
            let (codes, ingresses) = reasons.entry(reason).or_default();
            codes.insert(code);
            ingresses.insert((namespace, ingress));
        }
        reasons.into_iter().map(|(reason, (codes, ingresses))| (reason, codes, ingresses.len())).collect()
    }

    /// Whether some of the input could not be judged.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl Summary {
    fn count_of(&mut self, entry: &Entry) -> &mut usize {
        match entry.level {
            _ if entry.baseline => &mut self.baseline,
            _ if entry.waived.is_some() => &mut self.waived,
            Level::Deny => &mut self.deny,
            Level::Warn => &mut self.warn,
            Level::Audit | Level::Off => &mut self.audit,
        }
    }
}

impl Entry {
    fn new(key: &Key, decision: Decision, place: impl Fn(&FieldPath) -> Option<Place>) -> Self {
        let Decision { finding, level, waived, .. } = decision;
        Self {
            code: finding.code,
            name: checks::find(finding.code).map_or("", |check| check.name),
            level,
            namespace: key.namespace.clone(),
            ingress: key.name.clone(),
            field: finding.field.to_string(),
            fingerprint: fingerprint(key, finding.code, &finding.subject),
            place: place(&finding.field),
            subject: finding.subject,
            message: finding.message,
            help: finding.help,
            docs: format!("ingress-guard explain {}", finding.code),
            fix: finding.fix,
            waived: waived.map(|reason| (*reason).into()),
            baseline: false,
            changes: Vec::new(),
        }
    }
}

/// The JSON schema of a report.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>()
        .to_value()
}

/// `1 finding`, `2 findings`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}{}", if what.ends_with('s') { "es" } else { "s" })
    }
}

/// FNV-1a of the parts with a zero byte after each: the same in every version and on every machine.
fn fingerprint(key: &Key, code: &str, subject: &str) -> String {
    let mut hasher = FnvHasher::default();
    for part in [&*key.namespace, &*key.name, code, subject] {
        hasher.write(part.as_bytes());
        hasher.write_u8(0);
    }
    format!("{:016x}", hasher.finish())
}
