//! Annotation values of an Ingress for which nginx refuses the configuration: B7 and B11 to B18 of section 2.8.

use super::written::{Certainty, Parts};
use crate::budget::BudgetExceeded;
use crate::model::{Host, Ingress};
use crate::routing::annotations::{LONGEST_PARAMETER, NginxAnnotations, Place, RefusedValue};
use crate::routing::controller::ControllerFamily;
use crate::routing::routes::{Routes, When};
use crate::routing::server_name::{AliasFlaw, ServerName};

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
        let refused = annotations.refused_by_nginx(dialect.version, dialect.shared_buffers());
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
                Place::Location if annotation.starts_with("auth-") => parts.location && parts.auth,
                Place::Location => parts.location,
                Place::Authentication => parts.auth,
                Place::LocationAndAuthentication => parts.location || parts.auth,
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
        if !annotations.is_canary() && !ingress.rules.is_empty() && annotations.accepted("server-alias").is_some() {
            for value in annotations.server_aliases() {
                let flaw = ServerName::flaw_of_alias(value, self.budget())?;
                let Some(AliasFlaw { reason, is_certain, if_compared }) = flaw else { continue };
                let is_compared = if if_compared { self.compares_names(ingress, when) } else { Some(true) };
                if is_compared == Some(false) {
                    continue;
                }
                if faults.is_empty() && !self.decides_aliases(ingress, when) {
                    break;
                }
                let (certainty, reason) = match is_compared {
                    None => (Certainty::Possible, format!("{reason} beside another host")),
                    Some(_) if is_certain => (Certainty::Certain, reason),
                    Some(_) => (Certainty::Likely, reason),
                };
                let help = "use a host name or a regex";
                faults.push(ReloadFault { annotation: "server-alias", value, reason, help, certainty, until: None });
            }
        }
        let mut wildcards = ingress.rules.iter().filter(|rule| matches!(rule.host, Host::Wildcard(_)));
        if let Some(rule) = wildcards.find(|rule| self.redirects_www(ingress, &rule.host, when)) {
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

    /// Returns whether nginx compares the names of servers: the configuration has another one than `_`, or the name of that is a regex
    /// with a group. `None`: another Ingress decides it, and a review reads no Ingress of other hosts.
    fn compares_names(&self, ingress: &'a Ingress, when: When) -> Option<bool> {
        let adds = |ingress: &'a Ingress| {
            let annotations = NginxAnnotations::of(ingress);
            let has_host = || ingress.rules.iter().any(|rule| rule.host != Host::Any);
            let has_group = || annotations.server_aliases().any(|alias| alias.starts_with('~') && alias.contains('('));
            (!annotations.is_canary() && (has_host() || has_group())) || self.redirects_www(ingress, &Host::Any, when)
        };
        if adds(ingress) {
            return Some(true);
        }
        (!self.evaluates_one()).then(|| self.view().ingresses().any(|other| self.counts(other) && adds(other)))
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
