//! The decision on findings: profile, levels, overrides, and the ceilings that downgrade a finding.
//!
//! The effective level is the lowest of the level and of every ceiling. A downgraded finding stays in the verdict.

mod ceiling;
mod exceptions;
mod level;
mod missing_references;
mod temporary_override;
mod unconfirmed;
mod waivers;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

pub use ceiling::Ceiling;
pub use exceptions::Exception;
pub use level::{NamespaceRule, Overrides, Profile};
pub use missing_references::{MissingReferences, MissingReferencesRule, UNORDERED_MANAGERS};
pub use temporary_override::TemporaryOverride;
pub use unconfirmed::{Confirmed, Unconfirmed};
pub use waivers::{ENDS_SOON_DAYS, ValidWaiver};

use crate::checks::{self, Check, NamespaceMatch, Release, WAIVER_INVALID, WaiverBounds, effects};
use crate::cluster::Lookup;
use crate::finding::{Finding, Level, Levels};
use crate::model::{FieldPath, Ingress, Kind, Kinds, WAIVER_ANNOTATION};

/// The configuration of verdicts.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The profile, unless a namespace rule sets another.
    pub profile: Profile,
    /// Levels of single checks.
    pub checks: Overrides,
    /// The effect of findings that depend on other objects.
    pub missing_references: MissingReferences,
    /// The same for some field managers and namespaces; the first rule that applies counts.
    pub missing_references_for: Vec<MissingReferencesRule>,
    /// Users and groups that are never denied.
    pub break_glass: BreakGlass,
    /// Rules for namespaces; the first that matches applies.
    pub namespaces: Vec<NamespaceRule>,
    /// The contact line at the end of denials.
    pub support: Option<String>,
    /// Whether denials mention the waiver annotation; by default under every profile but `strict`.
    pub waiver_hint: Option<bool>,
    /// The release whose checks and levels deny; later ones warn. `None`: that of this program.
    pub rules: Option<Release>,
    /// Lower levels for a limited time.
    pub temporary_override: Option<TemporaryOverride>,
    /// Exceptions that the configuration makes.
    pub exceptions: Vec<Exception>,
    /// The bounds of waivers in annotations.
    pub waiver_bounds: WaiverBounds,
}

/// Users and groups that are warned, never denied.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakGlass {
    /// User names, matched exactly.
    pub users: Vec<String>,
    /// Group names, matched exactly.
    pub groups: Vec<String>,
}

/// The inputs of a verdict besides the findings.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The evaluated Ingress.
    pub ingress: &'a Ingress,
    /// Labels of its namespace.
    pub namespace_labels: Lookup<&'a BTreeMap<Box<str>, Box<str>>>,
    /// Whether the write creates the Ingress.
    pub creates: bool,
    /// Whether the write is a dry run, which stores nothing.
    pub dry_run: bool,
    /// The field manager of the write; empty if it is not known.
    pub field_manager: &'a str,
    /// The name of the user who writes.
    pub user: &'a str,
    /// The groups of that user.
    pub groups: &'a [String],
    /// Findings of the stored object, which this write replaces.
    pub preexisting: Option<&'a Preexisting>,
    /// The evidence that live reads have confirmed; `None` if there is no live cluster, or before the first confirmation.
    pub confirmed: Option<&'a Confirmed>,
    /// Whether something that changes the object is not known, such as the values of a chart.
    pub is_sample: bool,
    /// The time of the review.
    pub now: Timestamp,
}

/// Pre-existing findings, by code and subject.
pub type Preexisting = HashSet<(&'static str, Box<str>)>;

/// The decision on one finding.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The finding.
    pub finding: Finding,
    /// The effective level.
    pub level: Level,
    /// The ceiling that downgraded it from deny.
    pub downgraded: Option<Ceiling>,
    /// The reason of the waiver on the object, or of the exception for it, whatever the level without it; cut to 120 characters.
    pub waived: Option<Arc<str>>,
}

