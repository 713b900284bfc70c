//! The Ingress that stops its controller: no change of any Ingress is loaded.

use std::fmt;

use super::annotations::ReloadFault;
use super::variables::VariableFault;
use super::written::Certainty;
use crate::budget::{Allowance, Budget};
use crate::cluster::Lookup;
use crate::finding::Quoted;
use crate::model::{Ingress, Key};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::{Controller, ControllerFamily, Controllers};
use crate::routing::location::{Condition, ConfigError, Unknown};
use crate::routing::routes::{Routes, When};

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
}

impl fmt::Display for ReloadBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ingress, reason, is_crash, is_likely } = self;
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

impl<'a> Routes<'a> {
    /// Returns whether an Ingress crashes the controller: a canary with a rule without `http` (section 6.4). An ordinary Ingress
    /// of the same controller must exist, and nearly always does.
    #[must_use]
    pub fn crashes_controller(&self, ingress: &Ingress) -> bool {
        self.controller().dialect.family == ControllerFamily::Nginx
            && NginxAnnotations::of(ingress).is_canary()
            && ingress.rules.iter().any(|rule| rule.paths.is_empty())
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
            let met = handled.iter().any(|ingress| condition.is_met_by(ingress));
            (met || is_config_map_known).then_some(met)
        };
        let has_main = handled.iter().any(|ingress| !NginxAnnotations::of(ingress).is_canary());
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

    fn block_of(
        &self,
        ingress: &'a Ingress,
        has_main: bool,
        is_met: &dyn Fn(Condition) -> Option<bool>,
    ) -> Option<ReloadBlock> {
        let block = |reason, certainty| {
            Some(ReloadBlock {
                ingress: ingress.meta.key.clone(),
                reason,
                is_crash: false,
                is_likely: certainty > Certainty::Possible,
            })
        };
        if has_main && self.crashes_controller(ingress) {
            let reason = "a canary with a rule without http".to_owned();
            return Some(ReloadBlock { ingress: ingress.meta.key.clone(), reason, is_crash: true, is_likely: true });
        }
        let mut values = self.annotation_faults(ingress, When::After).ok()?;
        values.sort_by_key(|fault| std::cmp::Reverse(fault.certainty));
        if let Some(ReloadFault { annotation, value, reason, certainty, .. }) = values.into_iter().next() {
            return block(format!("annotation {annotation}: {} {reason}", Quoted(value)), certainty);
        }
        let mut variables = self.variable_faults(ingress, When::After, is_met).ok()?;
        variables.sort_by_key(|fault| std::cmp::Reverse(fault.certainty));
        if let Some(VariableFault { annotation, value, unknown, certainty }) = variables.into_iter().next() {
            let what = match unknown {
                Unknown::Variable(name) => format!("unknown variable ${name}"),
                Unknown::Stray => "a $ without a name".to_owned(),
            };
            return block(format!("annotation {annotation}: {what} in {}", Quoted(value)), certainty);
        }
        self.block_of_location(ingress)
    }

    /// Returns the first error of a location of an Ingress.
    fn block_of_location(&self, ingress: &'a Ingress) -> Option<ReloadBlock> {
        let is_own = |of: Option<&Ingress>| of.is_some_and(|of| of.meta.key == ingress.meta.key);
        for rule in &ingress.rules {
            let Lookup::Found(server) = self.server(&rule.host, When::After) else { continue };
            if server.forbidden.is_some() {
                continue;
            }
            let duplicate = server.duplicates().map(|(one, other)| ConfigError::Duplicate(one, other));
            let single = server.invalid_locations(|location| is_own(location.ingress), self.budget()).ok()?;
            let fault = duplicate.chain(single).find(|fault| is_own(fault.location().ingress));
            if let Some(fault) = fault {
                let is_likely = !matches!(fault, ConfigError::Pattern { is_certain: false, .. });
                let reason = format!("path on {}: {fault}", rule.host);
                return Some(ReloadBlock { ingress: ingress.meta.key.clone(), reason, is_crash: false, is_likely });
            }
        }
        None
    }
}
