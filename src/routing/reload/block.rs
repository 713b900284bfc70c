//! The Ingress that stops its controller: no change of any Ingress is loaded.

use std::fmt;

use super::annotations::ReloadFault;
use super::variables::VariableFault;
use super::written::Certainty;
use crate::budget::{Allowance, Budget};
use crate::cluster::Lookup;
use crate::finding::Quoted;
use crate::model::{Host, Ingress, Key};
use crate::routing::annotations::{Annotation, NginxAnnotations};
use crate::routing::controller::{Controller, ControllerFamily, Controllers, Dialect};
use crate::routing::location::{Condition, ConfigError, Unknown, unknown_variables};
use crate::routing::routes::{Routes, When};
use crate::routing::server_name::ServerName;

/// The steps for the search over all Ingresses of a controller.
const STEPS: u32 = 100_000_000;

/// The Ingress for which no change is loaded.
#[derive(Debug, Clone)]
pub struct ReloadBlock {
    /// The Ingress.
    pub ingress: Key,
    /// The reason, as a clause without a subject: `annotation rewrite-target "/$x": …`.
    pub reason: String,
    /// The controller crashes; otherwise nginx refuses the configuration.
    pub is_crash: bool,
    /// Whether it is at least likely.
    pub is_likely: bool,
    /// The host, if the fault is in one of its locations.
    pub host: Option<Host>,
}

impl fmt::Display for ReloadBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ingress, reason, is_crash, is_likely, .. } = self;
        match (is_crash, is_likely) {
            (true, _) => write!(f, "Ingress {ingress} crashes the controller ({reason}): no change is loaded"),
            (false, true) => {
                write!(
                    f,
                    "nginx rejects the configuration because of Ingress {ingress} ({reason}): no change is loaded"
                )
            }
            (false, false) => write!(f, "nginx may reject the configuration because of Ingress {ingress} ({reason})"),
        }
    }
}

impl ReloadBlock {
    /// Returns the warning for other Ingresses of the controller, the same for all. It names the Ingress only where that is
    /// allowed.
    #[must_use]
    pub fn warning(&self, names_ingress: bool) -> String {
        let Self { ingress, reason, is_crash, .. } = self;
        let effect = if *is_crash { "the controller crashes" } else { "nginx rejects the configuration" };
        if names_ingress {
            format!("no change is loaded until Ingress {ingress} is fixed: {effect} ({reason})")
        } else {
            format!("no change is loaded until an Ingress in another namespace is fixed: {effect}")
        }
    }

    /// Returns the Ingress of a controller for which no change is loaded, the most certain one. Reads every Ingress of the
    /// controller: commands call it, reviews do not.
    #[must_use]
    pub fn of(controllers: Controllers<'_>, controller: Controller<'_>) -> Option<Self> {
        let budget = Budget::new(&Allowance { steps: STEPS, ..Allowance::command() }, 0);
        Routes::of(controllers, controller, None).within(&budget).reload_block()
    }

    /// Returns those of every controller.
    #[must_use]
    pub fn of_each(controllers: Controllers<'_>) -> Vec<Self> {
        let groups = controllers.grouped(controllers.view().ingresses());
        let identified = groups.into_iter().filter(|group| group.alone().is_none());
        identified.filter_map(|group| Self::of(controllers, group.controller)).collect()
    }
}

/// Returns whether an Ingress may have a value, a variable or a rule that stops its controller. It depends on other objects
/// whether it does.
pub(super) fn may_have_fault(ingress: &Ingress, dialect: &Dialect) -> bool {
    let version = dialect.version;
    let annotations = NginxAnnotations::of(ingress);
    let has_unknown = |(row, value): (&Annotation, &str)| {
        VariableFault::ANNOTATIONS.contains(&row.name) && unknown_variables(value, |_| false).next().is_some()
    };
    let has_flaw = |alias| !matches!(ServerName::flaw_of_alias(alias, &Budget::default()), Ok(None));
    annotations.is_canary() && ingress.rules.iter().any(|rule| rule.paths.is_empty())
        || annotations.redirects_www() && ingress.rules.iter().any(|rule| matches!(rule.host, Host::Wildcard(_)))
        || annotations.in_force(version).any(has_unknown)
        || !annotations.refused_by_nginx(version, dialect.shared_buffers()).is_empty()
        || annotations.server_aliases().any(has_flaw)
}

impl<'a> Routes<'a> {
    /// Returns whether an Ingress crashes the controller: a canary with a rule without `http` (section 6.4). An ordinary Ingress
    /// of the same controller must exist, and nearly always does.
    #[must_use]
    pub fn crashes_controller(&self, ingress: &'a Ingress) -> bool {
        self.controller().dialect.family == ControllerFamily::Nginx
            && NginxAnnotations::of(ingress).is_canary()
            && ingress.rules.iter().any(|rule| rule.paths.is_empty())
            && self.loading(ingress).not_loaded.is_none()
    }

