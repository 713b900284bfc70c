//! The parts of the configuration to which the annotations of an Ingress are written, and the certainty of a fault in them.

use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::{Backend, Host, Ingress};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::location::Condition;
use crate::routing::routes::{Routes, When};

/// How certain it is that nginx refuses a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It depends on something unknown: another Ingress, or a key of the controller's ConfigMap.
    Possible,
    /// Certain with the default ConfigMap, and if the Secrets that the Ingress references exist.
    Likely,
    /// Certain.
    Certain,
}

/// The parts of the configuration to which the annotations of an Ingress are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Those that the configuration has.
    pub(super) now: Parts,
    /// Those that it will have once this annotation has no fault any more: until then its hosts return 403, or its locations 503.
    /// Nothing reviews the Ingress again then.
    pub(super) later: Option<(Parts, &'static str)>,
    /// The highest certainty of a fault in them.
    pub(super) ceiling: Certainty,
}

/// Parts of the configuration.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the configuration")]
pub(super) struct Parts {
    /// A location, also one that answers 503: mirrors and external authentication have locations of their own beside it.
    pub(super) any_location: bool,
    /// A location for external authentication.
    pub(super) auth: bool,
    /// A location to which `app-root` belongs, also one that answers 503.
    pub(super) root: bool,
    /// A location that requests can reach.
    pub(super) location: bool,
    /// A location with `rewrite`.
    pub(super) rewrite: bool,
    /// The server of a host.
    pub(super) server: bool,
}

impl Parts {
    fn add(&mut self, other: Self) {
        self.any_location |= other.any_location;
        self.auth |= other.auth;
        self.root |= other.root;
        self.location |= other.location;
        self.rewrite |= other.rewrite;
        self.server |= other.server;
    }
}

impl Written {
    /// Returns whether the directives of a condition are written for an Ingress that satisfies it.
    pub(super) fn has_directives_for(&self, condition: Condition) -> bool {
        match condition {
            Condition::Cors | Condition::OpenTelemetry => self.now.location,
            Condition::AuthCacheKey => self.now.auth,
            _ => self.now.location && self.now.auth,
        }
    }

    /// Returns the certainty of a fault in a part, and the annotation without whose fault the part is there; `None`: the part is not
    /// written.
    pub(super) fn certainty(
        &self,
        is_part: impl Fn(&Parts) -> bool,
        certainty: Certainty,
    ) -> Option<(Certainty, Option<&'static str>)> {
        if is_part(&self.now) {
            return Some((certainty.min(self.ceiling), None));
        }
        let (_, until) = self.later.filter(|(later, _)| is_part(later))?;
        Some((Certainty::Possible, Some(until)))
    }
}

impl<'a> Routes<'a> {
    /// Returns the parts of the configuration to which the annotations of an Ingress are written. A host that answers 403 has no
    /// locations, and a location that answers 503 has only its own status.
    pub(super) fn written(&self, ingress: &'a Ingress, when: When) -> Result<Written, BudgetExceeded> {
        let annotations = NginxAnnotations::of(ingress);
        let (is_canary, has_target) = (annotations.is_canary(), annotations.rewrite_target().is_some());
        let has_url = annotations.accepted("auth-url").is_some();
        let auth = has_url && !self.loading(ingress).drops_auth;
        let mut written = Written { now: Parts::default(), later: None, ceiling: Certainty::Certain };
        let spend = |steps: usize| self.budget().spend(u32::try_from(steps).unwrap_or(u32::MAX));
        // Reads every annotation of the Ingress.
        spend(ingress.meta.annotations.iter().map(|(_, value)| 8 + value.len() / 2).sum())?;
        let Some(ceiling) = self.ceiling(ingress) else { return Ok(written) };
        written.ceiling = ceiling;
        let hosts = ingress.rules.iter().map(|rule| &rule.host);
        let any = ingress.rules.is_empty().then_some(&Host::Any);
        for host in hosts.chain(any) {
            spend(4)?;
            let server = match self.server(host, when) {
                Lookup::Found(server) => server,
                Lookup::Absent => {
                    if is_canary && self.has_location_of_canary(ingress, host, when)? {
                        let Parts { rewrite, server, .. } = written.now;
                        let rewrite = rewrite || has_target;
                        written.now = Parts { any_location: true, auth, root: true, location: true, rewrite, server };
                    }
                    continue;
                }
                Lookup::Unknown => continue,
            };
            spend(server.locations.len() / 4)?;
            if self.may_forbid(&server, when) {
                written.ceiling = Certainty::Possible;
            }
            let is_own = |of: &Ingress| of.meta.key == ingress.meta.key;
            let mut own = Parts { server: !is_canary && !ingress.rules.is_empty(), ..Parts::default() };
            for location in server.locations.iter().filter(|location| location.ingress.is_some_and(is_own)) {
                own.any_location = true;
                own.auth |= auth;
                own.root |= location.annotations().is_some();
                let until = server.forbidden.or(location.refusal);
                let parts = match until {
                    Some(refusal) => {
                        let (later, _) = written.later.get_or_insert((Parts::default(), refusal.annotation));
                        later.auth |= has_url;
                        later
                    }
                    None => &mut own,
                };
                parts.location = true;
                parts.rewrite |= location.target.is_some();
            }
            match server.forbidden {
                None => written.now.add(own),
                Some(refusal) => written.later.get_or_insert((Parts::default(), refusal.annotation)).0.add(own),
            }
            let Parts { location, root, server, rewrite, .. } = written.now;
            if location && root && (server || is_canary) && (rewrite || !has_target) {
                break;
            }
        }
        Ok(written)
    }

    /// Returns the highest certainty of a fault in the annotations of an Ingress; `None`: the controller does not load it. It
    /// depends on the version whether it loads some values.
    pub(super) fn ceiling(&self, ingress: &'a Ingress) -> Option<Certainty> {
        let loading = self.loading(ingress);
        let reads_unknown_prefix = self.controller().dialect.reads_unknown_prefix;
        match (loading.not_loaded, loading.doubt) {
            (Some(_), _) => None,
            _ if reads_unknown_prefix => Some(Certainty::Possible),
            (None, Some(_)) => Some(Certainty::Possible),
            (None, None) if NginxAnnotations::of(ingress).is_canary() => Some(Certainty::Likely),
            (None, None) => Some(Certainty::Certain),
        }
    }

    /// Returns whether a canary on a host without a server has a location in the server `_`: it is not the first to use its Service
    /// and port (section 2.3).
    fn has_location_of_canary(&self, ingress: &'a Ingress, host: &Host, when: When) -> Result<bool, BudgetExceeded> {
        for at in ingress.paths().filter(|at| at.rule.host == *host) {
            let is_service = matches!(*at.path.backend, Backend::Service { .. });
            if is_service && !self.is_canary_upstream(ingress, &at.path.backend, when)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
