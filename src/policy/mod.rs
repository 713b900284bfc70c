//! What becomes of findings: profile, levels, overrides, and the ceilings that keep a finding from denying.
//!
//! The effective level is the lowest of the level and of every ceiling. Exempt never means unaudited: whatever lowers
//! a finding, it stays in the verdict.

mod ceiling;
mod level;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

pub use ceiling::Ceiling;
pub use level::{NamespaceRule, Overrides, Profile};

use crate::checks::{self, Check, NamespaceMatch, WAIVER_INVALID, effects};
use crate::cluster::Lookup;
use crate::finding::{Evidence, Finding, Level};
use crate::model::{FieldPath, Ingress, Kind, Kinds, WAIVER_ANNOTATION};

/// What configuration says of verdicts.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The profile where no namespace rule says another.
    pub profile: Profile,
    /// Levels of single checks.
    pub checks: Overrides,
    /// What faults that rest on other objects may come to.
    pub missing_references: MissingReferences,
    /// Who is never denied.
    pub break_glass: BreakGlass,
    /// Rules for namespaces; the first that matches holds.
    pub namespaces: Vec<NamespaceRule>,
}

/// What a finding that rests on any other object may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MissingReferences {
    /// It only ever warns.
    Warn,
    /// It denies, but not on a dry run: Flux dry-runs a whole batch before it applies any of it, so the object that
    /// is missed may be the next one.
    #[default]
    DenyWhenPersisted,
    /// It denies on a dry run as well.
    Deny,
}

/// Users and groups whose writes are warned about, never denied.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakGlass {
    /// User names, exactly.
    pub users: Vec<String>,
    /// Group names, exactly.
    pub groups: Vec<String>,
}

/// What a verdict depends on besides the findings.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The judged Ingress.
    pub ingress: &'a Ingress,
    /// Labels of its namespace.
    pub namespace_labels: Lookup<&'a BTreeMap<Box<str>, Box<str>>>,
    /// Nothing will be stored.
    pub dry_run: bool,
    /// Who writes.
    pub user: &'a str,
    /// The writer's groups.
    pub groups: &'a [String],
    /// Findings that the object had before this write.
    pub preexisting: Option<&'a Preexisting>,
    /// What denials rest on and was read live; nothing where the inventory is the truth, or has not been doubted yet.
    pub confirmed: Option<&'a HashSet<Evidence>>,
    /// The deadline came before every check had looked.
    pub out_of_time: bool,
    /// The time of the review.
    pub now: Timestamp,
}

/// Findings by code and subject.
pub type Preexisting = HashSet<(&'static str, Box<str>)>;

/// What became of one finding.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The finding.
    pub finding: Finding,
    /// What becomes of it.
    pub level: Level,
    /// It would have denied but for this.
    pub downgraded: Option<Ceiling>,
    /// The reason for which the object waives it, whatever it would have come to; cut where it is long.
    pub waived: Option<Arc<str>>,
}

/// What became of all findings, worst first.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Each finding with its level; those of checks that are off are left out.
    pub decisions: Vec<Decision>,
}

impl Verdict {
    /// The findings at one level.
    pub fn at(&self, level: Level) -> impl Iterator<Item = &Finding> {
        self.decisions.iter().filter(move |decision| decision.level == level).map(|decision| &decision.finding)
    }

    /// Whether anything denies.
    #[must_use]
    pub fn denies(&self) -> bool {
        self.at(Level::Deny).next().is_some()
    }
}

impl Policy {
    /// The level of a check where no namespace rule says another, before any ceiling.
    #[must_use]
    pub fn level(&self, check: &Check) -> Level {
        self.checks.level(check, self.profile)
    }

    /// Whether a check can have any level but `off` in some namespace.
    #[must_use]
    pub fn uses(&self, check: &Check) -> bool {
        self.level(check) > Level::Off || self.namespaces.iter().any(|rule| rule.level(self, check) > Level::Off)
    }

    /// Switch every other check off, in all namespaces.
    pub fn keep(&mut self, wanted: impl Fn(&Check) -> bool) {
        for check in checks::ALL.iter().filter(|check| !wanted(check)) {
            let overrides =
                std::iter::once(&mut self.checks).chain(self.namespaces.iter_mut().map(|rule| &mut rule.checks));
            overrides.for_each(|overrides| {
                overrides.0.insert(check.code, Level::Off);
            });
        }
    }

    /// The kinds without which the policy cannot rule.
    #[must_use]
    pub fn needs(&self) -> Kinds {
        let selects = self.namespaces.iter().any(|rule| matches!(rule.matches, NamespaceMatch::Labels(_)));
        if selects { Kind::Namespace.into() } else { Kinds::NONE }
    }

    /// Rule on every finding.
    #[must_use]
    pub fn decide(&self, mut findings: Vec<Finding>, circumstances: &Circumstances<'_>) -> Verdict {
        let scope = self.scope(circumstances);
        findings.extend(scope.waiver_refused(circumstances.ingress));
        let ceilings = ceiling::Ceilings::new(self, &scope, circumstances);
        let mut decisions: Vec<Decision> = findings.into_iter().filter_map(|finding| ceilings.rule(finding)).collect();
        decisions.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.finding.code.cmp(b.finding.code)));
        Verdict { decisions }
    }

    /// What holds in the namespace of the judged Ingress.
    fn scope(&self, circumstances: &Circumstances<'_>) -> Scope<'_> {
        let namespace = &circumstances.ingress.meta.key.namespace;
        let mut unsure = false;
        for rule in &self.namespaces {
            match rule.matches.holds(namespace, || circumstances.namespace_labels) {
                Lookup::Found(()) => return Scope { rule: Some(rule), unsure },
                Lookup::Absent => {}
                Lookup::Unknown => unsure = true,
            }
        }
        Scope { rule: None, unsure }
    }
}

/// The namespace rule that holds, if any.
struct Scope<'a> {
    rule: Option<&'a NamespaceRule>,
    /// A rule selects by labels that are not known: it might have spared the namespace.
    unsure: bool,
}

impl Scope<'_> {
    fn waivers(&self) -> bool {
        self.rule.is_none_or(|rule| rule.waivers)
    }

    /// Says so where an object waives in a namespace that may not.
    fn waiver_refused(&self, ingress: &Ingress) -> Option<Finding> {
        let _ = ingress.meta.annotations.get(WAIVER_ANNOTATION).filter(|_| !self.waivers())?;
        let namespace = &ingress.meta.key.namespace;
        let message = format!("namespaces[].waivers is false for namespace {namespace:?}: {}", effects::NOTHING_WAIVED);
        let field = FieldPath::annotation(WAIVER_ANNOTATION);
        let mut finding = Finding::new(WAIVER_INVALID.code, field, "waivers refused", message);
        finding.help("fix the findings or ask the cluster administrators");
        Some(finding)
    }
}

fn check_of(finding: &Finding) -> Option<&'static Check> {
    checks::find(finding.code)
}