impl Decision {
    /// Returns why live reads do not confirm the finding, if that kept it from denying.
    #[must_use]
    pub fn unconfirmed(&self) -> Option<Unconfirmed> {
        match self.downgraded {
            Some(Ceiling::Unconfirmed(reason)) => Some(reason),
            _ => None,
        }
    }
}

/// The decisions on all findings, worst first.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Each finding with its level, without those of checks that are off.
    pub decisions: Vec<Decision>,
    /// The denying codes, each once, if denials mention waivers and a waiver can lift the whole denial; else empty.
    pub waivable: Vec<&'static str>,
    /// Whether a waiver needs an end.
    pub waivers_end: bool,
}

impl Verdict {
    /// Returns the findings at one level.
    pub fn at(&self, level: Level) -> impl Iterator<Item = &Finding> {
        self.decisions.iter().filter(move |decision| decision.level == level).map(|decision| &decision.finding)
    }

    /// Returns the decisions as people read them: one of those that differ only in their subjects, such as a path with one problem on
    /// several hosts. Ratchet and baselines need every subject, because a host that is added is new although its problem reads
    /// the same.
    pub fn distinct(&self) -> impl Iterator<Item = &Decision> {
        let mut seen = HashSet::new();
        self.decisions.iter().filter(move |decision| {
            let Finding { code, field, message, help, .. } = &decision.finding;
            seen.insert((decision.level, decision.unconfirmed(), *code, field, message, help))
        })
    }

    /// Returns whether a finding denies.
    #[must_use]
    pub fn denies(&self) -> bool {
        self.at(Level::Deny).next().is_some()
    }
}

impl Policy {
    /// Returns the level of a check before any ceiling, unless a namespace rule sets another.
    #[must_use]
    pub fn level(&self, check: &Check) -> Level {
        self.level_under(None, check)
    }

    /// Returns the level of a check before any ceiling, for objects of a namespace with these labels.
    #[must_use]
    pub fn level_in(&self, namespace: &str, labels: Lookup<&BTreeMap<Box<str>, Box<str>>>, check: &Check) -> Level {
        self.level_under(self.scope(namespace, labels).rule, check)
    }

    /// Returns whether a check has a level other than `off` in some namespace.
    #[must_use]
    pub fn uses(&self, check: &Check) -> bool {
        self.levels(check).any(|level| level > Level::Off)
    }

    /// Returns whether findings of a check deny in some namespace.
    #[must_use]
    pub fn can_deny(&self, check: &Check) -> bool {
        self.levels(check).any(|level| level == Level::Deny)
    }

    /// The general level of a check, and those of the namespace rules.
    fn levels(&self, check: &Check) -> impl Iterator<Item = Level> {
        let rules = std::iter::once(None).chain(self.namespaces.iter().map(Some));
        rules.map(|rule| self.level_under(rule, check))
    }

    /// The level of a check under a namespace rule, if one applies.
    fn level_under(&self, rule: Option<&NamespaceRule>, check: &Check) -> Level {
        let level = match rule {
            Some(rule) => rule.level(self, check, check.levels),
            None => self.checks.level(check, check.levels, self.profile),
        };
        if self.is_newer(rule, check, check.levels) { level.min(Level::Warn) } else { level }
    }

    /// Whether the check, or its denial, is newer than the rules of the configuration. A level that the configuration sets does not
    /// depend on the release.
    fn is_newer(&self, rule: Option<&NamespaceRule>, check: &Check, default: Levels) -> bool {
        let Some(release) = self.rules else { return false };
        let is_set = rule.is_some_and(|rule| rule.checks.of(check).is_some()) || self.checks.of(check).is_some();
        let profile = rule.and_then(|rule| rule.profile).unwrap_or(self.profile).lifted();
        let denied_before = match check.levels_in(release) {
            None => false,
            Some(levels) if levels == check.levels => profile.pick(default) == Level::Deny,
            Some(levels) => profile.pick(levels) == Level::Deny,
        };
        !is_set && !denied_before
    }