    fn reload_block(&self) -> Option<ReloadBlock> {
        if self.controller().dialect.family != ControllerFamily::Nginx {
            return None;
        }
        let view = self.controllers().view();
        let mut handled: Vec<&'a Ingress> = view.ingresses().filter(|ingress| self.handles(ingress)).collect();
        handled.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        let is_config_map_known = self.controller().dialect.config_map.is_none();
        let is_met = |condition: Condition| {
            let met = handled
                .iter()
                .any(|ingress| condition.is_met_by(ingress) && self.has_directives_for(ingress, condition));
            (met || is_config_map_known).then_some(met)
        };
        let has_main = handled.iter().any(|ingress| self.is_main(ingress));
        let mut possible = None;
        for ingress in &handled {
            let Some(block) = self.block_of(ingress, has_main, &is_met) else { continue };
            if block.is_likely {
                return Some(block);
            }
            possible.get_or_insert(block);
        }
        possible
    }

    /// Returns whether an Ingress is one of those whose rules make servers.
    pub(super) fn is_main(&self, ingress: &'a Ingress) -> bool {
        !NginxAnnotations::of(ingress).is_canary() && self.counts(ingress)
    }

    /// Returns whether the configuration has the directives of a condition that an Ingress satisfies.
    pub(super) fn has_directives_for(&self, ingress: &'a Ingress, condition: Condition) -> bool {
        let redirects = |host: &Host| {
            let is_free = host.www_twin().is_none_or(|twin| self.server(&twin, When::After).is_absent());
            is_free && self.redirects_www(ingress, host, When::After)
        };
        match condition {
            Condition::WildcardHost => self.is_main(ingress),
            Condition::WwwRedirect => ingress.rules.iter().any(|rule| redirects(&rule.host)),
            _ => self.written(ingress, When::After).is_ok_and(|written| written.has_directives_for(condition)),
        }
    }

    fn block_of(
        &self,
        ingress: &'a Ingress,
        has_main: bool,
        is_met: &dyn Fn(Condition) -> Option<bool>,
    ) -> Option<ReloadBlock> {
        let is_own = |of: &Ingress| of.meta.key == ingress.meta.key;
        let of_locations = || ingress.rules.iter().find_map(|rule| self.block_of_host(&rule.host, &is_own));
        self.block_of_values(ingress, &|| has_main, is_met).or_else(of_locations)
    }

    /// Returns the block by what an Ingress itself contains: a crash, a value or a variable. `has_main` returns whether the
    /// controller handles an ordinary Ingress, not a canary.
    pub(super) fn block_of_values(
        &self,
        ingress: &'a Ingress,
        has_main: &dyn Fn() -> bool,
        is_met: &dyn Fn(Condition) -> Option<bool>,
    ) -> Option<ReloadBlock> {
        let block = |reason, certainty| {
            let is_likely = certainty > Certainty::Possible;
            Some(ReloadBlock { ingress: ingress.meta.key.clone(), reason, is_crash: false, is_likely, host: None })
        };
        if self.crashes_controller(ingress) && has_main() {
            let (ingress, reason) = (ingress.meta.key.clone(), "a canary with a rule without http".to_owned());
            return Some(ReloadBlock { ingress, reason, is_crash: true, is_likely: true, host: None });
        }
        let mut values = self.annotation_faults(ingress, When::After).ok()?;
        values.sort_by_key(|fault| std::cmp::Reverse(fault.certainty));
        if let Some(ReloadFault { annotation, value, reason, certainty, .. }) =
            values.into_iter().find(|fault| fault.until.is_none())
        {
            return block(format!("annotation {annotation}: {} {reason}", Quoted(value)), certainty);
        }
        let mut variables = self.variable_faults(ingress, When::After, is_met).ok()?;
        variables.sort_by_key(|fault| std::cmp::Reverse(fault.certainty));
        let VariableFault { annotation, value, unknown, certainty, .. } =
            variables.into_iter().find(|fault| fault.until.is_none())?;
        let what = match unknown {
            Unknown::Variable(name) => format!("unknown variable ${name}"),
            Unknown::Stray => "a $ without a name".to_owned(),
        };
        block(format!("annotation {annotation}: {what} in {}", Quoted(value)), certainty)
    }

    /// Returns the block by the first error in the locations of a host, of the Ingresses that are in question.
    pub(super) fn block_of_host(&self, host: &Host, is_in_question: &dyn Fn(&Ingress) -> bool) -> Option<ReloadBlock> {
        // The paths of a canary whose host has no server are locations of the server `_`.
        let server = match self.server(host, When::After) {
            Lookup::Absent => self.server(&Host::Any, When::After),
            found => found,
        };
        let server = server.found().filter(|server| server.forbidden.is_none())?;
        let is_asked = |of: Option<&Ingress>| of.is_some_and(is_in_question);
        let duplicates = server.duplicates().map(|(one, other)| ConfigError::Duplicate(one, other));
        let single = server.invalid_locations(|location| is_asked(location.ingress), self.budget()).ok()?;
        let fault = duplicates.chain(single).find(|fault| is_asked(fault.location().ingress))?;
        let ingress = fault.location().ingress?.meta.key.clone();
        let is_likely = !matches!(fault, ConfigError::Pattern { is_certain: false, .. });
        let reason = format!("path on {host}: {fault}");
        Some(ReloadBlock { ingress, reason, is_crash: false, is_likely, host: Some(host.clone()) })
    }
}
