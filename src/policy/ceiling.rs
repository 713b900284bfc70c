//! The ceilings that downgrade a finding. Each is a small function that returns a level and its reason.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Circumstances, Decision, Exception, MissingReferences, Policy, Scope, Unconfirmed, ValidWaiver, check_of};
use crate::checks::Check;
use crate::finding::{Evidence, Finding, Level, Levels};
use crate::policy::Profile;

/// The reason why a finding does not deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ceiling {
    /// The profile or an override sets a lower level.
    Level,
    /// The object waives it, with this reason, cut to 120 characters.
    Waiver(Arc<str>),
    /// An exception of the configuration covers it, with this reason.
    Exception(Arc<str>),
    /// A temporary override lowers the level, with this reason.
    Override(Arc<str>),
    /// The check, or its level, is newer than the rules of the configuration.
    Rules,
    /// It depends on other objects, which may not exist yet at a dry run.
    DryRun,
    /// It depends on other objects, and the configuration sets that such findings warn for this write.
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
            Self::Exception(_) => "exception",
            Self::Override(_) => "override",
            Self::Rules => "rules",
            Self::DryRun => "dry-run",
            Self::MissingReferences => "missing-references",
            Self::Ratchet => "ratchet",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::BreakGlass => "break-glass",
            Self::NamespaceUnknown => "namespace-unknown",
            Self::Sample => "sample",
        }
    }

    /// Returns the reason in the configuration or on the object, if there is one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiver(reason) | Self::Exception(reason) | Self::Override(reason) => Some(reason),
            _ => None,
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
    waivers: Vec<ValidWaiver>,
    exceptions: Vec<&'a Exception>,
    profile: Profile,
}

impl<'a> Ceilings<'a> {
    pub(super) fn new(policy: &'a Policy, scope: &'a Scope<'a>, circumstances: &'a Circumstances<'a>) -> Self {
        let (ingress, today) = (circumstances.ingress, circumstances.now.to_zoned(TimeZone::UTC).date());
        let waivers = if scope.waivers() { policy.admitted(ingress, today) } else { Vec::new() };
        let is_for = |exception: &&Exception| exception.is_in_force(today) && exception.is_for(&ingress.meta.key);
        let exceptions = policy.exceptions.iter().filter(is_for).collect();
        Self { policy, scope, circumstances, waivers, exceptions, profile: scope.profile(policy) }
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
            self.exception(&finding),
            self.temporary_override(check),
            self.rules(check, default),
            self.reference(check, &finding),
            self.ratchet(&finding),
            self.unconfirmed(&finding),
            self.break_glass(),
            self.namespace_unknown(),
            self.circumstances.is_sample.then_some((Level::Warn, Ceiling::Sample)),
        ];
        let (level, reason) = caps.into_iter().flatten().min_by_key(|(level, _)| *level)?;
        let downgraded = (could_deny && level < Level::Deny).then_some(reason);
        let waived = self.waived(check).or_else(|| self.excepted(&finding)).cloned();
        Some(Decision { finding, level, downgraded, waived })
    }

    fn waived(&self, check: &Check) -> Option<&Arc<str>> {
        self.waivers.iter().rfind(|waiver| waiver.code == check.code).map(|waiver| &waiver.reason)
    }

    fn waiver(&self, check: &Check) -> Cap {
        Some((Level::Audit, Ceiling::Waiver(Arc::clone(self.waived(check)?))))
    }

    fn excepted(&self, finding: &Finding) -> Option<&Arc<str>> {
        self.exceptions.iter().find(|exception| exception.covers(finding)).map(|exception| &exception.reason)
    }

    fn exception(&self, finding: &Finding) -> Cap {
        Some((Level::Audit, Ceiling::Exception(Arc::clone(self.excepted(finding)?))))
    }

    fn temporary_override(&self, check: &Check) -> Cap {
        let in_force = self.policy.override_at(self.circumstances.now)?;
        Some((in_force.cap(check)?, Ceiling::Override(Arc::clone(&in_force.reason))))
    }

    fn rules(&self, check: &Check, default: Levels) -> Cap {
        self.policy.is_newer(self.scope.rule, check, default).then_some((Level::Warn, Ceiling::Rules))
    }

    fn reference(&self, check: &Check, finding: &Finding) -> Cap {
        // A controller that runs is not about to be created with the Ingress.
        if finding.rests_on.iter().all(Evidence::is_of_running_controller) {
            return None;
        }
        let Circumstances { creates, dry_run, .. } = *self.circumstances;
        match self.missing_references(check) {
            MissingReferences::DenyOnChange | MissingReferences::DenyWhenPersisted if dry_run => {
                Some((Level::Warn, Ceiling::DryRun))
            }
            MissingReferences::Warn => Some((Level::Warn, Ceiling::MissingReferences)),
            MissingReferences::DenyOnChange if creates => Some((Level::Warn, Ceiling::MissingReferences)),
            MissingReferences::DenyOnChange | MissingReferences::DenyWhenPersisted | MissingReferences::Deny => None,
        }
    }

    /// The effect of missing references. Clients choose their field manager, so rules for field managers do not apply to checks that
    /// clients cannot waive.
    fn missing_references(&self, check: &Check) -> MissingReferences {
        let Circumstances { ingress, field_manager, .. } = *self.circumstances;
        let mut rules = self.policy.missing_references_for.iter();
        let rule = rules.find(|rule| {
            rule.applies(field_manager, &ingress.meta.key.namespace) && (check.waivable || rule.managers.is_empty())
        });
        rule.map_or(self.policy.missing_references, |rule| rule.effect)
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