    /// Switches every other check off, in all namespaces.
    pub fn keep(&mut self, wanted: impl Fn(&Check) -> bool) {
        for check in checks::ALL.iter().filter(|check| !wanted(check)) {
            let overrides =
                std::iter::once(&mut self.checks).chain(self.namespaces.iter_mut().map(|rule| &mut rule.checks));
            overrides.for_each(|overrides| {
                overrides.0.insert(check.code, Level::Off);
            });
        }
    }

    /// Returns the kinds that the policy needs for a decision.
    #[must_use]
    pub fn needs(&self) -> Kinds {
        let selects = self.namespaces.iter().any(|rule| matches!(rule.matches, NamespaceMatch::Labels(_)));
        if selects { Kind::Namespace.into() } else { Kinds::NONE }
    }

    /// Returns the temporary override, if it is in force at a time.
    #[must_use]
    pub fn override_at(&self, now: Timestamp) -> Option<&TemporaryOverride> {
        self.temporary_override.as_ref().filter(|it| it.is_in_force(now))
    }

    /// Decides on every finding.
    #[must_use]
    pub fn decide(&self, mut findings: Vec<Finding>, circumstances: &Circumstances<'_>) -> Verdict {
        let scope = self.scope(&circumstances.ingress.meta.key.namespace, circumstances.namespace_labels);
        findings.extend(scope.waiver_refused(circumstances.ingress));
        let ceilings = ceiling::Ceilings::new(self, &scope, circumstances);
        let mut decisions: Vec<Decision> = findings.into_iter().filter_map(|finding| ceilings.rule(finding)).collect();
        decisions.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.finding.code.cmp(b.finding.code)));
        let denies = |decision: &&Decision| decision.level == Level::Deny;
        let mut waivable: Vec<&str> = decisions.iter().filter(denies).map(|decision| decision.finding.code).collect();
        waivable.dedup();
        let can_be_waived = |code: &&str| checks::find(code).is_some_and(|check| self.can_be_waived(check));
        if !scope.mentions_waivers(self) || !waivable.iter().all(can_be_waived) {
            waivable.clear();
        }
        Verdict { decisions, waivable, waivers_end: self.waiver_bounds.longest_days.is_some() }
    }

    /// Returns whether an annotation can waive a check: its findings concern only their Ingress, and the configuration allows it.
    #[must_use]
    pub fn can_be_waived(&self, check: &Check) -> bool {
        check.waivable && self.waiver_bounds.checks.as_ref().is_none_or(|checks| checks.contains(&check.code))
    }

    /// The rule that applies in a namespace with these labels.
    fn scope(&self, namespace: &str, labels: Lookup<&BTreeMap<Box<str>, Box<str>>>) -> Scope<'_> {
        let mut unsure = false;
        for rule in &self.namespaces {
            match rule.matches.holds(namespace, || labels) {
                Lookup::Found(()) => return Scope { rule: Some(rule), unsure },
                Lookup::Absent => {}
                Lookup::Unknown => unsure = true,
            }
        }
        Scope { rule: None, unsure }
    }
}

/// The namespace rule that applies, if any.
struct Scope<'a> {
    rule: Option<&'a NamespaceRule>,
    /// Whether a rule selects by labels that are unknown, so that it might apply instead.
    unsure: bool,
}

impl Scope<'_> {
    fn waivers(&self) -> bool {
        self.rule.is_none_or(|rule| rule.waivers)
    }

    fn profile(&self, policy: &Policy) -> Profile {
        self.rule.and_then(|rule| rule.profile).unwrap_or(policy.profile)
    }

    fn mentions_waivers(&self, policy: &Policy) -> bool {
        self.waivers() && policy.waiver_hint.unwrap_or(self.profile(policy) != Profile::Strict)
    }

    /// The finding about a waiver in a namespace without waivers.
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
