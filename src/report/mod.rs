//! The report of a command about many Ingresses, and its formats. The engine and the policy produce the findings; the report
//! adds their places in files and counts them. The JSON format is the report itself.

mod assumptions;
mod baseline;
mod controllers;
mod diagnostic;
mod github;
mod gitlab;
mod html;
mod junit;
mod listing;
mod not_evaluated;
mod reload_block;
mod roots;
mod route_map;
mod sarif;
mod stored;
mod table;
mod text;
mod unsubstituted;
mod waivers;
mod what_if;

use std::collections::HashSet;
use std::hash::Hasher as _;

use fnv::FnvHasher;
use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::checks::{self, CHECK_NOT_EVALUATED};
use crate::finding::{Finding, Level, Patch};
use crate::model::Key;
use crate::policy::Decision;
use crate::routing::RouteChanges;

pub use baseline::{Baseline, BaselineError};
pub use controllers::{ClassEntry, ControllersReport, SettingEntry};
pub use diagnostic::{Diagnostic, Severity};
pub use github::{github, github_summary};
pub use gitlab::gitlab;
pub use html::{Page, html};
pub use junit::{junit, xml};
pub use listing::{Grouping, Listing};
pub use not_evaluated::NotEvaluated;
pub use reload_block::ReloadBlockEntry;
pub use roots::{Analyzed, Provenance, RootEntry};
pub use route_map::{CertificateEntry, HostEntry, PathEntry, hosts};
pub use sarif::sarif;
pub use stored::StoredEntry;
pub use table::{aligned, table};
pub use text::{Text, headline, summary, text};
pub use unsubstituted::Unsubstituted;
pub use waivers::{WaiverEntry, waivers};
pub use what_if::what_if;

/// The `schemaVersion` of a report. A version can gain fields; it never loses any.
pub const SCHEMA_VERSION: u32 = 1;

/// The outcome of analyzing some Ingresses.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "ingress-guard report")]
pub struct Report {
    /// The version of this format.
    pub schema_version: u32,
    /// Counts.
    pub summary: Summary,
    /// The findings by Ingress, the highest level first within each.
    pub findings: Vec<Entry>,
    /// The checks that were not evaluated. They have not passed.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Problems of the input: files that cannot be read, duplicate objects.
    pub diagnostics: Vec<Diagnostic>,
    /// What is assumed about controllers, because the files contain no IngressClass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// The values of the files that contain placeholders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubstituted: Option<Unsubstituted>,
    /// The Ingresses for which a controller loads no change of any Ingress, one for each controller.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reload_blocks: Vec<ReloadBlockEntry>,
    /// The waivers and exceptions in force, in an audit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverEntry>,
    /// The requests whose result changes, if files are overlaid on a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_changes: Option<RouteChanges>,
    /// The roots of the given directories, if there are several or one is rendered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<RootEntry>,
    /// The route map by host, in an audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<HostEntry>>,
    /// Every analyzed Ingress in order.
    #[serde(skip)]
    pub analyzed: Vec<Analyzed>,
    /// The Ingresses on which more than half of the checks were not evaluated, and the largest number of such checks.
    #[serde(skip)]
    pub mostly_not_evaluated: (usize, usize),
}

/// Counts of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Analyzed Ingresses.
    pub ingresses: usize,
    /// The checks that are selected.
    pub checks: usize,
    /// Findings at level deny.
    pub deny: usize,
    /// Findings at level warn.
    pub warn: usize,
    /// Findings at level audit, without those that are waived.
    pub audit: usize,
    /// Findings that an annotation of their object, or an exception of the configuration, waives.
    pub waived: usize,
    /// Findings in the baseline, at any level.
    pub baseline: usize,
    /// Pairs of an Ingress and a check that was not evaluated on it.
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
    /// The level.
    pub level: Level,
    /// The root of the Ingress, if it is part of one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Box<str>>,
    /// The file from which the Ingress is rendered: the template of a chart, or the kustomization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rendered_from: Option<String>,
    /// Namespace of the Ingress.
    pub namespace: Box<str>,
    /// Name of the Ingress.
    pub ingress: Box<str>,
    /// The field of the Ingress, in the API server's notation.
    pub field: String,
    /// The identity within the Ingress, which unrelated changes keep.
    pub subject: Box<str>,
    /// The identity in baselines: 16 hexadecimal digits.
    pub fingerprint: String,
    /// The problem and its effect on requests.
    pub message: Box<str>,
    /// The fix in words; empty if there is no short one.
    pub help: Box<str>,
    /// The command that prints the check's reference page.
    pub docs: String,
    /// A JSON patch (RFC 6902) that fixes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Patch>,
    /// The reason of the waiver on the object, if one applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Box<str>>,
    /// Whether it is in the baseline.
    pub baseline: bool,
    /// The place in a file.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The fix as changes of that file; empty if there is no fix, or if the fix cannot be applied to the text alone.
    #[serde(skip)]
    pub changes: Vec<Change>,
}

/// The place of a finding in a file, and the changes of the file by its fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The place of the field.
    pub place: Place,
    /// The fix; empty if there is none for the text.
    pub changes: Vec<Change>,
}

