//! Annotation values of an Ingress for which nginx refuses the configuration: B7 and B11 to B18 of section 2.8.

use super::written::{Certainty, Parts};
use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::{Host, Ingress};
use crate::routing::annotations::{Effect, LONGEST_PARAMETER, NginxAnnotations, Place, RefusedValue};
use crate::routing::controller::ControllerFamily;
use crate::routing::routes::{Routes, When};
use crate::routing::server_name::ServerName;

/// A value for which nginx refuses the configuration.
#[derive(Debug, Clone)]
pub struct ReloadFault<'a> {
    /// The annotation, without its prefix.
    pub annotation: &'static str,
    /// The value, or the item of a list.
    pub value: &'a str,
    /// The problem, as a predicate of the value.
    pub reason: String,
    /// The fix.
    pub help: &'static str,
    /// How certain it is.
    pub certainty: Certainty,
    /// The annotation without whose fault nginx reads the value; `None`: nginx reads it now.
    pub until: Option<&'static str>,
}

impl<'a> Routes<'a> {
    /// Returns the annotation values of an Ingress for which nginx refuses the configuration: those that are written into it.
    ///
    /// # Errors
    /// When the evaluation exceeds its budget.
    pub fn annotation_faults(&self, ingress: &'a Ingress, when: When) -> Result<Vec<ReloadFault<'a>>, BudgetExceeded> {
        let dialect = self.controller().dialect;
        if dialect.family != ControllerFamily::Nginx {
            return Ok(Vec::new());
        }
        let annotations = NginxAnnotations::of(ingress);
        let bytes = ingress.meta.annotations.iter().map(|(_, value)| value.len().min(LONGEST_PARAMETER)).sum::<usize>();
        self.budget().spend(u32::try_from(bytes / 2).unwrap_or(u32::MAX))?;
        let mut faults = self.server_name_faults(ingress, when)?;
        let mut refused = annotations.refused_by_nginx(dialect.version, dialect.shared_buffers());
        // A value of another annotation may drop the external authentication, and all that belongs to it.
        let drops_auth = || {
            let mut values = annotations.in_force(dialect.version);
            values.any(|(row, value)| row.value_error(value, None).is_some_and(|error| error.effect == Effect::Open))
        };
        let is_of_auth =
            |value: &RefusedValue<'_>| value.annotation.starts_with("auth-") && value.place == Place::Location;
        if refused.iter().any(is_of_auth) && drops_auth() {
            refused.retain(|value| !is_of_auth(value));
        }
        if !faults.is_empty() {
            let Some(ceiling) = self.ceiling(ingress) else { return Ok(Vec::new()) };
            for fault in &mut faults {
                fault.certainty = fault.certainty.min(ceiling);
            }
        }
        if refused.is_empty() {
            return Ok(faults);
        }
        let written = self.written(ingress, when)?;
        for RefusedValue { annotation, value, reason, help, place, is_certain } in refused {
            let is_part = |parts: &Parts| match place {
                Place::Location => parts.location,
                Place::Server => parts.server && self.decides_ciphers(ingress, annotation, when),
            };
            let certainty = if is_certain { Certainty::Certain } else { Certainty::Likely };
            if let Some((certainty, until)) = written.certainty(is_part, certainty) {
                faults.push(ReloadFault { annotation, value, reason, help, certainty, until });
            }
        }
        Ok(faults)
    }

    /// Returns whether an Ingress decides `ssl-ciphers` of one of its hosts: the oldest with the annotation does.
    fn decides_ciphers(&self, ingress: &Ingress, annotation: &str, when: When) -> bool {
        let decides = |host: &Host| {
            let claims = self.claims(host, when).found()?;
            let mut main = claims.iter().filter(|claim| !claim.is_canary).map(|claim| claim.ingress);
            main.find(|other| NginxAnnotations::of(other).accepted(annotation).is_some())
        };
        let is_it = |first: &Ingress| first.meta.key == ingress.meta.key;
        annotation != "ssl-ciphers" || ingress.rules.iter().any(|rule| decides(&rule.host).is_some_and(is_it))
    }

    /// Returns the names of servers that nginx refuses: aliases, and `www.` before a wildcard.
    fn server_name_faults(&self, ingress: &'a Ingress, when: When) -> Result<Vec<ReloadFault<'a>>, BudgetExceeded> {
        let annotations = NginxAnnotations::of(ingress);
        let mut faults = Vec::new();
        if annotations.is_canary() || ingress.rules.is_empty() {
            return Ok(faults);
        }
        if annotations.accepted("server-alias").is_some() {
            for value in annotations.server_aliases() {
                let Some((reason, is_certain)) = ServerName::flaw_of_alias(value, self.budget())? else { continue };
                if faults.is_empty() && !self.decides_aliases(ingress, when) {
                    break;
                }
                let certainty = if is_certain { Certainty::Certain } else { Certainty::Likely };
                let help = "use a host name or a regex";
                faults.push(ReloadFault { annotation: "server-alias", value, reason, help, certainty, until: None });
            }
        }
        let mut wildcards = ingress.rules.iter().filter(|rule| matches!(rule.host, Host::Wildcard(_)));
        let redirects = |host: &Host| annotations.redirects_www() && self.has_own_path(ingress, host, when);
        if let Some(rule) = wildcards.find(|rule| redirects(&rule.host)) {
            let reason = format!("makes the invalid server name www.{}", rule.host);
            faults.push(ReloadFault {
                annotation: "from-to-www-redirect",
                value: annotations.value("from-to-www-redirect").unwrap_or_default(),
                reason,
                help: "remove it",
                certainty: Certainty::Certain,
                until: None,
            });
        }
        Ok(faults)
    }

    /// Returns whether a path of an Ingress is a location of a host: the redirect between a host and its `www.` name comes with it
    /// (section 7.2).
    fn has_own_path(&self, ingress: &Ingress, host: &Host, when: When) -> bool {
        let Lookup::Found(server) = self.server(host, when) else { return false };
        let is_own = |of: &Ingress| of.meta.key == ingress.meta.key;
        server.locations.iter().any(|location| location.at.is_some() && location.ingress.is_some_and(is_own))
    }

    /// Returns whether the aliases of an Ingress count on one of its hosts: those of the oldest with any do (section 2.3).
    fn decides_aliases(&self, ingress: &Ingress, when: When) -> bool {
        let decides = |host: &Host| {
            let claims = self.claims(host, when).found()?;
            let main = claims.iter().filter(|claim| !claim.is_canary && claim.rule.is_some());
            main.map(|claim| claim.ingress).find(|other| NginxAnnotations::of(other).server_aliases().next().is_some())
        };
        ingress.rules.iter().any(|rule| decides(&rule.host).is_some_and(|first| first.meta.key == ingress.meta.key))
    }
}
