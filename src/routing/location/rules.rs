//! The rules for a host, in the order of the controller. Sections 2.1 and 2.2.

use std::cmp::Ordering;

use foldhash::HashMap;

use crate::model::{Host, Ingress, RuleRef};
use crate::routing::annotations::{NginxAnnotations, Refusal};

/// One rule of one Ingress for a host.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// The rule; `None` for a `defaultBackend` without rules, which applies to [`Host::Any`].
    pub rule: Option<RuleRef<'a>>,
    /// The Ingress is a canary: it creates no server.
    pub is_canary: bool,
    /// The response that its annotations force: 403 on the whole host, or 503 in its locations (section 7.0).
    pub(crate) refusal: Option<Refusal>,
    pub(crate) rewriting: Rewriting<'a>,
}

/// The annotations of an Ingress that rewrite paths, read once: a value may be as long as the Ingress.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rewriting<'a> {
    pub(crate) target: Option<&'a str>,
    pub(crate) use_regex: bool,
    /// `/` of the host redirects to `app-root`.
    pub(crate) has_app_root: bool,
}

/// Compares Ingresses in the order of ingress-nginx: the oldest first; those of the same second by name in reverse
/// alphabetical order (section 2.1). An Ingress that is not stored yet is the youngest.
#[must_use]
pub fn by_age(a: &Ingress, b: &Ingress) -> Ordering {
    let (a, b) = (&a.meta, &b.meta);
    let age = match (a.created, b.created) {
        (Some(a), Some(b)) => a.as_second().cmp(&b.as_second()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    age.then_with(|| joined(&b.key).cmp(joined(&a.key)))
}

/// Returns the characters of `namespace/name` without allocating it.
fn joined(key: &crate::model::Key) -> impl Iterator<Item = u8> {
    key.namespace.bytes().chain(*b"/").chain(key.name.bytes())
}

impl Claim<'_> {
    /// Returns the 403 of the whole host. A rule without paths is skipped before its annotations apply, unless it has no host
    /// (section 2.3). Those of a canary apply as well (`getBackendServers`).
    pub(crate) fn forbids(&self) -> Option<Refusal> {
        let is_read = |rule: &RuleRef<'_>| !rule.rule.paths.is_empty() || rule.rule.host == Host::Any;
        let counts = self.rule.as_ref().is_some_and(is_read);
        self.refusal.filter(|refusal| counts && refusal.is_of_host())
    }
}

/// Returns the rules for each of these hosts, in the order of the given Ingresses. `refusal` returns the response that the
/// annotations of an Ingress force.
#[must_use]
pub fn claims<'a, 'h>(
    hosts: impl IntoIterator<Item = &'h Host>,
    ingresses: &[&'a Ingress],
    refusal: impl Fn(&'a Ingress) -> Option<Refusal>,
) -> HashMap<&'h Host, Vec<Claim<'a>>> {
    let mut claims: HashMap<&Host, Vec<Claim<'a>>> = hosts.into_iter().map(|host| (host, Vec::new())).collect();
    for ingress in ingresses {
        let annotations = NginxAnnotations::of(ingress);
        let rewriting = Rewriting {
            target: annotations.rewrite_target(),
            use_regex: annotations.use_regex(),
            has_app_root: annotations.app_root().is_some(),
        };
        let (is_canary, refusal) = (annotations.is_canary(), refusal(ingress));
        let claim = Claim { ingress, rule: None, is_canary, refusal, rewriting };
        for rule in ingress.rules() {
            if let Some(claims) = claims.get_mut(&rule.rule.host) {
                claims.push(Claim { rule: Some(rule), ..claim });
            }
        }
        if ingress.rules.is_empty()
            && let Some(claims) = claims.get_mut(&Host::Any)
        {
            claims.push(claim);
        }
    }
    claims
}