/// A part of a file and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The replaced part.
    pub place: Place,
    /// The replacement.
    pub text: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file as given on the command line; `-` is standard input.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The last line, from 1.
    pub end_line: usize,
    /// The column after the last character.
    pub end_column: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            summary: Summary::default(),
            findings: Vec::new(),
            not_evaluated: Vec::new(),
            diagnostics: Vec::new(),
            assumptions: Vec::new(),
            unsubstituted: None,
            reload_blocks: Vec::new(),
            waivers: Vec::new(),
            route_changes: None,
            roots: Vec::new(),
            routes: None,
            analyzed: Vec::new(),
            mostly_not_evaluated: (0, 0),
        }
    }
}

impl Report {
    /// A report without Ingresses, for this number of selected checks.
    #[must_use]
    pub fn new(checks: usize) -> Self {
        Self { summary: Summary { checks, ..Summary::default() }, ..Self::default() }
    }

    /// Adds the analysis of one Ingress. `locate` finds the place of a finding in the file.
    pub fn add(
        &mut self,
        analysis: Analysis<'_>,
        provenance: Provenance,
        locate: impl Fn(&Finding) -> Option<Located>,
    ) {
        let Analysis { ingress, verdict, not_evaluated } = analysis;
        let key = &ingress.meta.key;
        self.summary.ingresses += 1;
        // Checks that were not evaluated have a list of their own.
        let decisions =
            verdict.decisions.into_iter().filter(|decision| decision.finding.code != CHECK_NOT_EVALUATED.code);
        for decision in decisions {
            let located = locate(&decision.finding);
            let entry = Entry::new(key, &provenance, decision, located);
            *self.summary.count_of(&entry) += 1;
            self.findings.push(entry);
        }
        self.add_not_evaluated(key, provenance.root.as_deref(), &not_evaluated);
        self.analyzed.push(Analyzed { key: key.clone(), provenance });
    }

    /// Adds the analyses of another report, which follow those of this one.
    pub fn append(&mut self, mut next: Self) {
        let (own, summary) = (&mut self.summary, next.summary);
        own.ingresses += summary.ingresses;
        own.deny += summary.deny;
        own.warn += summary.warn;
        own.audit += summary.audit;
        own.waived += summary.waived;
        own.not_evaluated += summary.not_evaluated;
        self.findings.append(&mut next.findings);
        self.not_evaluated.append(&mut next.not_evaluated);
        self.analyzed.append(&mut next.analyzed);
        let ((ingresses, most), (further, most_of_next)) = (self.mostly_not_evaluated, next.mostly_not_evaluated);
        self.mostly_not_evaluated = (ingresses + further, most.max(most_of_next));
    }

    /// Moves findings into the baseline.
    pub fn accept(&mut self, is_known: impl Fn(&Entry) -> bool) {
        for entry in self.findings.iter_mut().filter(|entry| !entry.baseline) {
            if is_known(entry) {
                *self.summary.count_of(entry) -= 1;
                entry.baseline = true;
                *self.summary.count_of(entry) += 1;
            }
        }
    }

    /// Keeps one of the findings of an Ingress that differ only in their subjects. It follows the baseline, which needs every
    /// subject.
    pub fn merge_repeated(&mut self) {
        let mut seen = HashSet::new();
        let summary = &mut self.summary;
        self.findings.retain(|entry| {
            let Entry { root, namespace, ingress, code, level, field, message, help, baseline, .. } = entry;
            let read = (
                (root.clone(), namespace.clone()),
                ingress.clone(),
                *code,
                *level,
                field.clone(),
                message.clone(),
                help.clone(),
            );
            let is_first = seen.insert((read, *baseline));
            if !is_first {
                *summary.count_of(entry) -= 1;
            }
            is_first
        });
    }

    /// Whether a finding has this level or a higher one, and is neither waived nor in the baseline.
    #[must_use]
    pub fn has(&self, level: Level) -> bool {
        self.findings.iter().any(|entry| entry.level >= level && entry.waived.is_none() && !entry.baseline)
    }

    /// Whether part of the input was not analyzed.
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
    fn new(key: &Key, provenance: &Provenance, decision: Decision, located: Option<Located>) -> Self {
        let Provenance { root, file, is_rendered } = provenance;
        let Decision { finding, level, waived, .. } = decision;
        let (place, changes) = located.map_or_else(Default::default, |located| (Some(located.place), located.changes));
        Self {
            code: finding.code,
            name: checks::find(finding.code).map_or("", |check| check.name),
            level,
            root: root.clone(),
            rendered_from: file.clone().filter(|_| *is_rendered),
            namespace: key.namespace.clone(),
            ingress: key.name.clone(),
            field: finding.field.to_string(),
            fingerprint: fingerprint(root.as_deref(), key, finding.code, &finding.subject),
            place,
            subject: finding.subject,
            message: finding.message,
            help: finding.help,
            docs: format!("ingress-guard explain {}", finding.code),
            fix: finding.fix,
            waived: waived.map(|reason| (*reason).into()),
            baseline: false,
            changes,
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

/// FNV-1a of the parts with a zero byte after each, stable across versions and machines.
fn fingerprint(root: Option<&str>, key: &Key, code: &str, subject: &str) -> String {
    let mut hasher = FnvHasher::default();
    for part in root.into_iter().chain([&*key.namespace, &*key.name, code, subject]) {
        hasher.write(part.as_bytes());
        hasher.write_u8(0);
    }
    format!("{:016x}", hasher.finish())
}
