//! Who asks for what on which host, and in which order it is looked at. Sections 2.1 and 2.2.

use std::cmp::Ordering;

use foldhash::HashMap;

use crate::model::{Host, Ingress, RuleRef};
use crate::routing::annotations::NginxAnnotations;

/// One rule of one Ingress for the host in question.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// Its rule; `None` for a `defaultBackend` without rules, which claims [`Host::Any`].
    pub rule: Option<RuleRef<'a>>,
    /// It is a canary's: it makes no host.
    pub is_canary: bool,
    pub(crate) rewriting: Rewriting<'a>,
}

/// What an Ingress asks for its paths, read once: a value may be as long as the Ingress.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rewriting<'a> {
    pub(crate) target: Option<&'a str>,
    pub(crate) use_regex: bool,
}

/// The order in which ingress-nginx looks at Ingresses: the oldest first, those of the same second by name, the last of
/// the alphabet first (section 2.1). What is not stored yet is the youngest.
#[must_use]
pub fn by_age(a: &Ingress, b: &Ingress) -> Ordering {
    let (a, b) = (&a.meta, &b.meta);
    let age = match (a.created, b.created) {
        (Some(a), Some(b)) => a.as_second().cmp(&b.as_second()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    age.then_with(|| joined(&b.key).cmp(joined(&a.key)))
}

/// `namespace/name` as text, without making it.
fn joined(key: &crate::model::Key) -> impl Iterator<Item = u8> {
    key.namespace.bytes().chain(*b"/").chain(key.name.bytes())
}

/// The claims on each of these hosts by Ingresses in the order of their age.
#[must_use]
pub fn claims<'a, 'h>(
    hosts: impl IntoIterator<Item = &'h Host>,
    taken: &[&'a Ingress],
) -> HashMap<&'h Host, Vec<Claim<'a>>> {
    let mut claims: HashMap<&Host, Vec<Claim<'a>>> = hosts.into_iter().map(|host| (host, Vec::new())).collect();
    for ingress in taken {
        let annotations = NginxAnnotations::of(ingress);
        let rewriting = Rewriting { target: annotations.rewrite_target(), use_regex: annotations.use_regex() };
        let claim = Claim { ingress, rule: None, is_canary: annotations.is_canary(), rewriting };
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
