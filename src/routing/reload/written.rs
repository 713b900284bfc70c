//! The parts of the configuration to which the annotations of an Ingress are written, and the certainty of a fault in them.

use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::{Backend, Host, Ingress};
use crate::routing::annotations::NginxAnnotations;
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
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the configuration")]
pub(super) struct Written {
    /// A location, also one that answers 503: mirrors and external authentication have locations of their own beside it.
    pub(super) any_location: bool,
    /// A location to which `app-root` belongs, also one that answers 503.
    pub(super) root: bool,
    /// A location that requests can reach.
    pub(super) location: bool,
    /// A location with `rewrite`.
    pub(super) rewrite: bool,
    /// The server of a host.
    pub(super) server: bool,
    /// The highest certainty of a fault in them.
    pub(super) ceiling: Certainty,
}

impl<'a> Routes<'a> {
    /// Returns the parts of the configuration to which the annotations of an Ingress are written. A host that answers 403 has no
    /// locations, and a location that answers 503 has only its own status.
    pub(super) fn written(&self, ingress: &'a Ingress, when: When) -> Result<Written, BudgetExceeded> {
        let annotations = NginxAnnotations::of(ingress);
        let (is_canary, has_target) = (annotations.is_canary(), annotations.rewrite_target().is_some());
        let mut written = Written {
            any_location: false,
            root: false,
            location: false,
            rewrite: false,
            server: false,
            ceiling: Certainty::Certain,
        };
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
                        written.any_location = true;
                        written.root = true;
                        written.location = true;
                        written.rewrite |= has_target;
                    }
                    continue;
                }
                Lookup::Unknown => continue,
            };
            spend(server.locations.len() / 4)?;
            if self.may_forbid(&server, when) {
                written.ceiling = Certainty::Possible;
            }
            if server.forbidden.is_some() {
                continue;
            }
            written.server |= !is_canary && !ingress.rules.is_empty();
            let is_own = |of: &Ingress| of.meta.key == ingress.meta.key;
            for location in server.locations.iter().filter(|location| location.ingress.is_some_and(is_own)) {
                written.any_location = true;
                written.root |= location.annotations().is_some();
                if location.refusal.is_none() {
                    written.location = true;
                    written.rewrite |= location.target.is_some();
                }
            }
            if written.location && written.root && (written.server || is_canary) && (written.rewrite || !has_target) {
                break;
            }
        }
        Ok(written)
    }

    /// Returns the highest certainty of a fault in the annotations of an Ingress; `None`: the controller does not load it. It
    /// depends on the version whether it loads some values.
    pub(super) fn ceiling(&self, ingress: &'a Ingress) -> Option<Certainty> {
        let loading = self.loading(ingress);
        match (loading.not_loaded, loading.doubt) {
            (Some(_), _) => None,
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
