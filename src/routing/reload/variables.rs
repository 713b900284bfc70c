//! Variables in annotation values that the nginx of the controller does not know: B5 and B6 of section 2.8.

use std::cell::LazyCell;

use foldhash::{HashSet, HashSetExt as _};

use super::written::{Certainty, Parts};
use crate::budget::BudgetExceeded;
use crate::model::{Ingress, Kind};
use crate::routing::annotations::{NginxAnnotations, Risk};
use crate::routing::controller::ControllerFamily;
use crate::routing::location::{Condition, Unknown, WITHOUT_FORMER, unknown_variables};
use crate::routing::routes::{Routes, When};

/// A variable that nginx does not know, or a `$` without a name.
#[derive(Debug, Clone)]
pub struct VariableFault<'a> {
    /// The annotation, without its prefix.
    pub annotation: &'static str,
    /// Its value.
    pub value: &'a str,
    /// The part of the value.
    pub unknown: Unknown<'a>,
    /// How certain it is.
    pub certainty: Certainty,
    /// The annotation without whose fault nginx reads the value; `None`: nginx reads it now.
    pub until: Option<&'static str>,
}

/// The steps for one variable that is not known at once.
const UNKNOWN: u32 = 20;
/// The most that are looked for in one Ingress.
const MOST: usize = 16;
const REWRITE: &str = "rewrite-target";
impl VariableFault<'_> {
    /// The annotations in whose values nginx expands variables.
    pub const ANNOTATIONS: [&'static str; 10] = [
        "app-root",
        "auth-cache-key",
        "auth-signin",
        "auth-url",
        "mirror-host",
        "mirror-target",
        "proxy-ssl-name",
        REWRITE,
        "upstream-vhost",
        "x-forwarded-prefix",
    ];
}

impl<'a> Routes<'a> {
    /// Returns the variables in annotations of an Ingress that nginx does not know. `is_met` returns whether some Ingress
    /// of the controller satisfies a condition; `None`: unknown.
    ///
    /// # Errors
    /// When the evaluation exceeds its budget.
    pub fn variable_faults(
        &self,
        ingress: &'a Ingress,
        when: When,
        is_met: &dyn Fn(Condition) -> Option<bool>,
    ) -> Result<Vec<VariableFault<'a>>, BudgetExceeded> {
        let dialect = self.controller().dialect;
        let annotations = NginxAnnotations::of(ingress);
        let mut faults = Vec::new();
        if dialect.family != ControllerFamily::Nginx {
            return Ok(faults);
        }
        let groups = LazyCell::new(|| ingress.group_names());
        let written = LazyCell::new(|| self.written(ingress, when));
        let set = LazyCell::new(|| ingress.variables_of_snippets());
        for (row, value) in
            annotations.in_force(dialect.version).filter(|(row, _)| VariableFault::ANNOTATIONS.contains(&row.name))
        {
            if !value.contains('$') || !row.accepts(value) {
                continue;
            }
            self.budget().spend(u32::try_from(value.len() / 4).unwrap_or(u32::MAX))?;
            let is_extra = |name: &str| {
                let mut extra = dialect.extra_variables.iter().map(|extra| extra.trim_start_matches('$'));
                extra.any(|extra| extra.eq_ignore_ascii_case(name))
            };
            let by_snippet = |name: &str| dialect.allows_snippets() != Some(false) && set.contains(name);
            let is_known = |name: &str| {
                let lower = name.to_ascii_lowercase();
                is_extra(name) || groups.contains(&*lower) || by_snippet(&lower)
            };
            let mut seen = HashSet::new();
            for unknown in unknown_variables(value, is_known).filter(|unknown| seen.insert(*unknown)) {
                self.budget().spend(UNKNOWN)?;
                let is_part = |parts: &Parts| is_written(row.name, *parts);
                let written = (*written)?;
                if faults.len() == MOST || written.certainty(is_part, Certainty::Certain).is_none() {
                    break;
                }
                let certainty = match unknown {
                    Unknown::Stray => Some(Certainty::Certain),
                    Unknown::Variable(name) => self.is_unknown(name, ingress, is_met),
                };
                let Some(certainty) = certainty else { continue };
                // The other annotations were tried with fewer values.
                let is_certain = row.name == REWRITE && !has_snippet(annotations);
                let ceiling = if is_certain { Certainty::Certain } else { Certainty::Likely };
                if let Some((certainty, until)) = written.certainty(is_part, certainty.min(ceiling)) {
                    faults.push(VariableFault { annotation: row.name, value, unknown, certainty, until });
                }
            }
        }
        Ok(faults)
    }

    /// Returns how certain it is that nginx does not know a variable; `None`: it may know it, as far as Ingresses are known.
    fn is_unknown(
        &self,
        name: &str,
        ingress: &'a Ingress,
        is_met: &dyn Fn(Condition) -> Option<bool>,
    ) -> Option<Certainty> {
        let dialect = self.controller().dialect;
        let others = self.others_defining(name)?;
        let name = name.to_ascii_lowercase();
        if others.iter().any(|other| other.group_names().contains(&*name)) {
            return None;
        }
        let is_former = dialect.version.is_some_and(|version| version >= WITHOUT_FORMER);
        match Condition::of(&name) {
            None => match dialect.allows_snippets() {
                Some(false) => Some(Certainty::Certain),
                _ if others.is_empty() => Some(Certainty::Certain),
                Some(true) if others.iter().any(|other| other.variables_of_snippets().contains(&*name)) => None,
                // A snippet of another Ingress names it, and may define it.
                Some(true) | None => Some(Certainty::Possible),
            },
            Some(Condition::Former) if is_former => Some(Certainty::Likely),
            Some(Condition::Former | Condition::Setting) => Some(Certainty::Possible),
            Some(condition) if condition.is_met_by(ingress) && self.has_directives_for(ingress, condition) => None,
            Some(Condition::ExternalAuth) if dialect.has_global_authentication() => None,
            Some(condition) => match is_met(condition) {
                Some(true) => None,
                Some(false) => Some(Certainty::Likely),
                None => Some(Certainty::Possible),
            },
        }
    }

    /// Returns the other Ingresses of the controller whose regexes or snippets may define a variable, which exists everywhere then.
    /// `None`: not all are known, or they cost too much.
    fn others_defining(&self, name: &str) -> Option<Vec<&'a Ingress>> {
        let view = self.controllers().view();
        let knows_routes = [Kind::Ingress, Kind::IngressClass].into_iter().all(|kind| view.knows(kind));
        let mut others = view.others_defining(name).found().filter(|_| knows_routes)?;
        others.retain(|other| self.handles(other));
        let paths: usize =
            others.iter().map(|other| other.paths().map(|at| 1 + at.path.path.len() / 8).sum::<usize>()).sum();
        self.budget().spend(u32::try_from(paths).unwrap_or(u32::MAX)).ok()?;
        Some(others)
    }
}

/// Whether an annotation is written into a part of the configuration. `x-forwarded-prefix` stands beside `rewrite` only.
fn is_written(name: &str, parts: Parts) -> bool {
    match name {
        "auth-cache-key" | "auth-url" => parts.auth,
        "auth-signin" => parts.location && parts.auth,
        REWRITE | "x-forwarded-prefix" => parts.rewrite,
        "app-root" => parts.root,
        "mirror-host" | "mirror-target" => parts.any_location,
        _ => parts.location,
    }
}

/// Whether the Ingress has a snippet, which may set variables in ways that are not recognised.
fn has_snippet(annotations: NginxAnnotations<'_>) -> bool {
    annotations.known().any(|(row, text)| row.risk == Risk::Critical && !text.is_empty())
}
