//! The ceilings that downgrade a finding. Each is a small function that returns a level and its reason.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Circumstances, Decision, MissingReferences, Policy, Scope, Unconfirmed, check_of};
use crate::checks::{self, Check};
use crate::finding::{Evidence, Finding, Level};
use crate::model::{WAIVER_ANNOTATION, parse_waivers};
use crate::policy::Profile;

/// The reason why a finding does not deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ceiling {
    /// The profile or an override sets a lower level.
    Level,
    /// The object waives it, with this reason, cut to 120 characters.
    Waiver(Arc<str>),
    /// It depends on other objects, which may not exist yet at a dry run.
    DryRun,
    /// It depends on other objects, and the configuration sets `missingReferences: warn`.
    MissingReferences,
    /// The stored object has it already.
    Ratchet,
    /// Live reads do not confirm it, for this reason.
    Unconfirmed(Unconfirmed),
    /// The user or one of its groups is listed under `breakGlass`.
    BreakGlass,
    /// A namespace rule might apply whose labels are unknown.
    NamespaceUnknown,
    /// The object is one of several that the same files can produce, such as a chart with its default values.
    Sample,
}

impl Ceiling {
    /// Returns the name for audit annotations.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Waiver(_) => "waiver",
            Self::DryRun => "dry-run",
            Self::MissingReferences => "missing-references",
            Self::Ratchet => "ratchet",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::BreakGlass => "break-glass",
            Self::NamespaceUnknown => "namespace-unknown",
            Self::Sample => "sample",
        }
    }
}

/// A highest level and its reason.
type Cap = Option<(Level, Ceiling)>;

/// The ceilings of one verdict.
pub(super) struct Ceilings<'a> {
    policy: &'a Policy,
    scope: &'a Scope<'a>,
    circumstances: &'a Circumstances<'a>,
    waivers: HashMap<&'static str, Arc<str>>,
    profile: Profile,
}

impl<'a> Ceilings<'a> {
    pub(super) fn new(policy: &'a Policy, scope: &'a Scope<'a>, circumstances: &'a Circumstances<'a>) -> Self {
        let annotation = circumstances.ingress.meta.annotations.get(WAIVER_ANNOTATION).filter(|_| scope.waivers());
        let waivers = annotation.map(|value| waivers(value, circumstances.now)).unwrap_or_default();
        Self { policy, scope, circumstances, waivers, profile: scope.profile(policy) }
    }

    /// Returns the lowest of the check's level and every ceiling, or `None` if the check is off.
    pub(super) fn rule(&self, finding: Finding) -> Option<Decision> {
        let check = check_of(&finding)?;
        let default = finding.by_default.unwrap_or(check.levels);
        let level = match self.scope.rule {
            Some(rule) => rule.level(self.policy, check, default),
            None => self.policy.checks.level(check, default, self.profile),
        };
        if level == Level::Off {
            return None;
        }
        // A finding that cannot deny under this profile is not downgraded from deny.
        let level = level.min(self.profile.pick(finding.ceiling));
        let lifted = self.profile.lifted();
        let could_deny = level == Level::Deny || lifted.pick(default).min(lifted.pick(finding.ceiling)) == Level::Deny;
        let caps = [
            Some((level, Ceiling::Level)),
            self.waiver(check),
            self.reference(&finding),
            self.ratchet(&finding),
            self.unconfirmed(&finding),
            self.break_glass(),
            self.namespace_unknown(),
            self.circumstances.is_sample.then_some((Level::Warn, Ceiling::Sample)),
        ];
        let (level, reason) = caps.into_iter().flatten().min_by_key(|(level, _)| *level)?;
        let downgraded = (could_deny && level < Level::Deny).then_some(reason);
        Some(Decision { finding, level, downgraded, waived: self.waived(check).cloned() })
    }

    fn waived(&self, check: &Check) -> Option<&Arc<str>> {
        self.waivers.get(check.code).filter(|_| check.waivable)
    }

    fn waiver(&self, check: &Check) -> Cap {
        Some((Level::Audit, Ceiling::Waiver(Arc::clone(self.waived(check)?))))
    }

    fn reference(&self, finding: &Finding) -> Cap {
        // A controller that runs is not about to be created with the Ingress.
        if finding.rests_on.iter().all(Evidence::is_of_running_controller) {
            return None;
        }
        match self.policy.missing_references {
            MissingReferences::Warn => Some((Level::Warn, Ceiling::MissingReferences)),
            MissingReferences::DenyWhenPersisted if self.circumstances.dry_run => Some((Level::Warn, Ceiling::DryRun)),
            MissingReferences::DenyWhenPersisted | MissingReferences::Deny => None,
        }
    }

    fn ratchet(&self, finding: &Finding) -> Cap {
        let preexisting = self.circumstances.preexisting?;
        preexisting.contains(&(finding.code, finding.subject.clone())).then_some((Level::Warn, Ceiling::Ratchet))
    }

    fn unconfirmed(&self, finding: &Finding) -> Cap {
        let reason = Unconfirmed::of_finding(finding, self.circumstances.confirmed?)?;
        Some((Level::Warn, Ceiling::Unconfirmed(reason)))
    }

    fn break_glass(&self) -> Cap {
        let glass = &self.policy.break_glass;
        let user = glass.users.iter().any(|user| user == self.circumstances.user);
        let group = glass.groups.iter().any(|group| self.circumstances.groups.contains(group));
        (user || group).then_some((Level::Warn, Ceiling::BreakGlass))
    }

    fn namespace_unknown(&self) -> Cap {
        self.scope.unsure.then_some((Level::Warn, Ceiling::NamespaceUnknown))
    }
}

/// The reasons of the waivers that are valid today, by code.
fn waivers(value: &str, now: Timestamp) -> HashMap<&'static str, Arc<str>> {
    const REASON: usize = 120;
    let today = now.to_zoned(TimeZone::UTC).date();
    let valid = parse_waivers(value).filter_map(Result::ok).filter(|waiver| !waiver.expired(today));
    let known = valid.filter_map(|waiver| Some((checks::find(waiver.check)?.code, waiver)));
    let cut = |reason: &str| Arc::from(reason.chars().take(REASON).collect::<String>());
    known.map(|(code, waiver)| (code, cut(waiver.reason))).collect()
}
